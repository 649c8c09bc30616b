/** Tests of the hint for an unknown name. */
import t from "tap";
import { suggest } from "../../src/shared/suggest.ts";

const known = ["port", "host", "workers", "idleTimeoutMs", "headTimeoutMs"];

t.test("a near name is suggested", async (t) => {
  t.equal(suggest("prot", known), ", did you mean port?");
  t.equal(suggest("prot", ["protectLastListener", ...known]), ", did you mean port?");
  t.equal(suggest("protect", ["port", "protectLast"]), ", did you mean protectLast?");
  t.equal(suggest("Workers", known), ", did you mean workers?");
  t.equal(suggest("idletimeout", known), ", did you mean idleTimeoutMs?");
  t.equal(suggest("hostname", known), ", did you mean host?");
});

t.test("a name that is near to nothing is not", async (t) => {
  t.equal(suggest("certificate", known), "");
  t.equal(suggest("x", []), "");
});
