/** Tests of the command line's arguments. */
import t from "tap";
import { FLAG_OPTIONS, parseArguments } from "../../src/cli/arguments.ts";

t.test("the app may come with or without the word serve", async (t) => {
  t.match(parseArguments(["app.mjs"]), { action: "serve", values: { app: "app.mjs" } });
  t.match(parseArguments(["serve", "app.mjs"]), { action: "serve", values: { app: "app.mjs" } });
  t.strictSame(parseArguments(["serve", "./serve"]).values, { app: "./serve" });
  t.strictSame(parseArguments([]).values, {});
  t.throws(() => parseArguments(["a.mjs", "b.mjs"]), { message: /^one app at a time/ });
});

t.test("a flag gives a checked type, in both spellings", async (t) => {
  const { values } = parseArguments(["--port", "8080", "--workers=0", "--log-level", "warn"]);
  t.strictSame(values, { port: 8080, workers: 0, logLevel: "warn" });
});

t.test("a boolean flag alone is on, with no- off, and may have its value", async (t) => {
  const cases: [string[], object][] = [
    [["app.mjs", "--watch"], { app: "app.mjs", watch: true }],
    [["--watch", "app.mjs"], { app: "app.mjs", watch: true }],
    [["serve", "--watch", "app.mjs", "--debug"], { app: "app.mjs", watch: true, debug: true }],
    [["--development", "--metrics"], { development: true, metrics: true }],
    [["--watch", "--port", "80"], { watch: true, port: 80 }],
    [["app.mjs", "--no-watch"], { app: "app.mjs", watch: false }],
    [["--no-announce-keep-alive", "app.mjs"], { app: "app.mjs", announceKeepAlive: false }],
    [["--watch", "true", "app.mjs"], { app: "app.mjs", watch: true }],
    [["--watch", "false", "app.mjs"], { app: "app.mjs", watch: false }],
    [["--watch=true", "app.mjs"], { app: "app.mjs", watch: true }],
    [["app.mjs", "--watch=0"], { app: "app.mjs", watch: false }],
    [["app.mjs", "--watch", "1"], { app: "app.mjs", watch: true }],
    [["--watch", "--", "true"], { app: "true", watch: true }],
    [["--watch", "./true"], { app: "./true", watch: true }],
    [["--watch", "--no-watch"], { watch: false }],
    [["--no-watch", "--watch"], { watch: true }],
    // Left for the check of its row.
    [["--watch=maybe"], { watch: "maybe" }],
  ];
  for (const [argv, values] of cases) {
    t.strictSame(parseArguments(argv).values, values, argv.join(" "));
  }
  t.throws(() => parseArguments(["--no-watch=true"]), { message: "--no-watch takes no value" });
  t.throws(() => parseArguments(["--watch="]), { message: "--watch needs a value" });
  t.throws(() => parseArguments(["--no-port"]), { message: /^unknown flag --no-port/ });
});

t.test("of a repeated flag the last one counts", async (t) => {
  t.strictSame(parseArguments(["--port", "1", "--port", "2"]).values, { port: 2 });
});

t.test("a value that does not parse is left for the check of its row", async (t) => {
  t.strictSame(parseArguments(["--port", "web"]).values, { port: "web" });
});

t.test("listeners", async (t) => {
  const { values } = parseArguments([
    "--listener", "id=web,bind=0.0.0.0:8080,backlog=10,accessLog=false",
    "--listener", "bind=/run/app.sock,id=local,name=Local,idleTimeoutMs=5000,pipelineMax=x",
  ]);
  t.strictSame(values["listeners"], [
    { id: "web", host: "0.0.0.0", port: 8080, backlog: 10, accessLog: false },
    // What is no number is left for the check of its row.
    { path: "/run/app.sock", id: "local", name: "Local", idleTimeoutMs: 5000, pipelineMax: "x" },
  ]);
  for (const wrong of ["8080", "bind", "=1", "port=8080", "toString=1"]) {
    t.throws(() => parseArguments(["--listener", wrong]), {
      code: "ERR_MILLRACE_OPTION_INVALID",
      message: /^--listener takes id=, name=, bind=, .*accessLog= and limits, with /,
    });
  }
  t.throws(() => parseArguments(["--listener", "idleTimeout=1"]), {
    message: /, not "idleTimeout=1", did you mean idleTimeoutMs\?$/,
  });
  t.throws(() => parseArguments(["--listener", "bind=x"]), { message: /^bind must be port/ });
});

t.test("--heap-mb is a limit of the workers", async (t) => {
  const { values } = parseArguments(["--heap-mb", "256"]);
  t.strictSame(values, { resourceLimits: { maxOldGenerationSizeMb: 256 } });
  for (const wrong of ["0", "x", "1.5"]) {
    t.throws(() => parseArguments(["--heap-mb", wrong]), { message: /^--heap-mb must be an int/ });
  }
});

t.test("what is asked for beside serving", async (t) => {
  t.equal(parseArguments(["-h"]).action, "help");
  t.equal(parseArguments(["--version", "--help"]).action, "help");
  t.equal(parseArguments(["-v"]).action, "version");
  t.equal(parseArguments(["a.mjs", "--print-config"]).action, "print-config");
  t.equal(parseArguments(["--config", "x.json"]).config, "x.json");
});

t.test("an unknown flag is refused with a hint", async (t) => {
  const refusals: [string, string][] = [
    ["--prot", "unknown flag --prot, did you mean --port?"],
    ["--idle-timeout", "unknown flag --idle-timeout, did you mean --idle-timeout-ms?"],
    ["-x", "unknown flag -x"],
    ["--constructor", "unknown flag --constructor"],
  ];
  for (const [flag, message] of refusals) {
    t.throws(() => parseArguments([flag, "1"]), { code: "ERR_MILLRACE_OPTION_UNKNOWN", message });
  }
});

t.test("a flag without its value, or a switch with one, is refused", async (t) => {
  t.throws(() => parseArguments(["--port"]), { message: "--port needs a value" });
  t.throws(() => parseArguments(["--port="]), { message: "--port needs a value" });
  t.throws(() => parseArguments(["--help=1"]), { message: "--help takes no value" });
});

t.test("options that text cannot express have no flag", async (t) => {
  for (const name of ["app", "signal", "signals", "listeners", "env"] as const) {
    t.notOk(FLAG_OPTIONS.includes(name), name);
  }
});
