/** Tests of what is said of a file that could not be written. */
import t from "tap";
import { writeFailure } from "../../src/handlers/write-failure.ts";

t.test("no room is a 507, all else what it was", (t) => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    const cause = Object.assign(new Error(code), { code });
    t.match(writeFailure(cause), { status: 507, cause });
  }
  const other = Object.assign(new Error("EIO"), { code: "EIO" });
  for (const cause of [other, null, undefined, "text"]) t.equal(writeFailure(cause), cause);
  t.end();
});
