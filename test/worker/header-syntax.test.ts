/** Names and values of fields. */
import t from "tap";
import {
  FIELD,
  fieldName,
  fieldValue,
} from "../../src/worker/header-syntax.ts";

t.test("names", async (t) => {
  const type = { lower: "content-type", flag: FIELD.contentType, isSingle: true };
  t.strictSame(fieldName("Content-Type"), type);
  t.strictSame(fieldName("X-Y"), { lower: "x-y", flag: 0, isSingle: false });
  t.equal(fieldName("X-Y"), fieldName("X-Y"), "known names are kept");
  t.match(fieldName("constructor"), { lower: "constructor", flag: 0 });
  for (const bad of ["", "a b", "a:", "a\n", "é", "a\u{1f600}", Symbol("s"), "(", "a,"]) {
    t.throws(() => fieldName(bad), TypeError, String(bad));
  }
});

t.test("the table of known names is bounded, and names beyond it still work", async (t) => {
  for (let at = 0; at < 3000; at++) fieldName(`x-many-${at}`);
  t.match(fieldName("X-Many-2999"), { lower: "x-many-2999", flag: 0 });
  t.strictSame(fieldName(`X-${"y".repeat(100)}`).lower, `x-${"y".repeat(100)}`);
  t.throws(() => fieldName("a b"), TypeError);
});

t.test("values", async (t) => {
  t.equal(fieldValue("a b"), "a b");
  t.equal(fieldValue(" \t\r\na b\n "), "a b");
  t.equal(fieldValue(7), "7");
  t.equal(fieldValue("\u00ff"), "\u00ff");
  for (const bad of ["a\rb", "a\nb", "\0", "\u0100", "a\u{1f600}"]) {
    t.throws(() => fieldValue(bad), TypeError, JSON.stringify(bad));
  }
  t.throws(() => fieldValue("x".repeat(1000) + "\n" + "y"), /^"x{100}…" is an invalid/);
});
