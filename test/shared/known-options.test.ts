/** Tests of what is said of options that a call does not know. */
import t from "tap";
import { checkKnown } from "../../src/shared/known-options.ts";

t.test("options that are known, and others", (t) => {
  checkKnown("call", {}, ["status"]);
  checkKnown("call", { status: undefined, headers: 5 }, ["status", "headers"]);
  const wrong: [unknown, string][] = [
    [{ statuss: 1 }, 'call: no option "statuss", did you mean status?'],
    [{ status: 1, zebra: 1 }, 'call: no option "zebra"'],
    [{ constructor: 1 }, 'call: no option "constructor"'],
    [null, "call: the options are an object"],
    ["status", "call: the options are an object"],
  ];
  for (const [options, message] of wrong) {
    t.throws(() => checkKnown("call", options, ["status"]), new TypeError(message), message);
  }
  t.end();
});
