/** Tests of listeners: their rows, binds as text, and the short forms beside the list. */
import t from "tap";
import { OPTION_ROWS } from "../../src/options.ts";
import type { Layer } from "../../src/options/layers.ts";
import {
  bindOf, checkUnique, resolveAdded, resolveListeners,
} from "../../src/options/listeners.ts";
import type { ResolvedListener } from "../../src/options/listeners.ts";
import { DEFAULT_SETTINGS } from "../support/default-settings.ts";

function resolve(...layers: Layer[]): ResolvedListener[] {
  return resolveListeners(layers, OPTION_ROWS, DEFAULT_SETTINGS);
}

function option(values: Record<string, unknown>): Layer {
  return { source: "option", values };
}

t.test("listeners get ids and names", async (t) => {
  const all = resolve(option({ listeners: [{ port: 1 }, { port: 2 }, { id: "x", path: "/s" }] }));
  t.strictSame(all.map(({ id }) => id), ["default", "listener-2", "x"]);
  t.strictSame(all[2], {
    id: "x", name: "x", backlog: 511, reopenMax: 5, autoStart: true, accessLog: true,
    data: undefined, path: "/s",
    settings: DEFAULT_SETTINGS,
    defaulted: { host: false, port: false },
  });
  t.match(resolve(option({ listeners: [{ id: "a", name: "b" }] })), [{ id: "a", name: "b" }]);
});

t.test("two listeners must not have one id, one name or one bind", async (t) => {
  const pairs: [object, object, RegExp][] = [
    [{ port: 1, id: "x" }, { port: 2, id: "x" }, /^two listeners have the id x$/],
    [{ port: 1, name: "x" }, { port: 2, name: "x" }, /^two listeners have the name x$/],
    [{ port: 1, id: "x" }, { port: 2, name: "x" }, /^two listeners have the name x$/],
    [{ port: 1 }, { port: 1, host: "127.0.0.1" }, /^two listeners have the bind 127.0.0.1:1$/],
    [{ path: "/s" }, { bind: "/s" }, /^two listeners have the bind \/s$/],
    [{ fd: 3 }, { bind: "fd:3" }, /^two listeners have the bind fd:3$/],
  ];
  for (const [first, second, message] of pairs) {
    t.throws(() => resolve(option({ listeners: [first, second] })), {
      code: "ERR_MILLRACE_LISTENER_DUPLICATE",
      message,
    });
  }
  t.equal(resolve(option({ listeners: [{ port: 0 }, { port: 0 }] })).length, 2, "any free ports");
});

t.test("bind is the same as what it stands for", async (t) => {
  const binds = ["8080", "[::1]:80", "http://a.test:1", "/s", "@a", "fd:3", "systemd:web"];
  const all = resolve(option({ listeners: binds.map((bind) => ({ bind })) }));
  t.strictSame(all.map(bindOf), [
    { host: "127.0.0.1", port: 8080 }, { host: "::1", port: 80 }, { host: "a.test", port: 1 },
    { path: "/s" }, { path: "@a" }, { fd: 3 }, { systemd: "web" },
  ]);
  t.match(resolve(option({ listeners: [{ bind: "fd:4", mode: undefined }] })), [{ fd: 4 }]);
});

t.test("mode is a number or octal text, of a file only", async (t) => {
  for (const mode of [0o660, "660", "0660"]) {
    t.strictSame(bindOf(resolve(option({ listeners: [{ path: "/s", mode }] }))[0]!), {
      path: "/s", mode: 0o660,
    });
  }
});

t.test("one that is added needs a place and gets what the server has", async (t) => {
  t.match(resolveAdded({ port: 1, comment: "why" }, "added-1", DEFAULT_SETTINGS), {
    id: "added-1", name: "added-1", host: "127.0.0.1", port: 1, comment: "why",
    settings: DEFAULT_SETTINGS,
  });
  t.match(resolveAdded({ bind: "@x", id: "y", pipelineMax: 3 }, "added-1", DEFAULT_SETTINGS), {
    id: "y", path: "@x", settings: { pipelineMax: 3 },
  });
  t.throws(() => resolveAdded({ host: "::1" }, "a", DEFAULT_SETTINGS), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: /^addListener: a listener needs one of port, path, fd, systemd and bind$/,
  });
  const added = resolveAdded({ port: 1 }, "a", DEFAULT_SETTINGS);
  t.throws(() => checkUnique(added, [{ id: "b", name: "b", bind: "127.0.0.1:1" }]), {
    code: "ERR_MILLRACE_LISTENER_DUPLICATE",
  });
});

t.test("a listener is checked like the options, and the message says which it is", async (t) => {
  const refusals: [object, RegExp][] = [
    [{ prot: 1 }, /^listeners\[0\]: unknown option "prot", did you mean port\?$/],
    [{ port: "80" }, /^listeners\[0\]: port must be an integer from 0 to 65535, not "80"$/],
    [{ path: "/s", port: 1 }, /^listeners\[0\]: give either path or host and port$/],
    [{ path: "" }, /path must be the path of a Unix socket, of 1 to 107 bytes/],
    [{ path: "/".repeat(108) }, /path must be/],
    [{ fd: 3, port: 1 }, /^listeners\[0\]: give only one of port, path, fd, systemd and bind$/],
    [{ bind: "1", path: "/s" }, /^listeners\[0\]: give only one of/],
    [{ bind: "x" }, /^listeners\[0\]: bind must be port, host:port/],
    [{ fd: -1 }, /^listeners\[0\]: fd must be an integer from 0 to/],
    [{ path: "/s", mode: 0o1000 }, /^listeners\[0\]: mode must be permissions such as 0o660/],
    [{ path: "/s", mode: "888" }, /^listeners\[0\]: mode must be permissions/],
    [{ path: "@s", mode: 0o600 }, /^listeners\[0\]: mode needs the path of a file$/],
    [{ port: 1, mode: 0o600 }, /^listeners\[0\]: mode needs the path of a file$/],
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
