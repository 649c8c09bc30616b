/** Tests of the help. */
import t from "tap";
import { FLAG_OPTIONS } from "../../src/cli/arguments.ts";
import { helpText } from "../../src/cli/help.ts";
import { flagName } from "../../src/options/layers.ts";

t.test("every flag is named, within 100 columns", async (t) => {
  const text = helpText();
  for (const name of FLAG_OPTIONS) t.ok(text.includes(`  ${flagName(name)} `), name);
  for (const flag of ["--listener", "--heap-mb", "--config", "--print-config", "-h, --help"]) {
    t.ok(text.includes(`  ${flag}`), flag);
  }
  for (const line of text.split("\n")) t.ok(line.length <= 100, line);
  t.notOk(text.includes("`"));
  t.notMatch(text, /undefined|NaN/);
});
