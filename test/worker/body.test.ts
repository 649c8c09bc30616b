/** Bodies: kinds, reading, streams. */
import { Readable } from "node:stream";
import t from "tap";
import {
  chunkBytes,
  CONTENT_TYPES,
  decodeText,
  discard,
  extractBody,
  isAsyncIterable,
  isStreamRead,
  isStreamTaken,
  readBytes,
  toStream,
  toWellFormed,
  usedStream,
  useUp,
  wellFormedText,
} from "../../src/worker/body.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

t.test("strings and bytes stay what they are", async (t) => {
  const bytes = encode("abc");
  t.equal(extractBody("abc").body, "abc");
  t.equal(extractBody(bytes).body, bytes);
  t.equal((extractBody(bytes.buffer).body as Uint8Array).buffer, bytes.buffer);
  t.strictSame(extractBody(null), { body: null, type: 0 });
  t.equal(CONTENT_TYPES[extractBody("a").type as number], "text/plain;charset=UTF-8");
  const readable = Readable.from(["a"]);
  t.equal(extractBody(readable).body, readable);
  t.equal(extractBody(new Blob(["a"], { type: "x/y" })).type, "x/y");
});

t.test("chunks", async (t) => {
  t.equal(hex(chunkBytes("ä")), "c3a4");
  t.equal(hex(chunkBytes(new Uint16Array([1]))), "0100");
  t.equal(hex(chunkBytes(new Uint8Array([7]).buffer)), "07");
  t.throws(() => chunkBytes(7), TypeError);
  t.throws(() => chunkBytes(null), TypeError);
});

t.test("reading gives a buffer of its own", async (t) => {
  const bytes = encode("abcdef").subarray(1, 3);
  const bodies = ["bc", bytes, new Blob(["bc"]), Readable.from(["b", "c"]), toStream("bc")];
  for (const body of bodies) {
    const read = await readBytes(body);
    t.equal(Buffer.from(read).toString(), "bc");
    t.equal(read.buffer.byteLength, 2);
    t.not(read.buffer, bytes.buffer);
  }
  t.equal((await readBytes(null)).byteLength, 0);
});

t.test("a generator may use one buffer for all its chunks", async (t) => {
  async function* reuse(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(1);
    for (let at = 1; at < 4; at++) {
      buffer[0] = at;
      yield buffer;
    }
  }
  t.equal(hex(await readBytes(reuse())), "010203");
});

t.test("a stream of something else than bytes is cancelled", async (t) => {
  let cancelled: unknown = null;
  const stream = new ReadableStream<unknown>({
    pull: (controller) => controller.enqueue("text"),
    cancel: (reason) => void (cancelled = reason),
  });
  await t.rejects(readBytes(stream), TypeError);
  t.type(cancelled, TypeError);
});

t.test("a stream that is used up is locked, and looks read", async (t) => {
  const stream = new ReadableStream<Uint8Array>();
  t.notOk(isStreamTaken(stream));
  useUp(stream);
  t.same([stream.locked, isStreamRead(stream)], [true, true]);
});

t.test("streams of each kind of body", async (t) => {
  t.equal(await collect(toStream("äb")), "äb");
  t.equal(await collect(toStream("")), "");
  t.equal(await collect(toStream(new Blob(["ab"]))), "ab");
  t.equal(await collect(toStream(Readable.from(["a", "b"]))), "ab");
  const bytes = encode("ab");
  const reader = toStream(bytes).getReader();
  const { value } = await reader.read();
  structuredClone(value, { transfer: [value!.buffer as ArrayBuffer] });
  t.equal(bytes.byteLength, 2, "the stream gives away copies only");
});

t.test("an iterable is pulled only as it is read, and told when nobody reads on", async (t) => {
  const events: unknown[] = [];
  const iterable = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ value: `${events.push("next")}`, done: false }),
      return: async () => ({ value: events.push("return"), done: true as const }),
    }),
  };
  const stream = toStream(iterable);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(events, []);
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  t.strictSame(events, ["next", "return"]);
});

t.test("a Node readable is destroyed when its stream is cancelled", async (t) => {
  const readable = new Readable({ read: () => {} });
  await toStream(readable).cancel();
  t.ok(readable.destroyed);
});

t.test("who has a stream", async (t) => {
  const stream = toStream("a");
  t.notOk(isStreamTaken(stream));
  const reader = stream.getReader();
  t.ok(isStreamTaken(stream));
  t.notOk(isStreamRead(stream));
  await reader.read();
  reader.releaseLock();
  t.ok(isStreamRead(stream));
  t.ok(isStreamTaken(usedStream()));
  t.ok(isStreamRead(usedStream()));
});

t.test("text", async (t) => {
  t.equal(wellFormedText("\ufeffa\ud800"), "a\ufffd");
  t.equal(toWellFormed("\udc00"), "\ufffd");
  t.equal(decodeText(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff])), "a\ufffd");
  t.ok(isAsyncIterable(Readable.from([])));
  t.notOk(isAsyncIterable(["a"]));
  t.notOk(isAsyncIterable(null));
});

t.test("what nobody wants is told so", async (t) => {
  const ends: string[] = [];
  discard(new ReadableStream({ cancel: () => void ends.push("stream") }));
  discard({ destroy: () => ends.push("readable") });
  discard(null);
  discard("text");
  t.strictSame(ends, ["stream", "readable"]);
});
