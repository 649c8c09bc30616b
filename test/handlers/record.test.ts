/** Tests of what lets somebody in. */
import t from "tap";
import { isRecord, theRecord } from "../../src/handlers/record.ts";

t.test("exactly one that is true", (t) => {
  const record = { name: "miller" };
  for (const found of [record, [record]]) t.equal(theRecord(found), record);
  for (const found of ["miller", 7, true]) t.equal(theRecord(found), found);
  for (const none of [false, null, undefined, 0, Number.NaN, "", 0n]) {
    t.equal(theRecord(none), null);
    t.equal(theRecord([none]), null);
    t.equal(isRecord(none), false);
  }
  for (const several of [[], [record, record], [false, record]]) t.equal(theRecord(several), null);
  t.end();
});
