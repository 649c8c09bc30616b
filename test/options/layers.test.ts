/** Tests of layers: names in each source, the environment, and which layer wins. */
import t from "tap";
import { flag, integer, textList } from "../../src/options/checks.ts";
import {
  checkLayer, environmentLayer, flagName, labelOf, strongest, variableName,
} from "../../src/options/layers.ts";
import type { Layer } from "../../src/options/layers.ts";

const rows = {
  port: { check: integer(0, 9), variable: "PORT" },
  idleTimeoutMs: { check: integer(0, 9) },
  signals: { check: flag },
  execArgv: { check: textList },
};

t.test("an option has one name per source", async (t) => {
  t.equal(flagName("idleTimeoutMs"), "--idle-timeout-ms");
  t.equal(variableName("idleTimeoutMs", rows), "MILLRACE_IDLE_TIMEOUT_MS");
  t.equal(variableName("port", rows), "PORT");
  const label = (layer: Layer): string => labelOf(layer, "port", rows);
  t.equal(label({ source: "option", values: {} }), "port");
  t.equal(label({ source: "flag", values: {} }), "--port");
  t.equal(label({ source: "environment", values: {} }), "PORT");
  t.equal(label({ source: "file", file: "/x.json", values: {} }), "port in /x.json");
  t.equal(label({ source: "app", values: {} }), "port of the app");
});

t.test("the environment gives what can be written as text, and no more", async (t) => {
  const layer = environmentLayer({
    PORT: "5", MILLRACE_SIGNALS: "true", MILLRACE_EXEC_ARGV: "[]", MILLRACE_OTHER: "1",
    MILLRACE_PORT: "tcp://10.0.0.1:80", MILLRACE_IDLE_TIMEOUT_MS: "",
  }, rows);
  t.strictSame(layer.values, { port: 5, signals: true });
});

t.test("a layer with an unknown name or a wrong value is refused", async (t) => {
  t.throws(() => checkLayer({ source: "file", file: "/x.json", values: { prot: 1 } }, rows), {
    code: "ERR_MILLRACE_OPTION_UNKNOWN",
    message: 'unknown option "prot" in /x.json, did you mean port?',
  });
  t.throws(() => checkLayer({ source: "flag", values: { port: 10 } }, rows), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: "--port must be an integer from 0 to 9, not 10",
  });
  t.doesNotThrow(() => checkLayer({ source: "flag", values: { port: undefined } }, rows));
});

t.test("the strongest layer is the first that has a value", async (t) => {
  const weak: Layer = { source: "file", values: { port: 2, signals: true } };
  const strong: Layer = { source: "flag", values: { port: 1, signals: undefined } };
  t.equal(strongest([strong, weak], "port"), strong);
  t.equal(strongest([strong, weak], "signals"), weak);
  t.equal(strongest([strong, weak], "execArgv"), undefined);
});
