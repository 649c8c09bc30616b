/** Tests of the table of options and of how layers come together. */
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import t from "tap";
import { OPTION_ROWS, resolveLayers, resolveOptions, withAppDefaults } from "../src/options.ts";
import type { Layer } from "../src/options/layers.ts";
import { LISTENER_SETTINGS } from "../src/options/listener-settings.ts";
import { repositoryFile } from "./support/environment.ts";

const app = repositoryFile("examples/hello.mjs");

t.test("without options every row has its default", async (t) => {
  const options = resolveOptions({ app }, {});
  t.equal(options.workers, availableParallelism());
  t.equal(options.headBytesMax, 16_384);
  t.equal(options.bodyStreamBytesMax, 0);
  t.equal(options.logLevel, "info");
  t.equal(options.resourceLimits, undefined);
  const [listener] = options.listeners;
  t.strictSame({ ...listener, settings: undefined }, {
    id: "default", name: "default", host: "127.0.0.1", port: 3000, backlog: 511,
    reopenMax: 5, autoStart: true, accessLog: true, data: undefined,
    settings: undefined, defaulted: { host: true, port: true },
  });
  for (const name of LISTENER_SETTINGS) t.equal(listener?.settings[name], options[name], name);
  t.equal(options.app.kind, "module");
  t.equal(options.sources.workers, "default");
  t.notOk("host" in options);
});

t.test("every default passes the check of its row", async (t) => {
  for (const [name, row] of Object.entries(OPTION_ROWS)) {
    if (row.fallback === undefined) t.ok(row.fallbackText ?? name === "app", name);
    else t.doesNotThrow(() => resolveOptions({ app, [name]: row.fallback }, {}), name);
  }
});

t.test("an unknown name is refused with a hint", async (t) => {
  const refusals: [string, RegExp][] = [
    ["worker", /unknown option "worker", did you mean workers\?/],
    ["hostname", /did you mean host\?/],
    ["idleTimeout", /did you mean idleTimeoutMs\?/],
    ["__proto", /^unknown option "__proto"$/],
    ["toString", /unknown option "toString"/],
  ];
  for (const [name, message] of refusals) {
    t.throws(() => resolveOptions({ app, [name]: 1 }, {}), {
      code: "ERR_MILLRACE_OPTION_UNKNOWN", message,
    });
  }
});

t.test("a wrong value is refused, and the message says what would be right", async (t) => {
  const refusals: [object, RegExp][] = [
    [{ workers: -1 }, /^workers must be an integer from 0 to 256, not -1$/],
    [{ workers: 1.5 }, /not 1\.5$/],
    [{ workers: "2" }, /not "2"$/],
    [{ port: 65_536 }, /^port must be an integer from 0 to 65535, not 65536$/],
    [{ headBytesMax: 65_536 }, /^headBytesMax must be/],
    [{ idleTimeoutMs: 0 }, /^idleTimeoutMs must be an integer from 1 to 2147483647, not 0$/],
    [{ logLevel: "loud" }, /^logLevel must be one of trace, .*silent, not "loud"$/],
    [{ signals: 1 }, /^signals must be true or false, not 1$/],
    [{ resourceLimits: { heap: 1 } }, /^resourceLimits must be an object with no members but/],
    [{ execArgv: "--x" }, /^execArgv must be an array of strings/],
    [{ signal: {} }, /^signal must be an AbortSignal/],
    [{ listeners: [] }, /^listeners must be an array of 1 to 128 objects/],
    [{ listeners: Array.from({ length: 129 }, (_, port) => ({ port })) }, /^listeners must be/],
    [{ app: 5 }, /^app must be a path/],
    [{ workers: null }, /not null$/],
  ];
  for (const [wrong, message] of refusals) {
    t.throws(() => resolveOptions({ app, ...wrong }, {}), {
      code: "ERR_MILLRACE_OPTION_INVALID", message,
    });
  }
});

t.test("undefined counts as absent", async (t) => {
  t.equal(resolveOptions({ app, idleTimeoutMs: undefined }, {}).idleTimeoutMs, 75_000);
});

t.test("the options themselves must be there, and name an app", async (t) => {
  for (const wrong of [undefined, null, "app.mjs"]) {
    t.throws(() => resolveOptions(wrong, {}), { message: /^serve\(\) needs an object/ });
  }
  t.throws(() => resolveOptions({}, {}), { message: /^app is missing/ });
});

