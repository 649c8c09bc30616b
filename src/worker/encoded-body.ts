/**
 * A body on its way through an encoder: pieces are taken from the source one at a time and written,
 * what comes out is given to the pump. If the source is not ready for the next piece, what it gave
 * is flushed, so that no event of a stream is held back. Ending early frees the encoder at once,
 * also while the source is silent. Thread: the engine's; zlib compresses in libuv's pool.
 */
import { MillraceError } from "../shared/errors.ts";
import { chunkBytes, discard, isDetached, type ResponseBody } from "./body.ts";
import type { Coding, Encoder } from "./encoders.ts";
import { iteratorOf } from "./pump.ts";

/** Bytes from memory are written in pieces, so that little of them waits encoded. */
const PIECE_BYTES = 65_536;
const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

type Source = Exclude<ResponseBody, null | string>;

export class EncodedBody implements AsyncIterable<Uint8Array> {
  readonly #source: Source;
  readonly #coding: Coding;
  readonly #length: number;

  constructor(source: Source, coding: Coding, length: number) {
    this.#source = source;
    this.#coding = coding;
    this.#length = length;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const source = this.#source;
    const pieces = source instanceof Uint8Array ? piecesOf(source) : iteratorOf(source);
    return new Run(pieces, this.#coding, this.#length);
  }

  /** Nobody wants it. */
  destroy(): void {
    discard(this.#source);
  }
}

interface Waiting {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

class Run implements AsyncIterator<Uint8Array> {
  readonly #source: AsyncIterator<unknown>;
  readonly #coding: Coding;
  readonly #encoder: Encoder;
  #waiting: Waiting | null = null;
  #failure: { readonly error: unknown } | null = null;
  #isPulling = false;
  #needsFlush = false;
  #hasEnded = false;
  #isOver = false;

  constructor(source: AsyncIterator<unknown>, coding: Coding, length: number) {
    this.#source = source;
    this.#coding = coding;
    this.#encoder = coding.open(length);
    this.#encoder.on("readable", this.#step).on("end", this.#onEnd).on("error", this.#onError);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#step();
    });
  }

  /** The client has gone, or the answer is cut. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isOver) return DONE;
    this.#isOver = true;
    this.#encoder.destroy();
    this.#settle()?.resolve(DONE);
    await this.#source.return?.();
    return DONE;
  }

  readonly #onEnd = (): void => {
    this.#isOver = true;
    this.#step();
  };

  readonly #onError = (error: unknown): void => {
    this.#failure ??= { error };
    this.#isOver = true;
    this.#encoder.destroy();
    this.#step();
  };

  /** Serves who waits, or sees to it that there will be something to serve. */
  readonly #step = (): void => {
    if (this.#waiting === null) return;
    if (this.#failure !== null) {
      this.#settle()!.reject(this.#failure.error);
      return;
    }
    const bytes = this.#isOver ? null : (this.#encoder.read() as Uint8Array | null);
    if (bytes !== null) this.#settle()!.resolve({ done: false, value: bytes });
    else if (this.#isOver) this.#settle()!.resolve(DONE);
    else if (!this.#isPulling && !this.#hasEnded) this.#pull();
  };

  #settle(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }

  #pull(): void {
    this.#isPulling = true;
    const isReady = { now: false };
    if (this.#needsFlush) {
      setImmediate(() => {
        if (isReady.now || this.#isOver) return;
        this.#needsFlush = false;
        this.#coding.flush(this.#encoder);
      });
    }
    let next: Promise<IteratorResult<unknown>>;
    try {
      next = Promise.resolve(this.#source.next());
    } catch (error) {
      this.#onError(error);
      return;
    }
    const onNext = (result: IteratorResult<unknown>): void => {
      isReady.now = true;
      this.#take(result);
    };
    next.then(onNext, this.#onError);
  }

  #take(result: IteratorResult<unknown>): void {
    if (this.#isOver) return;
    let bytes: Uint8Array | null;
    try {
      bytes = result.done === true ? null : chunkBytes(result.value);
      if (bytes !== null && isDetached(bytes)) throw new MillraceError("ERR_MILLRACE_BODY_CHANGED");
    } catch (error) {
      Promise.resolve(this.#source.return?.()).catch(() => {});
      this.#onError(error);
      return;
    }
    if (bytes === null) {
      this.#isPulling = false;
      this.#hasEnded = true;
      this.#encoder.end();
      return;
    }
    this.#needsFlush = true;
    // A copy, a hundredth of what compressing costs: the app may give the buffer away, whose memory
    // is freed then, while a thread of the pool reads it.
    this.#encoder.write(new Uint8Array(bytes), () => {
      this.#isPulling = false;
      this.#step();
    });
  }
}

function piecesOf(bytes: Uint8Array): AsyncIterator<unknown> {
  const { length } = bytes;
  let at = 0;
  return {
    next: () => {
      const start = at;
      at += PIECE_BYTES;
      if (bytes.length < length) throw new MillraceError("ERR_MILLRACE_BODY_CHANGED");
      const piece = bytes.subarray(start, at);
      return Promise.resolve(start >= length ? DONE : { done: false, value: piece });
    },
  };
}
