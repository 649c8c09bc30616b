/** Tests of the names of the balancing policies. */
import t from "tap";
import { BALANCE_NUMBERS, BALANCE_POLICIES } from "../../src/options/balance.ts";
import { LAYOUT } from "../../src/shared/layout.ts";
import { resolveOptions } from "../../src/options.ts";
import { LIFECYCLE_APP } from "../support/lifecycle.ts";

t.test("each policy of the core has one name", (t) => {
  const numbers = Object.values(BALANCE_NUMBERS).toSorted((a, b) => a - b);
  t.strictSame(numbers, Array.from({ length: LAYOUT["BALANCE_COUNT"]! }, (_, index) => index));
  t.end();
});

t.test("only they are taken", (t) => {
  const app = LIFECYCLE_APP;
  t.equal(resolveOptions({ app }).balance, "least-connections");
  for (const balance of BALANCE_POLICIES as "round-robin"[]) {
    t.equal(resolveOptions({ app, balance }).balance, balance);
  }
  const wrong = "toString" as "round-robin";
  t.throws(() => resolveOptions({ app, balance: wrong }), { code: "ERR_MILLRACE_OPTION_INVALID" });
  t.end();
});
