/** Test of the example that writes its answers in steps, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("status, headers, body, end; errors, redirections, and the message by hand", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/low-level.mjs"), "--port", "0", "--workers", "1",
  ]);
  const url = await command.url();
  const flour = await fetch(`${url}/mill/flour`);
  t.equal(await flour.text(), "<h1>The mill</h1>\n<p>12 sacks</p>\n");
  t.equal(flour.headers.get("etag"), 'W/"stock-flour"');
  t.equal(flour.headers.get("cache-control"), "max-age=60");
  t.equal(flour.headers.get("content-length"), "34");

  const gold = await fetch(`${url}/mill/gold`);
  t.equal(gold.status, 404);
  t.equal(await gold.text(), "There is no gold in this mill.\n");
  t.equal(gold.headers.get("etag"), null);

  const old = await fetch(`${url}/mill/old`, { redirect: "manual" });
  t.equal(old.status, 301);
  t.equal(old.headers.get("location"), "/mill/flour");

  const raw = await fetch(`${url}/mill/raw`);
  t.equal(raw.statusText, "By Hand");
  t.equal(await raw.text(), "flour\n");
  t.equal(await (await fetch(`${url}/mill/nothing`)).text(), "no such page\n");
});
