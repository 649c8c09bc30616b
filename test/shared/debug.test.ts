/** What is hidden in every log. */
import t from "tap";
import { MASKED_FIELDS } from "../../src/shared/debug.ts";

t.test("credentials are among them, each in the form in which names are compared", async (t) => {
  for (const name of ["authorization", "cookie", "set-cookie", "password"]) {
    t.ok(MASKED_FIELDS.includes(name), name);
  }
  t.same(MASKED_FIELDS, MASKED_FIELDS.map((name) => name.toLowerCase()));
});
