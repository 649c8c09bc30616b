/** What the option `debug` may be, and the clocks that it can stop. */
import { fileURLToPath } from "node:url";
import t from "tap";
import { resolveOptions } from "../../src/options.ts";
import { fromText, passes } from "../../src/options/checks.ts";
import { debug } from "../../src/options/debug.ts";

const app = fileURLToPath(import.meta.url);

t.test("on, off, or how", async (t) => {
  const good = [
    true, false, {}, { requestHead: true, requestBody: false }, { bodyBytes: 0 },
    { responseHead: false, responseBody: true, bodyBytes: 65_536 }, { timeouts: false },
    { maskFields: ["X-Key", "pin"], maskPaths: ["/login", "/reset/*", "/*"] },
  ];
  for (const value of good) t.ok(passes(debug, value), JSON.stringify(value));
  const bad = [
    null, "true", 1, [], { head: true }, { requestHead: "on" }, { bodyBytes: 65_537 },
    { maskFields: "pin" }, { maskFields: ["a b"] }, { maskPaths: ["login"] },
    { maskPaths: ["/a*b"] }, { maskPaths: ["/a?b"] }, { timeouts: 0 },
  ];
  for (const value of bad) t.notOk(passes(debug, value), JSON.stringify(value));
  t.equal(fromText(debug, "1"), true, "as a flag or a variable");
});

t.test("for the server or one listener, whose clocks it can stop", async (t) => {
  const { listeners } = resolveOptions({
    app,
    headTimeoutMs: 5,
    handlerTimeoutMs: 7,
    listeners: [
      { port: 1 }, { port: 2, debug: { timeouts: false } }, { port: 3, debug: true },
    ],
  }, { MILLRACE_DEBUG: "false" });
  const never = 2 ** 31 - 1;
  t.match(listeners[0]!.settings, { debug: false, headTimeoutMs: 5, handlerTimeoutMs: 7 });
  t.match(listeners[1]!.settings, {
    headTimeoutMs: never, bodyTimeoutMs: never, idleTimeoutMs: never, writeTimeoutMs: never,
    handlerTimeoutMs: 0,
  });
  t.match(listeners[2]!.settings, { debug: true, headTimeoutMs: 5, handlerTimeoutMs: 7 });
  const all = resolveOptions({ app }, { MILLRACE_DEBUG: "true" });
  t.equal(all.listeners[0]!.settings.debug, true);
});
