/** Tests of logging in by a form, over real connections to two workers that take turns. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import t from "tap";
import { formLogin, type FormLoginOptions } from "../../src/handlers/form-login.ts";
import { sessions } from "../../src/handlers/sessions.ts";
import { startApp, type TestServer } from "../support/server.ts";

const at = (name: string): string => (
  JSON.stringify(new URL(`../../src/handlers/${name}.js`, import.meta.url).href)
);

const APP = `
  import { threadId } from "node:worker_threads";
  import { formLogin, sessions } from ${at("sessions")};
  const site = sessions({ cookie: { secure: false } });
  const users = { miller: { password: "flour", roles: ["grind"] }, cook: { password: "salt" } };
  const login = formLogin({
    sessions: site,
    lookup: (user, password) => {
      if (user === "broken") throw new Error("no directory");
      if (user === "twice") return [1, 2];
      if (user === "untrue") return password === "right";
      const name = user.toLowerCase(); // as a directory has it
      if (users[name]?.password !== password) return [];
      return [{ name, roles: users[name].roles ?? [], hash: "secret" }];
    },
    userOf: ({ name, roles }) => ({ name, roles }),
    ownerOf: ({ name }) => name,
  });
  const show = (request) => Response.json([threadId, request.user ?? null]);
  export default {
    routes: {
      ...login.routes,
      "/mill": login.guard({}, show),
      "/grind": login.guard({ roles: "grind" }, show),
      "/count": site.saved(async (request, context) => {
        const session = await site.of(request, context);
        session.set("count", (session.get("count") ?? 0) + 1);
        return new Response(String(session.get("count")));
      }),
      "/end/:user": async (request, { server }) =>
        new Response(String(await site.endAll(request.params.user, server))),
    },
  };
`;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location: string | null;
  readonly challenge: string | null;
}

interface Visitor {
  cookie: string | null;
  ask(path: string, init?: RequestInit): Promise<Answer>;
  login(fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
}

function visitor({ url }: TestServer, cookie: string | null = null): Visitor {
  return {
    cookie,
    async ask(path, init = {}) {
      const headers = new Headers({ accept: "text/html", connection: "close" });
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      if (this.cookie !== null) headers.set("cookie", this.cookie);
      const answer = await fetch(url + path, { redirect: "manual", ...init, headers });
      for (const text of answer.headers.getSetCookie()) {
        this.cookie = text.includes("Max-Age=0") ? null : text.split(";")[0]!;
      }
      const field = (name: string): string | null => answer.headers.get(name);
      return {
        status: answer.status, text: await answer.text(),
        location: field("location"), challenge: field("www-authenticate"),
      };
    },
    async login(fields, headers = {}) {
      const body = new URLSearchParams(fields);
      return await this.ask("/login", { method: "POST", body, headers });
    },
  };
}

const OPTIONS = { workers: 2, balance: "round-robin" } as const;
const MILLER = { user: "miller", password: "flour" };

t.test("to the login page and back, and known to every worker", async (t) => {
  const server = await startApp(t, APP, OPTIONS);
  const one = visitor(server);
  const first = await one.ask("/mill?a=b%20c&d");
  t.match(first, { status: 303, location: "/login?to=%2Fmill%3Fa%3Db%2520c%26d" });
  const page = await one.ask(first.location!);
  t.match(page.text, 'name="to" value="/mill?a=b%20c&amp;d"');
  const failed = await one.login({ ...MILLER, password: "salt", to: "/mill?a" });
  t.match(failed, { status: 401, challenge: 'Form location="/login"' });
  t.match(failed.text, 'value="/mill?a"');
  t.equal(one.cookie, null, "who failed has no session");
  t.match(await one.login({ ...MILLER, to: "/mill?a" }), { status: 303, location: "/mill?a" });
  const seen: [number, { name: string }][] = [];
  for (let i = 0; i < 8; i++) {
    seen.push(JSON.parse((await one.ask("/mill")).text) as [number, { name: string }]);
  }
  t.strictSame(new Set(seen.map(([, user]) => user.name)), new Set(["miller"]));
  t.equal(new Set(seen.map(([thread]) => thread)).size, 2, "on both workers");
  const { cookie } = one;
  t.match(await one.ask("/logout", { method: "POST" }), { status: 303, location: "/" });
  t.equal(one.cookie, null);
  for (let i = 0; i < 4; i++) {
    t.equal((await visitor(server, cookie).ask("/mill")).status, 303, "ended for all workers");
  }
});

t.test("who is not let in", async (t) => {
  const server = await startApp(t, APP, OPTIONS);
  for (const user of ["broken", "twice", "untrue", "", "nobody"]) {
    const failed = await visitor(server).login({ user, password: "x" });
    t.equal(failed.status, 401, user);
  }
  const one = visitor(server);
  t.match(await one.ask("/mill", { headers: { accept: "application/json" } }), {
    status: 401, challenge: 'Form location="/login"',
  });
  t.match(await one.ask("/mill", { method: "POST" }), { status: 303, location: "/login?to=%2F" });
  await one.login({ user: "cook", password: "salt" });
  t.equal((await one.ask("/grind")).status, 403, "a role is missing: logging in does not help");
  await one.login(MILLER);
  t.equal((await one.ask("/grind")).status, 200);
  t.equal((await one.ask("/login", { method: "POST", body: "user=a" })).status, 415);
  const body = new URLSearchParams({ user: "x".repeat(9000) });
  t.equal((await one.ask("/login", { method: "POST", body })).status, 413);
});

t.test("back to this site alone", async (t) => {
  const server = await startApp(t, APP);
  for (const to of ["//evil.example", "https://evil.example/", "/\\evil.example", "/.//evil", ""]) {
    t.match(await visitor(server).login({ ...MILLER, to }), { status: 303, location: "/" }, to);
    const page = await visitor(server).ask(`/login?to=${encodeURIComponent(to)}`);
    t.match(page.text, 'name="to" value="/"', to);
  }
});

t.test("another site can log nobody in or out, nor send what a guard protects", async (t) => {
  const server = await startApp(t, APP);
  const forged = { "sec-fetch-site": "cross-site" };
  const one = visitor(server);
  t.equal((await one.login(MILLER, forged)).status, 403);
  t.equal((await one.login(MILLER, { origin: "https://evil.example" })).status, 403);
  t.equal(one.cookie, null);
  await one.login(MILLER);
  t.equal((await one.ask("/logout", { method: "POST", headers: forged })).status, 403);
  t.equal((await one.ask("/mill", { method: "POST", headers: forged })).status, 403);
  t.equal((await one.ask("/mill", { headers: forged })).status, 200, "links may lead here");
  t.equal((await one.ask("/logout")).status, 405, "no link logs out");
});

t.test("no page of another site gets a WebSocket of who has logged in", async (t) => {
  const server = await startApp(t, APP);
  const one = visitor(server);
  await one.login(MILLER);
  const ask = async (fields: Record<string, string>): Promise<number> => {
    const head = request(`${server.url}/mill`, { headers: {
      connection: "Upgrade", upgrade: "websocket", cookie: one.cookie!, ...fields,
    } }).end();
    const [answer] = await once(head, "response") as [IncomingMessage];
    answer.resume();
    return answer.statusCode!;
  };
  t.equal(await ask({ origin: "https://evil.example" }), 403);
  t.equal(await ask({ "sec-fetch-site": "cross-site" }), 403);
  t.equal(await ask({ origin: server.url }), 200, "the site's own pages get to the handler");
  t.equal(await ask({}), 200, "what is no browser");
});

t.test("an id that was planted before the login is worth nothing after it", async (t) => {
  const server = await startApp(t, APP, OPTIONS);
  const attacker = visitor(server);
  t.equal((await attacker.ask("/count")).text, "1");
  const victim = visitor(server, attacker.cookie);
  await victim.login(MILLER);
  t.not(victim.cookie, attacker.cookie);
  t.equal((await attacker.ask("/mill")).status, 303);
  t.equal((await victim.ask("/count")).text, "2", "what it held came along");
  const made = visitor(server, `session=${"A".repeat(43)}`);
  await made.login(MILLER);
  t.not(made.cookie, `session=${"A".repeat(43)}`);
});

t.test("sessions outlive a reload, and are ended for a user everywhere", async (t) => {
  const started = await startApp(t, APP, OPTIONS);
  const [one, two] = [visitor(started), visitor(started)];
  await one.login(MILLER);
  await two.login({ ...MILLER, user: "Miller" });
  t.match((await two.ask("/mill")).text, /\{"name":"miller","roles":\["grind"\]\}\]$/);
  await started.server.reload();
  t.equal((await one.ask("/mill")).status, 200);
  t.equal((await one.ask("/end/miller")).text, "2");
  t.equal((await one.ask("/mill")).status, 303);
  t.equal((await two.ask("/mill")).status, 303);
});

t.test("the same without worker threads", async (t) => {
  const one = visitor(await startApp(t, APP, { workers: 0 }));
  await one.login(MILLER);
  t.equal((await one.ask("/mill")).status, 200);
  await one.ask("/logout", { method: "POST" });
  t.equal((await one.ask("/mill")).status, 303);
});

t.test("what the session keeps is waited for, and nobody is nobody", async (t) => {
  const server = await startApp(t, `
    import { formLogin, sessions } from ${at("sessions")};
    const login = formLogin({
      sessions: sessions({ cookie: { secure: false } }),
      lookup: (user) => ({ user }),
      userOf: async ({ user }) => (user === "nobody" ? undefined : { name: user }),
      ownerOf: async ({ user }) => user,
    });
    export default { routes: {
      ...login.routes, "/mill": login.guard({}, (request) => Response.json(request.user)),
    } };
  `);
  const one = visitor(server);
  t.match(await one.login({ user: "nobody", password: "x" }), { status: 401 });
  t.equal(one.cookie, null);
  t.match(await one.login({ user: "miller", password: "x" }), { status: 303 });
  t.match(await one.ask("/mill"), { status: 200, text: '{"name":"miller"}' });
});

t.test("what is wrong with options is said when the app is loaded", (t) => {
  const site = sessions();
  for (const path of ["login", "//b", "http://a/", ""]) {
    const options: FormLoginOptions = { sessions: site, lookup: () => null, loginPath: path };
    t.throws(() => formLogin(options), TypeError, path);
  }
  const options: FormLoginOptions = { sessions: site, lookup: () => null };
  const wrong: object[] = [
    { sessions: undefined }, { sessions: {} }, { lookup: undefined }, { lookup: "x" },
    { loginPath: 5 }, { loginPath: "/x", logoutPath: "/x" }, { loginPath: "/logout" },
    { loginPath: "/:x" }, { loginPath: "/a/*" }, { loginPath: "/a?b" }, { logoutPath: "/a#b" },
    { home: null }, { page: "x" }, { userOf: "name" }, { ownerOf: "name" },
  ];
  for (const each of wrong) {
    t.throws(() => formLogin({ ...options, ...each }), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^formLogin: /,
    }, JSON.stringify(each));
  }
  t.doesNotThrow(() => formLogin({ ...options, home: "/a?b#c", loginPath: "/a:b/c" }));
  t.throws(() => formLogin({ ...options, loginpath: "/a" } as FormLoginOptions), {
    name: "TypeError", message: 'formLogin: no option "loginpath", did you mean loginPath?',
  });
  const { guard } = formLogin(options);
  t.throws(() => guard({ role: "miller" } as object), { message: "did you mean roles?" });
  t.throws(() => guard({ by: { authenticate: () => "anybody" } } as object), TypeError);
  t.throws(() => guard((() => new Response("mill")) as object), TypeError);
  t.end();
});
