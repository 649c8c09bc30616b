/**
 * Bodies: what a Response may be made of, how it is read as bytes, and how it becomes a stream. A
 * string or bytes stay what they are for as long as nobody asks for a stream: the encoder copies
 * them, and such a Response can be sent any number of times. Any thread.
 */
import { Readable } from "node:stream";
import type { UnderlyingSource } from "node:stream/web";
import { types } from "node:util";
import { formBody } from "./form.ts";
import { toText } from "./standard.ts";

export type ResponseBody =
  | null
  | string
  | Uint8Array
  | Blob
  | ReadableStream<unknown>
  | AsyncIterable<unknown>;

/** What `new Response` takes: the standard's BodyInit, async iterables and Node's readables. */
export type LightBodyInit =
  | ConstructorParameters<typeof Response>[0]
  | ReadableStream<unknown>
  | AsyncIterable<unknown>
  | undefined;

/** Types that a body implies, by index: the encoder keeps their lines. 0 is none. */
export const CONTENT_TYPES: readonly string[] = [
  "",
  "text/plain;charset=UTF-8",
  "application/json",
  "application/x-www-form-urlencoded;charset=UTF-8",
];
export const TYPE_NONE = 0;
export const TYPE_TEXT = 1;
export const TYPE_JSON = 2;
export const TYPE_URLENCODED = 3;

export interface Extracted {
  body: ResponseBody;
  /** An index in CONTENT_TYPES, or a type of its own. */
  type: number | string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const nothing = new Uint8Array(0);

/** "Extract a body" of the standard. Bytes are not copied: they must not change until sent. */
export function extractBody(value: unknown): Extracted {
  if (value === null || value === undefined) return { body: null, type: TYPE_NONE };
  if (typeof value !== "object") return { body: toText(value), type: TYPE_TEXT };
  if (types.isUint8Array(value)) {
    if (value.byteLength === 0) refuseDetached(value);
    return { body: value, type: TYPE_NONE };
  }
  if (ArrayBuffer.isView(value)) {
    const view = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { body: view, type: TYPE_NONE };
  }
  if (types.isArrayBuffer(value)) return { body: new Uint8Array(value), type: TYPE_NONE };
  if (value instanceof URLSearchParams) return { body: value.toString(), type: TYPE_URLENCODED };
  if (value instanceof Blob) return { body: value, type: value.type || TYPE_NONE };
  if (value instanceof FormData) return formBody(value);
  if (value instanceof ReadableStream) {
    if (isStreamTaken(value)) throw new TypeError("The body is a stream that is locked or read");
    return { body: value, type: TYPE_NONE };
  }
  if (isAsyncIterable(value)) return { body: value, type: TYPE_NONE };
  return { body: toText(value), type: TYPE_TEXT };
}

/** An empty view may be one whose buffer was given away: then there is nothing to send. */
function refuseDetached(view: Uint8Array): void {
  // The constructor throws a TypeError for a detached buffer.
  void new Uint8Array(view.buffer);
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  const method = (value as Partial<AsyncIterable<unknown>> | null)?.[Symbol.asyncIterator];
  return typeof method === "function";
}

/** Whether somebody has read from the stream or holds its reader. */
export function isStreamTaken(stream: ReadableStream<unknown>): boolean {
  return stream.locked || isStreamRead(stream);
}

export function isStreamRead(stream: ReadableStream<unknown>): boolean {
  return Readable.isDisturbed(stream as never);
}

/** The bytes of one chunk of an async iterable; strings are UTF-8. Not a copy. */
export function chunkBytes(chunk: unknown): Uint8Array {
  if (types.isUint8Array(chunk)) return chunk;
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (types.isAnyArrayBuffer(chunk)) return new Uint8Array(chunk);
  throw new TypeError("A chunk of a body is neither bytes nor a string");
}

/** Whether it has lost its bytes: its buffer was given away, or has become too short for it. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    nothing.set(bytes);
    return false;
  } catch {
    return true; // an empty one that lies somewhere can be copied
  }
}

/** The whole body in a buffer of its own. */
export async function readBytes(body: ResponseBody): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array(0);
  if (typeof body === "string") return exact(encoder.encode(body));
  if (types.isUint8Array(body)) return new Uint8Array(body);
  if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer());
  if (body instanceof ReadableStream) return await readStream(body);
  return await readIterable(body);
}

/** The encoder of the runtime may hand out a view on a bigger buffer. */
function exact(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteLength === bytes.buffer.byteLength && types.isArrayBuffer(bytes.buffer);
  return whole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** What decoding the UTF-8 of a string gives: no byte order mark, no lone surrogates. */
export function wellFormedText(text: string): string {
  const rest = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return toWellFormed(rest);
}

/** Without lone surrogates. */
export function toWellFormed(text: string): string {
  return text.toWellFormed();
}

async function readStream(stream: ReadableStream<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return concat(chunks, length);
      if (!types.isUint8Array(value)) throw new TypeError("Received a chunk that is no Uint8Array");
      length += value.byteLength;
      chunks.push(value);
    }
  } catch (error) {
    // Not waited for: a branch of a tee is cancelled only when the other one is, too.
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

async function readIterable(iterable: AsyncIterable<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of iterable) {
    const bytes = chunkBytes(chunk);
    // A copy: a generator may fill its buffer again.
    chunks.push(bytes.slice());
    length += bytes.byteLength;
  }
  return concat(chunks, length);
}

/** In a buffer of its own. */
export function concat(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** A stream of the body. Bytes are copied, for a stream may give its chunks' buffers away. */
export function toStream(body: Exclude<ResponseBody, null>): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body as ReadableStream<Uint8Array>;
  if (typeof body === "string") return bytesStream(() => encoder.encode(body));
  if (types.isUint8Array(body)) return bytesStream(() => new Uint8Array(body));
  if (body instanceof Blob) return body.stream() as ReadableStream<Uint8Array>;
  return iterableStream(body);
}

function bytesStream(make: () => Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const bytes = make();
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}

function iterableStream(iterable: AsyncIterable<unknown>): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<unknown> | null = null;
  const source: UnderlyingSource<Uint8Array> = {
    async pull(controller) {
      iterator ??= iterable[Symbol.asyncIterator]();
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(chunkBytes(value));
    },
    async cancel(reason) {
      // The iterator of a readable that was never pulled would not destroy it.
      if (iterable instanceof Readable) iterable.destroy();
      iterator ??= iterable[Symbol.asyncIterator]();
      await iterator.return?.(reason);
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** A stream that was read to its end: the body of what `text()` and the like have consumed. */
export function usedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  useUp(stream);
  return stream;
}

/** Of a body that is read past its stream: that is locked and read from then on. */
export function useUp(stream: ReadableStream<unknown>): void {
  stream.getReader().read().catch(() => {});
}

/** Tells a producer that nobody wants what it makes. */
export function discard(body: unknown): void {
  if (body instanceof ReadableStream) {
    body.cancel().catch(() => {}); // a locked stream is its reader's
    return;
  }
  if (typeof body !== "object" || body === null) return;
  try {
    const { destroy } = body as { destroy?: unknown };
    if (typeof destroy === "function") destroy.call(body);
  } catch {
    // The producer's own clean-up has failed; there is nobody left to tell.
  }
}
