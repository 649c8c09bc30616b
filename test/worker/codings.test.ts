/** Content codings: their names in a field, and the transforms that remove them. */
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import t from "tap";
import { ACCEPTED, codingsOf, decodersOf } from "../../src/worker/codings.ts";

t.test("names", async (t) => {
  t.strictSame(codingsOf("gzip"), ["gzip"]);
  t.strictSame(codingsOf(" GZip ,\tbr,, identity"), ["gzip", "br"]);
  t.strictSame(codingsOf(""), []);
  t.equal(codingsOf("compress"), null);
  t.equal(codingsOf("gzip, nope"), null);
  t.equal(codingsOf("gzip;q=1"), null);
  t.equal(codingsOf("gzip,gzip,gzip,gzip,gzip"), null, "too many");
  t.equal(codingsOf("constructor"), null);
  const hasZstd = "createZstdDecompress" in zlib;
  t.equal(ACCEPTED, hasZstd ? "gzip, deflate, br, zstd" : "gzip, deflate, br");
  t.equal(codingsOf("zstd") !== null, hasZstd);
});

t.test("the last coding is removed first", async (t) => {
  const body = zlib.brotliCompressSync(zlib.gzipSync(zlib.deflateSync("abc")));
  const [first, second, third] = decodersOf(["deflate", "x-gzip", "br"]);
  const parts: Buffer[] = [];
  await pipeline([body], first!, second!, third!, async (source: AsyncIterable<Buffer>) => {
    for await (const part of source) parts.push(part);
  });
  t.equal(String(Buffer.concat(parts)), "abc");
});
