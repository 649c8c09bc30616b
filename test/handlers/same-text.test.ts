/** Tests of the comparison of secrets. */
import t from "tap";
import { isSameText } from "../../src/handlers/same-text.ts";

t.test("equal texts are, whatever their length; others are not", (t) => {
  for (const text of ["", "a", "ä✓", "x".repeat(10_000)]) t.equal(isSameText(text, text), true);
  const pairs = [["a", "b"], ["a", "aa"], ["", "a"], ["a", "A"], ["ä", "a\u0308"]] as const;
  for (const [one, other] of pairs) t.equal(isSameText(one, other), false);
  t.end();
});
