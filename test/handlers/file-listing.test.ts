/** Tests of the page that lists a folder. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { listing } from "../../src/handlers/file-listing.ts";
import { ownFolder } from "../support/folder.ts";

t.test("names are escaped, those with a dot hidden, folders first", async (t) => {
  const outer = realpathSync(ownFolder(t));
  const folder = join(outer, "sub");
  mkdirSync(folder);
  const nasty = `<img src=x onerror="alert('1')">&.html`;
  for (const name of [nasty, ".env", "a b.txt", "javascript:alert(1)"]) {
    writeFileSync(join(folder, name), "");
  }
  mkdirSync(join(folder, "zoo"));
  const answer = (await listing(outer, "sub/", false))!;
  t.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  t.equal(answer.headers.get("content-security-policy"), "default-src 'none'");
  const page = await answer.text();
  t.notOk(page.includes("<img"));
  t.notOk(page.includes(".env"));
  const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);
  t.strictSame(links.slice(0, 2), ["./../", "./zoo/"]);
  const rest = links.slice(3).toSorted((a, b) => (a! < b! ? -1 : 1));
  t.strictSame(rest, ["./a%20b.txt", "./javascript%3Aalert(1)"]);
  const root = await (await listing(folder, "", true))!.text();
  t.ok(root.includes(".env"));
  t.notOk(root.includes('"./../"'));
});

t.test("a folder that lies elsewhere is not listed, whatever led there", async (t) => {
  const folder = realpathSync(ownFolder(t));
  const outside = ownFolder(t);
  writeFileSync(join(outside, "secret"), "");
  symlinkSync(outside, join(folder, "out"));
  writeFileSync(join(folder, "file"), "");
  for (const path of ["out/", "file", "none/"]) {
    t.equal(await listing(folder, path, false), undefined, path);
  }
});
