/** A source, an encoder, and who reads: each may be slow, fail or stop. */
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import t from "tap";
import type { ResponseBody } from "../../src/worker/body.ts";
import { EncodedBody } from "../../src/worker/encoded-body.ts";
import { codingsOf, type Encoder } from "../../src/worker/encoders.ts";

const [gzip] = codingsOf({ encodings: ["gzip"] });
type Source = Exclude<ResponseBody, null | string>;

/** The coding, and the encoders that it has opened. */
function watched(): { coding: NonNullable<typeof gzip>; opened: Encoder[] } {
  const opened: Encoder[] = [];
  const open = (length: number): Encoder => {
    const encoder = gzip!.open(length);
    opened.push(encoder);
    return encoder;
  };
  return { coding: { ...gzip!, open }, opened };
}

async function decoded(source: Source): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of new EncodedBody(source, gzip!, -1)) chunks.push(chunk);
  return gunzipSync(Buffer.concat(chunks)).toString();
}

async function* pieces(...all: unknown[]): AsyncGenerator {
  for (const piece of all) yield piece;
}

t.test("every kind of source", async (t) => {
  const large = Buffer.from("0123456789".repeat(50_000));
  t.equal(await decoded(large), large.toString());
  t.equal(await decoded(new Blob(["a", "b"])), "ab");
  t.equal(await decoded(new Blob(["a", "b"]).stream()), "ab");
  t.equal(await decoded(Readable.from([Buffer.from("a"), "b"])), "ab");
  t.equal(await decoded(pieces("a", "", new Uint8Array([98]))), "ab");
  t.equal(await decoded(pieces()), "");
});

t.test("what a silent source has given is let out", async (t) => {
  let more: () => void = () => {};
  const source = (async function* () {
    yield "first";
    await new Promise<void>((resolve) => (more = resolve));
    yield "second";
  })();
  const run = new EncodedBody(source, gzip!, -1)[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  const text = (): string =>
    gunzipSync(Buffer.concat(chunks), { finishFlush: 2 /* Z_SYNC_FLUSH */ }).toString();
  do chunks.push((await run.next()).value as Uint8Array); while (text() === "");
  t.equal(text(), "first");
  more();
  for (;;) {
    const { done, value } = await run.next();
    if (done === true) break;
    chunks.push(value);
  }
  t.equal(text(), "firstsecond");
});

t.test("ending early frees the encoder, and ends a source that is silent", async (t) => {
  const { coding, opened } = watched();
  const silent = new Readable({ read() {} });
  const run = new EncodedBody(silent, coding, -1)[Symbol.asyncIterator]();
  const next = run.next();
  await run.return!();
  t.strictSame(await next, { done: true, value: undefined });
  t.ok(opened[0]!.destroyed);
  t.ok(silent.destroyed);
  t.strictSame(await run.next(), { done: true, value: undefined });
});

t.test("one that is not sent ends its source", (t) => {
  const ends: string[] = [];
  const stream = new ReadableStream({ cancel: () => void ends.push("stream") });
  const readable = new Readable({ read() {}, destroy: () => void ends.push("readable") });
  for (const source of [stream, readable, Buffer.from("bytes"), pieces("a")]) {
    new EncodedBody(source, gzip!, -1).destroy();
  }
  t.strictSame(ends, ["stream", "readable"]);
  t.end();
});

t.test("a source that fails, or gives what is no chunk", async (t) => {
  const failing = (async function* () {
    yield "a";
    throw new Error("the source broke");
  })();
  for (const [source, message] of [
    [failing, /the source broke/], [pieces("a", 7), /neither bytes nor a string/],
  ] as const) {
    const { coding, opened } = watched();
    const read = async (): Promise<void> => {
      for await (const chunk of new EncodedBody(source, coding, -1)) t.ok(chunk);
    };
    await t.rejects(read(), message);
    t.ok(opened[0]!.destroyed);
  }
});
