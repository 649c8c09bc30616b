/**
 * A body without its content codings. Nothing is read or decoded before somebody reads, and no more
 * than is read: a bomb stops at the limit, which counts decoded bytes, in flat memory.
 * Thread: the engine's.
 */
import { pipeline, Readable } from "node:stream";
import { HttpError } from "../shared/errors.ts";
import type { BodyOwner, Chunk } from "./body-rules.ts";
import { decodersOf } from "./codings.ts";
import { PulledBody } from "./pulled-body.ts";
import type { BodySource } from "./request-source.ts";

export class DecodedBody extends PulledBody {
  readonly #source: BodySource;
  readonly #codings: readonly string[];
  #pieces: AsyncIterator<Uint8Array> | null = null;

  constructor(source: BodySource, codings: readonly string[], owner: BodyOwner) {
    super(-1, owner);
    this.#source = source;
    this.#codings = codings;
  }

  expect(): void {
    this.#source.expect?.();
  }

  protected async next(): Promise<Chunk | null> {
    this.#pieces ??= this.#decode();
    try {
      const result = await this.#pieces.next();
      // A copy: zlib makes many pieces in one buffer.
      return result.done === true ? null : new Uint8Array(result.value);
    } catch (error) {
      throw error instanceof HttpError ? error : malformed(this.#codings, error);
    }
  }

  protected async stop(): Promise<void> {
    await this.#pieces?.return?.();
  }

  /** Nothing at all is an empty body, whatever the coding. */
  async *#decode(): AsyncGenerator<Uint8Array> {
    const stream = this.#source.handOver(() => this.isHeld);
    const source = stream[Symbol.asyncIterator]();
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
