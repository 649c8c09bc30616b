/** Tests of the help. */
import { readFileSync } from "node:fs";
import t from "tap";
import {
  FLAG_OPTIONS, LISTENER_KEY_NAMES, parseListener, SETTING_KEYS,
} from "../../src/cli/arguments.ts";
import { helpText } from "../../src/cli/help.ts";
import { flagName } from "../../src/options/layers.ts";
import { LISTENER_SETTINGS } from "../../src/options/listener-settings.ts";
import { repositoryFile } from "../support/environment.ts";

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

t.test("the page names each key of --listener, and its binds are taken", async (t) => {
  const page = readFileSync(repositoryFile("docs/cli.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  const keys = [...LISTENER_KEY_NAMES, ...SETTING_KEYS];
  for (const key of keys) {
    t.ok(rows.some((row) => row.split(" | ")[0]!.includes(`\`${key}\``)), key);
    t.ok(helpText().includes(key) || SETTING_KEYS.has(key), key);
  }
  const without = LISTENER_SETTINGS.filter((name) => !SETTING_KEYS.has(name));
  for (const name of without) t.match(page, new RegExp(`\`${name}\`[^.]* need the config`), name);
  const [, binds = ""] = page.split("| form | example |");
  const examples = [...binds.split("\n\n")[0]!.matchAll(/\| (`.*`) \|$/gm)]
    .flatMap(([, row = ""]) => row.replaceAll("`", "").split(", "));
  t.equal(examples.length, 12);
  for (const bind of examples) t.doesNotThrow(() => parseListener(`bind=${bind}`), bind);
});
