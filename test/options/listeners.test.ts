/** Tests of listeners: their rows, binds as text, and the short forms beside the list. */
import t from "tap";
import { OPTION_ROWS } from "../../src/options.ts";
import type { Layer } from "../../src/options/layers.ts";
import { LISTENER_SETTING_ROWS, LISTENER_SETTINGS } from "../../src/options/listener-settings.ts";
import { parseBind, resolveListeners } from "../../src/options/listeners.ts";
import type { ResolvedListener } from "../../src/options/listeners.ts";
import type { ListenerSettings } from "../../src/shared/listener-settings.ts";

// The rows' own defaults.
const DEFAULTS = Object.fromEntries(
  LISTENER_SETTINGS.map((name) => [name, LISTENER_SETTING_ROWS[name].fallback]),
) as unknown as ListenerSettings;

function resolve(...layers: Layer[]): ResolvedListener[] {
  return resolveListeners(layers, OPTION_ROWS, DEFAULTS);
}

function option(values: Record<string, unknown>): Layer {
  return { source: "option", values };
}

t.test("a bind is a port, an address with a port, or a path", async (t) => {
  t.strictSame(parseBind("0"), { port: 0 });
  t.strictSame(parseBind("example.org:80"), { host: "example.org", port: 80 });
  t.strictSame(parseBind("127.0.0.1:8080"), { host: "127.0.0.1", port: 8080 });
  t.strictSame(parseBind("[::1]:8080"), { host: "::1", port: 8080 });
  t.strictSame(parseBind("/run/app.sock"), { path: "/run/app.sock" });
  t.strictSame(parseBind("./app.sock"), { path: "./app.sock" });
});

t.test("any other bind is refused", async (t) => {
  for (const wrong of ["", "localhost", ":80", "::1:80", "[::1]", "[x]:80", "a:b", "a:80 ", "-1"]) {
    t.throws(() => parseBind(wrong), { code: "ERR_MILLRACE_OPTION_INVALID" }, wrong);
  }
  for (const wrong of ["65536", "a:65536", "999999999999"]) {
    t.throws(() => parseBind(wrong), { message: /port of bind must be an integer/ }, wrong);
  }
});

t.test("listeners get ids and names", async (t) => {
  const all = resolve(option({ listeners: [{ port: 1 }, { port: 2 }, { id: "x", path: "/s" }] }));
  t.strictSame(all.map(({ id }) => id), ["default", "listener-2", "x"]);
  t.strictSame(all[2], {
    id: "x", name: "x", path: "/s", backlog: 511, accessLog: true, data: undefined,
    settings: DEFAULTS,
    defaulted: { host: false, port: false },
  });
  t.match(resolve(option({ listeners: [{ id: "a", name: "b" }] })), [{ id: "a", name: "b" }]);
});

t.test("two listeners must not have one id", async (t) => {
  const listeners = [{ port: 1, id: "x" }, { port: 2, id: "x" }];
  t.throws(() => resolve(option({ listeners })), { code: "ERR_MILLRACE_LISTENER_DUPLICATE" });
});

t.test("a listener is checked like the options, and the message says which it is", async (t) => {
  const refusals: [object, RegExp][] = [
    [{ prot: 1 }, /^listeners\[0\]: unknown option "prot", did you mean port\?$/],
    [{ port: "80" }, /^listeners\[0\]: port must be an integer from 0 to 65535, not "80"$/],
    [{ path: "/s", port: 1 }, /^listeners\[0\]: give either path or host and port$/],
    [{ path: "" }, /path must be the path of a Unix socket, of 1 to 107 bytes/],
    [{ path: "/".repeat(108) }, /path must be/],
    [{ pipelineMax: 0 }, /^listeners\[0\]: pipelineMax must be an integer from 1 to 1024, not 0$/],
    [{ workers: 1 }, /^listeners\[0\]: unknown option "workers"/],
    [{ data: () => 1 }, /^listeners\[0\]: data must be a value that can be cloned$/],
  ];
  for (const [listener, message] of refusals) {
    t.throws(() => resolve(option({ listeners: [listener] })), { message });
  }
});

t.test("the short forms make the one listener", async (t) => {
  t.match(resolve(option({ host: "::1", port: 8080 })), [{ host: "::1", port: 8080 }]);
  t.match(resolve(option({ port: 8080 })), [
    { host: "127.0.0.1", port: 8080, defaulted: { host: true, port: false } },
  ]);
});

t.test("short forms and a list in one layer contradict each other", async (t) => {
  t.throws(() => resolve(option({ port: 1, listeners: [{ port: 2 }] })), {
    message: "listeners: give either listeners or host and port",
  });
});

t.test("a stronger short form changes the one listener, a weaker one completes it", async (t) => {
  const file: Layer = { source: "file", values: { listeners: [{ id: "web", port: 1 }] } };
  const env: Layer = { source: "environment", values: { port: 2 } };
  t.match(resolve(env, file), [{ id: "web", port: 2 }]);
  const listed = option({ listeners: [{ id: "web" }] });
  t.match(resolve(listed, env), [{ id: "web", port: 2 }]);
  t.match(resolve(option({ listeners: [{ id: "web", port: 3 }] }), env), [{ port: 3 }]);
});

t.test("with several listeners a flag is refused and a variable is passed over", async (t) => {
  const several = [{ port: 1 }, { path: "/s" }];
  const file: Layer = { source: "file", values: { listeners: several } };
  const env: Layer = { source: "environment", values: { port: 9 } };
  t.match(resolve(env, file), [{ port: 1 }, { path: "/s" }]);
  t.throws(() => resolve({ source: "flag", values: { port: 9 } }, file), {
    message: "--port needs listeners to be a single one with a port; it is not",
  });
});

t.test("one of several listeners must say where it listens", async (t) => {
  t.throws(() => resolve(option({ listeners: [{ port: 1 }, { host: "::" }] })), {
    message: "listeners[1]: one of several listeners needs port or path",
  });
});
