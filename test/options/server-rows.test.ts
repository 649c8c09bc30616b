/** Tests of the rows that a server has once. What the table does is tested in options.test.ts. */
import t from "tap";
import { OPTION_ROWS } from "../../src/options.ts";
import { LISTENER_SETTING_ROWS } from "../../src/options/listener-settings.ts";
import { SERVER_ROWS } from "../../src/options/server-rows.ts";

t.test("the table is made of these rows and those of listeners, without overlap", async (t) => {
  const own = Object.keys(SERVER_ROWS);
  const settings = Object.keys(LISTENER_SETTING_ROWS);
  t.strictSame(own.filter((name) => settings.includes(name)), []);
  t.strictSame(Object.keys(OPTION_ROWS).toSorted(), [...own, ...settings].toSorted());
});

t.test("a row is one sentence or two, and its default is that of its check", async (t) => {
  for (const [name, row] of Object.entries(SERVER_ROWS)) {
    t.match(row.text, /^[A-Z].*\.$/, name);
    if (row.fallback === undefined) t.ok(row.fallbackText ?? name === "app", name);
  }
});
