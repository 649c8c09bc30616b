/** Tests of the checks: each must be as strict as its words. */
import t from "tap";
import {
  fieldName, flag, fromText, integer, members, milliseconds, oneOf, passes, show, text, textList,
  textRecord, where,
} from "../../src/options/checks.ts";

t.test("an integer lies between its bounds, both included", async (t) => {
  const check = integer(1, 3);
  for (const right of [1, 2, 3]) t.ok(passes(check, right));
  for (const wrong of [0, 4, 1.5, Number.NaN, "2", 2n, null, undefined]) {
    t.notOk(passes(check, wrong), show(wrong));
  }
  t.equal(check.says, "an integer from 1 to 3");
});

t.test("a span of time fits a timer of Node.js", async (t) => {
  t.ok(passes(milliseconds(0), 0));
  t.notOk(passes(milliseconds(1), 0));
  t.ok(passes(milliseconds(1), 2_147_483_647));
  t.notOk(passes(milliseconds(1), 2_147_483_648));
});

t.test("the other checks", async (t) => {
  t.ok(passes(oneOf(["a", "b"]), "b"));
  t.notOk(passes(oneOf(["a", "b"]), "c"));
  t.notOk(passes(text, ""));
  for (const right of ["", "X-Request-Id", "x".repeat(64)]) t.ok(passes(fieldName, right));
  for (const wrong of ["a b", "a:", "\u00e9", "x".repeat(65)]) t.notOk(passes(fieldName, wrong));
  t.notOk(passes(flag, 0));
  t.ok(passes(textList, ["--x"]));
  t.notOk(passes(textList, ["--x", 1]));
  t.ok(passes(textRecord, { A: "1", B: undefined }));
  t.notOk(passes(textRecord, { A: 1 }));
  t.ok(passes(where((value) => value === 1, "one"), 1));
});

t.test("an object with members takes these and no others", async (t) => {
  const check = members({ a: integer(0, 1) });
  t.ok(passes(check, {}));
  t.ok(passes(check, { a: 1 }));
  t.notOk(passes(check, { a: 2 }));
  t.notOk(passes(check, { b: 1 }));
  t.equal(check.says, "an object with no members but a (an integer from 0 to 1)");
});

t.test("text becomes a value, or stays text for the check to refuse", async (t) => {
  t.equal(fromText(integer(0, 9), "7"), 7);
  for (const wrong of ["", "-1", "1.0", "0x1", "1e1", " 1"]) {
    t.equal(fromText(integer(0, 9), wrong), wrong);
  }
  t.equal(fromText(flag, "true"), true);
  t.equal(fromText(flag, "0"), false);
  t.equal(fromText(flag, "no"), "no");
  t.equal(fromText(text, "7"), "7");
});

t.test("a value is shown short and on one line", async (t) => {
  t.equal(show("a\nb"), '"a\\nb"');
  t.ok(show("x".repeat(1000)).length < 70);
  t.equal(show(undefined), "undefined");
  t.equal(show(() => 1), "a function");
  t.equal(show({ a: [1] }), '{"a":[1]}');
  t.equal(show(5n), "5n");
  const circle: { self?: unknown } = {};
  circle.self = circle;
  t.equal(show(circle), "an object");
});
