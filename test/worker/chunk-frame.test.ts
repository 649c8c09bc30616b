/** Tests of how a chunk is framed. */
import t from "tap";
import { CHUNK_FRAME_MAX, writeChunk } from "../../src/worker/chunk-frame.ts";

t.test("a chunk is its length in hexadecimal, its bytes and nothing else", async (t) => {
  for (const length of [1, 9, 10, 15, 16, 255, 256, 1024, 65_535, 65_536]) {
    const bytes = new Uint8Array(length).fill(120);
    const into = Buffer.alloc(length + CHUNK_FRAME_MAX + 10, 46);
    const end = writeChunk(into, 5, bytes);
    const wanted = `.....${length.toString(16)}\r\n${"x".repeat(length)}\r\n`;
    t.equal(into.toString("latin1", 0, end), wanted);
    t.ok(into.subarray(end).every((byte) => byte === 46), "nothing behind it");
  }
});
