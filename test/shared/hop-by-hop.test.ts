/** Test of the fields that no proxy passes on. */
import t from "tap";
import { HOP_BY_HOP } from "../../src/shared/hop-by-hop.ts";
import { isToken } from "../../src/shared/token.ts";

t.test("they are names of fields in lower case", async (t) => {
  t.ok(HOP_BY_HOP.includes("connection"));
  for (const name of HOP_BY_HOP) t.ok(isToken(name) && name === name.toLowerCase(), name);
});
