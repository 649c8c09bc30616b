/** Tests of what the options of the toolbox are checked with. */
import t from "tap";
import { cors } from "../../src/handlers/cors.ts";
import { files } from "../../src/handlers/files.ts";
import { withForm } from "../../src/handlers/forms.ts";
import {
  checkFlags, checkFunctions, checkKnown, checkStrings, checkSyncFunctions, checkTexts, checkWhole,
  DELAY_MS_MAX, isFieldText, saidAtOnce, wrongOption,
} from "../../src/shared/option-checks.ts";
import { proxy } from "../../src/handlers/proxy.ts";
import { rateLimit } from "../../src/handlers/rate-limit.ts";
import { securityHeaders } from "../../src/handlers/security-headers.ts";

const NAMES = ["roles", "realm"] as const;

function check(options: unknown): void {
  checkKnown("mill", options, NAMES);
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
  t.throws(() => checkFlags("it", { a: "true" }, ["a"]), new TypeError("it: a is true or false"));
  t.end();
});

t.test("a value that an option does not take", (t) => {
  const cause = new Error("inner");
  t.match(wrongOption("mill: no", { cause }), {
    name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: "mill: no", cause,
  });
  t.end();
});

t.test("lists of texts, and what a field can have", (t) => {
  t.doesNotThrow(() => checkTexts("it", { a: [], b: undefined, c: ["d"] }, ["a", "b", "c"]));
  for (const a of ["b", [1], null, {}]) {
    t.throws(() => checkTexts("it", { a }, ["a"]), new TypeError("it: a is a list of texts"));
  }
  for (const text of ["", "a\tb", "\xff"]) t.equal(isFieldText(text), true);
  for (const text of ["a\nb", "\r", "\0", "\x7f", "\u0100", 5, undefined, null]) {
    t.equal(isFieldText(text), false);
  }
  t.end();
});

t.test("a promise says nothing at once, and ends nothing if it fails", async (t) => {
  t.doesNotThrow(() => checkSyncFunctions("it", { a: () => true, b: undefined }, ["a", "b"]));
  t.throws(() => checkSyncFunctions("it", { a: 5 }, ["a"]), new TypeError("it: a is a function"));
  t.throws(() => checkSyncFunctions("it", { a: async () => true }, ["a"]), new TypeError(
    "it: a is async, and must say at once what it says"));
  for (const said of [true, false, undefined, null, "a", {}]) {
    t.equal(saidAtOnce("it", "a", said), said);
  }
  for (const said of [Promise.resolve(true), Promise.reject(new Error("x"))]) {
    t.throws(() => saidAtOnce("it", "a", said), new TypeError(
      "The a of it has returned a promise, and must say it at once"));
  }
  await new Promise(setImmediate);
});

t.test("every part of the toolbox that has many options refuses misspelt ones", (t) => {
  const misspelt: [string, () => unknown, string][] = [
    ["cors", () => cors({ origins: ["https://a.example"] } as never), "origin"],
    ["rateLimit", () => rateLimit({ limit: 1, window: 5 } as never), "windowMs"],
    ["proxy", () => proxy("http://a/", { timeout: 5 } as never), "timeoutMs"],
    ["files", () => files(".", { keptmax: 9 } as never), "keptMax"],
    ["withForm", () => withForm(() => "", { fileMax: 9 } as never), "filesMax"],
    ["securityHeaders", () => securityHeaders({ frameOption: 0 } as never), "xFrameOptions"],
  ];
  for (const [name, call, meant] of misspelt) {
    const message = RegExp(`^${name}: no option .*, did you mean ${meant}\\?$`);
    t.throws(call, { name: "TypeError", message });
  }
  t.throws(() => cors((() => "a handler") as never), new TypeError(
    "cors: its options are an object"));
  t.throws(() => rateLimit(undefined as never), new TypeError(
    "rateLimit: its options are an object"));
  t.end();
});
