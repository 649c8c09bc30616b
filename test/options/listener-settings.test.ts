/** Tests of the options that each listener can set for itself. */
import t from "tap";
import { resolveLayers, resolveOptions } from "../../src/options.ts";
import {
  LISTENER_SETTING_ROWS, LISTENER_SETTINGS, settingsOf,
} from "../../src/options/listener-settings.ts";
import { repositoryFile } from "../support/environment.ts";

const app = repositoryFile("examples/hello.mjs");

t.test("each setting is an option of the server too, with the same row", async (t) => {
  const options = resolveOptions({ app }, {});
  for (const name of LISTENER_SETTINGS) {
    t.strictSame(options[name], LISTENER_SETTING_ROWS[name].fallback, name);
  }
});

t.test("a listener's own value wins, the server's is the fallback", async (t) => {
  const { listeners, idleTimeoutMs } = resolveOptions({
    app,
    idleTimeoutMs: 1000,
    pipelineMax: 2,
    listeners: [{ port: 1, idleTimeoutMs: 2000 }, { port: 2, idleTimeoutMs: undefined }],
  }, { MILLRACE_BODY_BYTES_MAX: "5" });
  t.equal(idleTimeoutMs, 1000);
  t.match(listeners.map(({ settings }) => settings), [
    { idleTimeoutMs: 2000, pipelineMax: 2, bodyBytesMax: 5 },
    { idleTimeoutMs: 1000, pipelineMax: 2, bodyBytesMax: 5 },
  ]);
});

t.test("listeners in a file have settings too", async (t) => {
  const { listeners } = resolveLayers([
    { source: "flag", values: { idleTimeoutMs: 7 } },
    { source: "file", values: { app, listeners: [{ port: 1, handlerTimeoutMs: 9 }] } },
  ]);
  t.match(listeners[0]?.settings, { idleTimeoutMs: 7, handlerTimeoutMs: 9 });
});

t.test("a target limit fits into the head of its own listener", async (t) => {
  const server = resolveOptions({ app, targetBytesMax: 4000 }, {});
  t.equal(settingsOf({ headBytesMax: 1024 }, server, "x").targetBytesMax, 1024);
  t.equal(settingsOf({ targetBytesMax: 9000 }, server, "x").targetBytesMax, 9000);
  const listeners = [{ headBytesMax: 1024, targetBytesMax: 1025 }];
  t.throws(() => resolveOptions({ app, listeners }, {}), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: "listeners[0]: targetBytesMax must be at most headBytesMax, which is 1024",
  });
});

t.test("what the server answers itself has different paths on one listener", async (t) => {
  const listeners = [{ port: 1, livenessPath: "/up" }, { port: 2, readinessPath: "/up" }];
  t.doesNotThrow(() => resolveOptions({ app, listeners }, {}), "they are two listeners");
  t.throws(() => resolveOptions({ app, listeners, metricsPath: "/up" }, {}), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: "listeners[0]: livenessPath and metricsPath must differ",
  });
});

t.test("a listener that requires the PROXY protocol trusts somebody", async (t) => {
  const trusted = { proxyProtocol: "required", trustedProxies: "10.0.0.1" } as const;
  t.doesNotThrow(() => resolveOptions({ app, ...trusted }, {}));
  t.doesNotThrow(() => resolveOptions({ app, trustedProxies: ["unix"] }, {}), "it is off");
  const listeners = [{ port: 1, trustedProxies: [] }];
  t.throws(() => resolveOptions({ app, ...trusted, listeners }, {}), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: "listeners[0]: proxyProtocol: required needs trustedProxies",
  });
});