t.test("the environment is weaker than an option and stronger than a default", async (t) => {
  const env = { PORT: "8080", MILLRACE_IDLE_TIMEOUT_MS: "5000", MILLRACE_WORKERS: "" };
  const options = resolveOptions({ app }, env);
  t.equal(options.listeners[0]?.port, 8080);
  t.equal(options.idleTimeoutMs, 5000);
  t.equal(options.sources.idleTimeoutMs, "environment");
  t.equal(options.sources.workers, "default");
  t.equal(resolveOptions({ app, port: 1, idleTimeoutMs: 7 }, env).idleTimeoutMs, 7);
  t.equal(resolveOptions({ app, port: 1 }, env).listeners[0]?.port, 1);
});

t.test("a wrong variable is refused by its name", async (t) => {
  t.throws(() => resolveOptions({ app }, { PORT: "http" }), {
    message: 'PORT must be an integer from 0 to 65535, not "http"',
  });
});

t.test("each layer wins over the next one", async (t) => {
  const layers: Layer[] = [
    { source: "flag", values: { workers: 1 } },
    { source: "environment", values: { workers: 2, stuckMs: 2 } },
    { source: "file", file: "x.json", values: { workers: 3, stuckMs: 3, pipelineMax: 3, app } },
  ];
  const options = resolveLayers(layers);
  t.match(options, { workers: 1, stuckMs: 2, pipelineMax: 3 });
  t.match(options.sources, { workers: "flag", stuckMs: "environment", pipelineMax: "file" });
});

t.test("a target limit above that of the head is refused, and a default is lowered", async (t) => {
  t.equal(resolveOptions({ app, headBytesMax: 1024 }, {}).targetBytesMax, 1024);
  t.throws(() => resolveOptions({ app, headBytesMax: 1024, targetBytesMax: 2048 }, {}), {
    message: "targetBytesMax must be at most headBytesMax, which is 1024",
  });
});

t.test("the app's own address stands where only a default would", async (t) => {
  const own = { port: 4000, hostname: "0.0.0.0" };
  const open = withAppDefaults(resolveOptions({ app }, {}), own);
  t.match(open.listeners, [{ host: "0.0.0.0", port: 4000 }]);
  t.match(open.sources, { host: "app", port: "app" });
  const given = withAppDefaults(resolveOptions({ app, port: 5000 }, {}), own);
  t.match(given.listeners, [{ host: "0.0.0.0", port: 5000 }]);
  const listed = withAppDefaults(resolveOptions({ app, listeners: [{ port: 1 }] }, {}), own);
  t.match(listed.listeners, [{ host: "0.0.0.0", port: 1 }]);
  const several = resolveOptions({ app, listeners: [{ port: 1 }, { port: 2 }] }, {});
  t.equal(withAppDefaults(several, own), several);
});

t.test("the app's port may be text, and is checked", async (t) => {
  const options = resolveOptions({ app }, {});
  t.equal(withAppDefaults(options, { port: "4000" }).listeners[0]?.port, 4000);
  t.throws(() => withAppDefaults(options, { port: "x" }), { message: /^port of the app must be/ });
  t.throws(() => withAppDefaults(options, { hostname: 5 }), { message: /^host of the app must/ });
});

t.test("an app by URL is the same as by path", async (t) => {
  const url = pathToFileURL(app);
  t.strictSame(resolveOptions({ app: url }, {}).app, resolveOptions({ app }, {}).app);
  t.strictSame(resolveOptions({ app: url.href }, {}).app, { kind: "module", href: url.href });
});

t.test("the hard limit of output is above what a writer that waits can reach", async (t) => {
  t.equal(resolveOptions({ app }, {}).outputHardBytesMax, 16_777_216);
  const big = resolveOptions({ app, outputBytesMax: 4_194_304 }, {});
  t.equal(big.outputHardBytesMax, 33_554_432);
  t.throws(
    () => resolveOptions({ app, outputBytesMax: 4_194_304, outputHardBytesMax: 4_194_304 }, {}),
    { message: "outputHardBytesMax must be at least 8 times outputBytesMax, 33554432" },
  );
});
