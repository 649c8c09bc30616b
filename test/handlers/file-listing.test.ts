/** Tests of the page that lists a folder. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { listing } from "../../src/handlers/file-listing.ts";
import { ownFolder } from "../support/folder.ts";

t.test("names are escaped, those with a dot hidden, folders first", async (t) => {
  const folder = ownFolder(t);
  const nasty = `<img src=x onerror="alert('1')">&.html`;
  for (const name of [nasty, ".env", "a b.txt", "javascript:alert(1)"]) {
    writeFileSync(join(folder, name), "");
  }
  mkdirSync(join(folder, "zoo"));
  const answer = await listing(folder, "sub/", false, false);
  t.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  t.equal(answer.headers.get("content-security-policy"), "default-src 'none'");
  const page = await answer.text();
  t.notOk(page.includes("<img"));
  t.notOk(page.includes(".env"));
  const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);
  t.strictSame(links.slice(0, 2), ["./../", "./zoo/"]);
  const rest = links.slice(3).toSorted((a, b) => (a! < b! ? -1 : 1));
  t.strictSame(rest, ["./a%20b.txt", "./javascript%3Aalert(1)"]);
  const root = await (await listing(folder, "", true, true)).text();
  t.ok(root.includes(".env"));
  t.notOk(root.includes('"./../"'));
});
