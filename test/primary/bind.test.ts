/** Tests of where a listener binds, in words and as errors. */
import { constants } from "node:os";
import t from "tap";
import { bindError, bindText, resolveBind, urlOf } from "../../src/primary/bind.ts";

t.test("a bind has a text and a URL", async (t) => {
  t.equal(bindText({ host: "127.0.0.1", port: 80 }), "127.0.0.1:80");
  t.equal(bindText({ host: "::1", port: 80 }), "[::1]:80");
  t.equal(bindText({ path: "/run/a.sock" }), "/run/a.sock");
  t.equal(urlOf({ host: "localhost", port: 80 }, "http"), "http://localhost:80");
  t.equal(urlOf({ host: "::1", port: 80 }, "https"), "https://[::1]:80");
  t.equal(urlOf({ path: "/run/a.sock" }, "http"), "http+unix:/run/a.sock");
});

t.test("names become addresses, and addresses and paths stay", async (t) => {
  for (const bind of [{ host: "::1", port: 1 }, { host: "10.0.0.1", port: 2 }, { path: "/a" }]) {
    t.strictSame(await resolveBind(bind), bind);
  }
  t.match(await resolveBind({ host: "localhost", port: 3 }), { host: /^(127|::1)/, port: 3 });
  await t.rejects(resolveBind({ host: "no-such-host.invalid", port: 4 }), {
    code: "ERR_MILLRACE_BIND",
    message: /no-such-host\.invalid:4: the host name is not known/,
  });
});

t.test("an errno becomes a sentence, with the system's code in its cause", async (t) => {
  const { EADDRINUSE, ENOTSUP } = constants.errno;
  const error = bindError({ host: "127.0.0.1", port: 80 }, EADDRINUSE);
  t.match(error, {
    code: "ERR_MILLRACE_BIND",
    message: "Cannot listen on 127.0.0.1:80: the address is in use (EADDRINUSE)",
    cause: { code: "EADDRINUSE", errno: -EADDRINUSE, syscall: "bind" },
  });
  t.match(bindError({ path: "/a" }, ENOTSUP).message, /\/a: \w+ \(\w+\)$/);
});
