/** Test of the help of `millrace ctl`. */
import t from "tap";
import { controlHelp } from "../../src/cli/ctl-help.ts";
import { VERBS } from "../../src/cli/ctl-verbs.ts";

t.test("it tells of every verb and its flags, in 100 columns", async (t) => {
  const text = controlHelp();
  for (const [name, verb] of Object.entries(VERBS)) {
    t.ok(text.includes(`\n  ${name}`), name);
    for (const flag of verb.flags) t.ok(text.includes(`--${flag}`), flag);
  }
  t.ok(text.split("\n").every((line) => line.length <= 100));
});
