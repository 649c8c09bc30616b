/** Tests of frames: each is made once, and is what RFC 6455 and RFC 7692 say. */
import { constants, inflateRawSync } from "node:zlib";
import t from "tap";
import type { PublishedData } from "../../src/shared/published.ts";
import { FRAME_PLAIN, Publication } from "../../src/worker/publication.ts";

const of = (data: PublishedData): Publication =>
  new Publication({ topic: "a", data, compress: true });

/** As a client reads it. */
function parse(frame: Uint8Array): { first: number; payload: Buffer } {
  const bytes = Buffer.from(frame);
  const short = bytes[1]!;
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  const length = head === 10
    ? Number(bytes.readBigUInt64BE(2))
    : head === 4 ? bytes.readUInt16BE(2) : short;
  return { first: bytes[0]!, payload: bytes.subarray(head, head + length) };
}

t.test("a plain frame of every form of length", async (t) => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const data = Buffer.alloc(length, "b");
    const frame = of(data).frame(FRAME_PLAIN);
    t.equal(frame.length, head + length);
    t.same(parse(frame), { first: 0x82, payload: data });
    const text = of("t".repeat(length)).frame(FRAME_PLAIN);
    t.same(parse(text), { first: 0x81, payload: Buffer.alloc(length, "t") });
  }
  t.equal(parse(of("ä€😀").frame(FRAME_PLAIN)).payload.toString(), "ä€😀");
});

t.test("a deflated frame, for each size of window", async (t) => {
  const text = JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ number: i })));
  for (let bits = 9; bits <= 15; bits++) {
    const { first, payload } = parse(of(text).frame(bits));
    t.equal(first, 0xc1, "RSV1 says so");
    const tail = Buffer.from([0, 0, 0xff, 0xff]);
    // A peer that has agreed to this window has no larger one.
    const options = { windowBits: bits, finishFlush: constants.Z_SYNC_FLUSH };
    t.equal(inflateRawSync(Buffer.concat([payload, tail]), options).toString(), text);
    t.ok(payload.length < text.length);
  }
});

t.test("what would grow, and a window that zlib cannot have, are sent as they are", async (t) => {
  for (const [data, bits] of [["a", 15], ["", 15], ["a".repeat(1000), 8]] as const) {
    const publication = of(data);
    t.same(parse(publication.frame(bits)), { first: 0x81, payload: Buffer.from(data) });
  }
});

t.test("a frame is made once, and is a copy", async (t) => {
  const data = Buffer.alloc(1000, "a");
  const publication = of(data);
  const plain = publication.frame(FRAME_PLAIN);
  const deflated = publication.frame(15);
  data.fill("b");
  t.equal(publication.frame(FRAME_PLAIN), plain);
  t.equal(publication.frame(15), deflated);
  t.not(publication.frame(10), deflated);
  t.equal(parse(plain).payload.toString(), "a".repeat(1000));
});
