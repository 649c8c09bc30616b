/** Tests of what the options of the toolbox are checked with. */
import t from "tap";
import {
  checkFlags, checkFunctions, checkNames, checkStrings, checkWhole, DELAY_MS_MAX, wrongOption,
} from "../../src/handlers/option-checks.ts";

const NAMES = ["roles", "realm"] as const;

function check(options: unknown): void {
  checkNames("mill", options, NAMES);
}

t.test("names that are known, and others", (t) => {
  for (const options of [{}, { roles: "a" }, { realm: undefined }, Object.create(null)]) {
    t.doesNotThrow(() => check(options));
  }
  t.throws(() => check({ role: "a" }), {
    name: "TypeError", code: "ERR_MILLRACE_OPTION_UNKNOWN",
    message: 'mill: no option "role", did you mean roles?',
  });
  t.throws(() => check({ something: 1 }), { message: 'mill: no option "something"' });
  t.throws(() => check({ constructor: 1 }), { code: "ERR_MILLRACE_OPTION_UNKNOWN" });
  t.throws(() => check({ role: undefined }), TypeError, "also one that is not given");
  t.end();
});

t.test("what is no object", (t) => {
  for (const options of [undefined, null, "roles", ["roles"], () => {}]) {
    t.throws(() => check(options), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID",
      message: "mill: its options are an object",
    });
  }
  t.end();
});

t.test("whole numbers", (t) => {
  for (const value of [1, 7, 9]) t.doesNotThrow(() => checkWhole("mill", "n", value, 1, 9));
  for (const value of [0, 10, 1.5, NaN, "5", null, undefined, 5n]) {
    t.throws(() => checkWhole("mill", "n", value, 1, 9), {
      code: "ERR_MILLRACE_OPTION_INVALID", message: "mill: n is a whole number from 1 to 9",
    });
  }
  t.throws(() => checkWhole("mill", "n", 0, 1), {
    message: "mill: n is a whole number of at least 1",
  });
  t.equal(DELAY_MS_MAX, 2 ** 31 - 1);
  t.end();
});

t.test("flags, functions and strings", (t) => {
  const code = "ERR_MILLRACE_OPTION_INVALID";
  const options: Record<string, unknown> = { flag: true, call: () => 1, text: "" };
  t.doesNotThrow(() => checkFlags("mill", options, ["flag", "none"]));
  t.doesNotThrow(() => checkFunctions("mill", options, ["call", "none"]));
  t.doesNotThrow(() => checkStrings("mill", options, ["text", "none"]));
  t.throws(() => checkFlags("mill", options, ["text"]), { code, message: "mill: text is true or" });
  t.throws(() => checkFunctions("mill", options, ["flag"]), {
    code, message: "mill: flag is a function",
  });
  t.throws(() => checkStrings("mill", options, ["call"]), { code, message: "mill: call is a str" });
  t.end();
});

t.test("a value that an option does not take", (t) => {
  const cause = new Error("inner");
  t.match(wrongOption("mill: no", { cause }), {
    name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: "mill: no", cause,
  });
  t.end();
});
