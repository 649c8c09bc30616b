/** Tests of what is said of a form that is too much. */
import t from "tap";
import { isLong, tooLong, tooMuch } from "../../src/handlers/form-limits.ts";

t.test("lengths count bytes, and more is 413", (t) => {
  t.equal(isLong("abc", 3), false);
  t.equal(isLong("aä", 2), true);
  t.match(tooMuch("too many parts"), { status: 413, message: "The form has too many parts" });
  t.match(tooLong(10), { status: 413, message: "The form has a field longer than 10 bytes" });
  t.end();
});
