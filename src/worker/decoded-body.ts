/**
 * A body without its content codings. Nothing is read or decoded before somebody reads, and no more
 * than is read: a bomb stops at the limit, which counts decoded bytes, in flat memory.
 *
 * Every buffer that leaves here is a copy: zlib makes many pieces in one buffer.
 * Thread: the engine's.
 */
import { pipeline, Readable } from "node:stream";
import { HttpError } from "../shared/errors.ts";
import {
  type BodyOwner, type Chunk, overloaded, tooLarge, unusable, unusableStream,
} from "./body-rules.ts";
import { decodersOf } from "./codings.ts";
import type { BodySource } from "./request-source.ts";

/** A body that is collected may be this long whatever else the worker holds. */
const FREE_BYTES = 65_536;

/** What counts the bytes that are collected here. */
export interface Budget {
  /** Below 0: they are counted off. False: it is used up. */
  hold(bytes: number): boolean;
}

export class DecodedBody implements BodySource {
  readonly length = -1;
  readonly #source: BodySource;
  readonly #codings: readonly string[];
  readonly #owner: BodyOwner;
  readonly #budget: Budget;
  #stream: ReadableStream<Uint8Array> | null = null;
  #pieces: AsyncIterator<Uint8Array> | null = null;
  #decoded = 0;
  #held = 0;
  #isTaken = false;

  constructor(
    source: BodySource,
    codings: readonly string[],
    owner: BodyOwner,
    budget: Budget,
  ) {
    this.#source = source;
    this.#codings = codings;
    this.#owner = owner;
    this.#budget = budget;
  }

  get bytesMax(): number {
    return this.#owner.bodyLimits.bodyBytesMax;
  }

  expectIfHeld(): void {
    if (this.#stream !== null && this.#stream.locked) this.#source.expect?.();
  }

  async bytes(): Promise<Chunk> {
    if (this.#isTaken) throw unusable();
    this.#isTaken = true;
    try {
      return await this.#collect();
    } finally {
      this.#budget.hold(-this.#held);
      this.#held = 0;
    }
  }

  /** It counts in the budget until it is the app's. */
  async #collect(): Promise<Chunk> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const part = await this.#next(this.bytesMax);
      if (part === null) return new Uint8Array(Buffer.concat(parts));
      parts.push(part);
      this.#held += part.length;
      if (this.#budget.hold(part.length) || this.#held <= FREE_BYTES) continue;
      await this.#pieces!.return?.();
      throw overloaded();
    }
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes());
  }

  stream(): ReadableStream<Uint8Array> {
    if (this.#isTaken) return unusableStream();
    this.#isTaken = true;
    return (this.#stream = new ReadableStream(
      {
        type: "bytes",
        pull: (controller) => this.#pull(controller),
        cancel: async () => void await this.#pieces?.return?.(),
      },
      { highWaterMark: 0 },
    ));
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const limit = this.#owner.bodyLimits.bodyStreamBytesMax;
    const part = await this.#next(limit === 0 ? Infinity : limit);
    if (part !== null) {
      controller.enqueue(new Uint8Array(part));
      return;
    }
    controller.close();
    controller.byobRequest?.respond(0);
  }

  /** The next piece, null at the end. Throws the HttpError that answers. */
  async #next(limit: number): Promise<Uint8Array | null> {
    this.#pieces ??= this.#decode();
    let result: IteratorResult<Uint8Array>;
    try {
      result = await this.#pieces.next();
    } catch (error) {
      throw error instanceof HttpError ? error : malformed(this.#codings, error);
    }
    if (result.done === true) return null;
    this.#decoded += result.value.length;
    if (this.#decoded <= limit) return result.value;
    await this.#pieces.return?.();
    throw tooLarge(limit);
  }

  /** Nothing at all is an empty body, whatever the coding. */
  async *#decode(): AsyncGenerator<Uint8Array> {
    const source = this.#source.stream()[Symbol.asyncIterator]();
    const first = await source.next();
    if (first.done === true) return;
    const decoders = decodersOf(this.#codings);
    const encoded = Readable.from(withFirst(first.value, source), { highWaterMark: 1 });
    // The callback's error is the last decoder's too, from which it is read.
    pipeline([encoded, ...decoders], () => {});
    yield* decoders.at(-1)!;
  }
}

async function* withFirst(
  first: Uint8Array,
  rest: AsyncIterableIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

function malformed(codings: readonly string[], cause: unknown): HttpError {
  return new HttpError(400, `the body is no ${codings.join(", ")}`, {
    cause,
    code: "ERR_MILLRACE_BODY_ENCODING",
  });
}

// A byte order mark is not part of the text.
const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
