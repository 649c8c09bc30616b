/** Tests of raw lists of fields. */
import t from "tap";
import { pairsOf } from "../../src/shared/raw-fields.ts";

t.test("name and value in turn become pairs, in their order and spelling", (t) => {
  t.strictSame(pairsOf([]), []);
  t.strictSame(pairsOf(["A", "1", "a", "2", "B", ""]), [["A", "1"], ["a", "2"], ["B", ""]]);
  t.end();
});
