/** Each coding of this runtime, at once and as a stream. */
import { buffer } from "node:stream/consumers";
import zlib from "node:zlib";
import t from "tap";
import { ENCODINGS } from "../../src/shared/compression.ts";
import { codingsOf, hasCoding } from "../../src/worker/encoders.ts";

type Decode = (bytes: Uint8Array) => Buffer;
const zstd = (zlib as unknown as { zstdDecompressSync?: Decode }).zstdDecompressSync;
const DECODE: Record<string, Decode> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: (bytes) => zstd!(bytes),
};

t.test("what the runtime has, in the order that is asked for", async (t) => {
  t.equal(hasCoding("zstd"), zstd !== undefined);
  const names = codingsOf({ encodings: ["gzip", "zstd", "br"] }).map(({ name }) => name);
  t.strictSame(names, zstd === undefined ? ["gzip", "br"] : ["gzip", "zstd", "br"]);
  t.equal(codingsOf({}).length, ENCODINGS.filter(hasCoding).length);
});

t.test("round trips, and a flush that lets out what was written", async (t) => {
  const text = Buffer.from("some text, again and again; ".repeat(500));
  for (const coding of codingsOf({})) {
    const decode = DECODE[coding.name]!;
    t.ok(decode(coding.encodeNow(text)).equals(text), coding.name);
    const encoder = coding.open(-1);
    const flushed = new Promise((resolve) => encoder.once("readable", resolve));
    encoder.write(text);
    coding.flush(encoder);
    await flushed;
    t.ok(encoder.readableLength > 0, `${coding.name} has let something out`);
    encoder.end();
    t.ok(decode(await buffer(encoder)).equals(text), coding.name);
  }
});
