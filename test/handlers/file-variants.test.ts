/** Tests of files that were compressed beforehand. */
import { utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { FileVariants } from "../../src/handlers/file-variants.ts";
import type { OpenFile } from "../../src/worker/open-file.ts";
import { OpenFiles } from "../../src/worker/open-files.ts";
import { ownFolder } from "../support/folder.ts";

t.test("who accepts a coding gets it, and all are told that it depends", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "a.js");
  for (const end of ["", ".br", ".gz"]) writeFileSync(path + end, end);
  writeFileSync(join(folder, "b.js"), "");
  const open = new OpenFiles({ max: 20, revalidateMs: 0, root: "" });
  const variants = new FileVariants(open, true);
  const file = open.find(path) as OpenFile;
  const choose = (accepted?: string): unknown[] => {
    const asked = new Headers(accepted === undefined ? {} : { "accept-encoding": accepted });
    const chosen = variants.choose(open.find(path) as OpenFile, asked);
    return [basename(chosen.file.path), chosen.headers["content-encoding"], chosen.headers["vary"]];
  };
  t.strictSame(choose("gzip, br"), ["a.js.br", "br", "Accept-Encoding"]);
  t.strictSame(choose("gzip"), ["a.js.gz", "gzip", "Accept-Encoding"]);
  t.strictSame(choose("br;q=0.1, gzip"), ["a.js.gz", "gzip", "Accept-Encoding"]);
  t.strictSame(choose("zstd"), ["a.js", undefined, "Accept-Encoding"]);
  t.strictSame(choose(), ["a.js", undefined, "Accept-Encoding"]);
  utimesSync(`${path}.br`, 1, 1);
  t.strictSame(choose("gzip, br"), ["a.js.gz", "gzip", "Accept-Encoding"], "an old one is not it");
  const alone = variants.choose(open.find(join(folder, "b.js")) as OpenFile, new Headers());
  t.strictSame(alone.headers, {});
  t.equal(new FileVariants(open, false).choose(file, new Headers()).file, file);
  t.throws(() => new FileVariants(open, ["lzma" as "br"]), TypeError);
});

t.test("without descriptors for them the file is sent as it is", async (t) => {
  const path = join(ownFolder(t), "a.js");
  for (const end of ["", ".br"]) writeFileSync(path + end, end);
  const real = new OpenFiles({ max: 20, revalidateMs: 0, root: "" });
  const file = real.find(path) as OpenFile;
  const none = { find: (other: string) => {
    if (other !== path) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
    return file;
  } } as unknown as OpenFiles;
  const asked = new Headers({ "accept-encoding": "br" });
  const chosen = new FileVariants(none, true).choose(file, asked);
  t.equal(chosen.file, file);
  t.equal(chosen.headers["content-encoding"], undefined);
});
