// A page behind a login form: sessions that all workers know, and a limit on guesses.
//
//   npx millrace examples/login-form.mjs
//   curl -i -H 'Accept: text/html' http://127.0.0.1:3000/mill
//   curl -i -c jar -d 'user=miller&password=flour&to=/mill' http://127.0.0.1:3000/login
//   curl -i -b jar http://127.0.0.1:3000/mill
//   curl -i -b jar -X POST http://127.0.0.1:3000/logout
//   curl -i -b jar http://127.0.0.1:3000/mill

import { isSameText } from "millrace/authentication";
import { rateLimit } from "millrace/rate-limit";
import { formLogin, sessions } from "millrace/sessions";

// Without TLS, for curl. Behind TLS leave `cookie` out.
const site = sessions({ cookie: { secure: false } });

const login = formLogin({
  sessions: site,
  // A real app has hashed passwords: passwordFile() of millrace/password-file.
  lookup: (user, password) =>
    user === "miller" && isSameText(password, "flour") ? { name: "miller" } : null,
});

const { GET, POST } = login.routes["/login"];
const guesses = { name: "login", limit: 10, windowMs: 10 * 60_000 };

export default {
  routes: {
    ...login.routes,
    "/": () => new Response("open to everybody\n"),
    "/mill": login.guard({}, (request) => new Response(`Hello, ${request.user.name}!\n`)),
    "/login": { GET, POST: { ...POST, handle: rateLimit(guesses, POST.handle) } },
  },
};
