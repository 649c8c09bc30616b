/** Tests of bodies in pieces, some of which are ranges of files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { FileBlob } from "../../src/worker/file-blob.ts";
import { FileParts, type FilePart, partsOf } from "../../src/worker/file-parts.ts";
import { OpenFile } from "../../src/worker/open-file.ts";
import { ownFolder } from "../support/folder.ts";

t.test("as bytes, and as the pieces that they are", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, "0123456789");
  const range = FileBlob.pinned(OpenFile.open(path), 2, 5);
  const parts = new FileParts([Buffer.from("<"), range, Buffer.from(">")]);
  t.equal(parts.length, 5);
  t.equal(await new Response(parts as never).text(), "<234>");
  const pieces: FilePart[] = [];
  const iterator = partsOf(parts);
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    pieces.push(next.value);
  }
  t.equal(pieces[1], range);
  t.equal(pieces.length, 3);
  const one = partsOf(range);
  t.equal((await one.next()).value, range);
  t.equal((await one.next()).done, true);
});
