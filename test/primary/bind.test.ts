/** Tests of where a listener binds, in words and as errors. */
import { constants } from "node:os";
import t from "tap";
import { bindError, bindErrors, resolveBind } from "../../src/primary/bind.ts";

t.test("names become addresses, and addresses and paths stay", async (t) => {
  const binds = [
    { host: "::1", port: 1 }, { host: "10.0.0.1", port: 2 }, { path: "/a" }, { fd: 3 },
  ];
  for (const bind of binds) t.strictSame(await resolveBind(bind), [bind]);
  const places = await resolveBind({ host: "localhost", port: 3 });
  t.ok(places.length > 0);
  t.strictSame(places, [...new Map(places.map((each) => [JSON.stringify(each), each])).values()]);
  for (const place of places) t.match(place, { host: /^(127|::1)/, port: 3 });
  await t.rejects(resolveBind({ host: "no-such-host.invalid", port: 4 }), {
    code: "ERR_MILLRACE_BIND",
    message: /no-such-host\.invalid:4: the host name is not known/,
  });
});

t.test("several errors become one, which names them all", async (t) => {
  const { EADDRINUSE, EADDRNOTAVAIL } = constants.errno;
  const errors = [
    bindError({ host: "127.0.0.1", port: 80 }, EADDRINUSE),
    bindError({ host: "::1", port: 80 }, EADDRNOTAVAIL),
  ];
  const bind = { host: "a.test", port: 80 };
  t.equal(bindErrors(bind, errors.slice(0, 1)), errors[0]);
  const error = bindErrors(bind, errors);
  t.match(error, { code: "ERR_MILLRACE_BIND", cause: { code: "EADDRINUSE", errors } });
  t.match(error.message, /a\.test:80: .*127\.0\.0\.1:80.*EADDRINUSE.*\[::1\]:80.*EADDRNOTAVAIL/);
});

t.test("an errno becomes a sentence, with the system's code in its cause", async (t) => {
  const { EADDRINUSE, ENOTSUP } = constants.errno;
  const error = bindError({ host: "127.0.0.1", port: 80 }, EADDRINUSE);
  t.match(error, {
    code: "ERR_MILLRACE_BIND",
    message: "Cannot listen on 127.0.0.1:80: the address is in use (EADDRINUSE)",
    cause: { code: "EADDRINUSE", errno: -EADDRINUSE, syscall: "bind" },
  });
  t.match(bindError({ fd: 3 }, constants.errno.EINVAL).message, /fd:3: .* no stream socket/);
  t.match(bindError({ path: "/a" }, ENOTSUP).message, /\/a: \w+ \(\w+\)$/);
});
