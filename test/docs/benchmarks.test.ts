/** docs/benchmarks.md is written by a run; what was measured by hand stays in it. */
import { readFileSync } from "node:fs";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

t.test("the page ends with what was measured by hand", async (t) => {
  const byHand = readFileSync(repositoryFile("bench/by-hand.md"), "utf8");
  t.match(byHand, /^## Measured by hand\n[^]*bench\/rebalance\.mjs/);
  t.ok(readFileSync(repositoryFile("docs/benchmarks.md"), "utf8").endsWith(`\n\n${byHand}`));
});
