/** Tests of bodies in pieces, some of which are ranges of files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { FileBlob } from "../../src/worker/file-blob.ts";
import { FileParts, partsOf } from "../../src/worker/file-parts.ts";
import { OpenFile } from "../../src/worker/open-file.ts";
import { LightResponse, responseParts } from "../../src/worker/response.ts";
import { ownFolder } from "../support/folder.ts";

t.test("as bytes, and as the pieces that they are", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, "0123456789");
  const range = FileBlob.pinned(OpenFile.open(path), 2, 5);
  const parts = new FileParts([Buffer.from("<"), range, Buffer.from(">")]);
  t.equal(parts.length, 5);
  t.equal(await new Response(parts as never).text(), "<234>");
  t.equal(partsOf(parts)[1], range);
  t.equal(partsOf(parts).length, 3);
  t.same(partsOf(range), [range]);
});

t.test("a long file comes in pieces, and a copy of the answer has it, too", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, Buffer.alloc(1_000_000, "x"));
  const range = FileBlob.pinned(OpenFile.open(path), 2, 1_000_000);
  const parts = new FileParts([Buffer.from("<"), range]);
  const sizes: number[] = [];
  for await (const chunk of parts) sizes.push(chunk.length);
  t.equal(Math.max(...sizes), 65_536);
  t.equal(sizes.reduce((sum, size) => sum + size), 999_999);
  const response = new LightResponse(parts);
  const copy = response.clone();
  t.equal(responseParts(copy).body, parts, "nothing stands between");
  t.equal(responseParts(copy).stream, null);
  t.equal((await copy.bytes()).length, 999_999);
  t.equal((await response.bytes()).length, 999_999);
});
