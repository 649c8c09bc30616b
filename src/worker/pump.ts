/**
 * Sends a body piece by piece: takes a chunk from its source, writes it to the ring, and when
 * a burst has been written has native send it; a large chunk is sent at once. If the socket does
 * not take them all, or the pump has had its share of the turn, it stops until native says that
 * they have gone. So a slow reader stops the producer, and a fast producer yields to the loop.
 *
 * `next().then` is used instead of `for await`: the latter costs twice as much per chunk.
 * Thread: the engine's.
 */
import { Readable } from "node:stream";
import { types } from "node:util";
import { chunkBytes, isDetached } from "./body.ts";
import { FileBlob } from "./file-blob.ts";
import { type FilePart, FileParts, partsOf } from "./file-parts.ts";
import { MillraceError } from "../shared/errors.ts";
import { SLOT_UNSENT, SLOT_WORDS } from "../shared/layout.ts";
import type { PumpQueue } from "./pump-queue.ts";
import type { Rings } from "./rings.ts";

/** Limits' worth of bytes per send: a body of 100 KiB in one send, not two, takes 12 % less. */
export const BURST = 2;
/**
 * From here on a chunk leaves from where it lies, in a send of its own: that costs less than to
 * copy it.
 */
export const UNCOPIED_BYTES_MIN = 32_768;
/** Bursts that a pump may send before others have their turn. */
const SHARE = 2;

/** In the place of a value: there is none any more. */
const END = Symbol("end");

/** Where the pieces go. */
export interface Outlet {
  readonly rings: Rings;
  readonly slot: number;
  readonly generation: number;
  readonly isChunked: boolean;
  /** Writes the head; called when the pump has its first turn, so that both leave together. */
  begin(): void;
  /** Bytes that may wait to be sent; at most a burst of them is refused by the socket. */
  readonly limit: number;
}

/** `undefined`: sent whole; null: the peer has gone; else what the source threw. */
export type PumpEnd = (error: unknown) => void;

export class BodyPump {
  readonly #queue: PumpQueue;
  readonly #outlet: Outlet;
  readonly #onEnd: PumpEnd;
  #iterator: AsyncIterator<unknown> | null = null;
  /** Instead of the iterator: all that is to be sent, which nobody has to be asked for. */
  #parts: readonly FilePart[] | null = null;
  #part = 0;
  /** What is left of a chunk that is longer than one record. */
  #rest: Uint8Array | null = null;
  #written = 0;
  #share = SHARE;
  #sent = 0;
  #length = -1;
  #hasBegun = false;
  #isWaiting = false;
  #isDone = false;

  constructor(queue: PumpQueue, outlet: Outlet, onEnd: PumpEnd) {
    this.#queue = queue;
    this.#outlet = outlet;
    this.#onEnd = onEnd;
  }

  /** Bytes of the body that have been written. */
  get sent(): number {
    return this.#sent;
  }

  /** `length` -1: not known. Begins at once. */
  start(source: object, length: number): void {
    this.#length = length;
    const isFile = source instanceof FileBlob || source instanceof FileParts;
    if (source instanceof Uint8Array) {
      this.#parts = [source];
    } else if (isFile && !this.#outlet.isChunked) {
      this.#parts = partsOf(source); // framed as chunks, a file is read in JavaScript
    } else {
      try {
        this.#iterator = iteratorOf(source);
      } catch (error) {
        this.#begin();
        this.#finish(error ?? new Error("the body cannot be read"));
        return;
      }
    }
    this.#queue.add(this);
  }

  /** Its turn in the queue. */
  run(): void {
    if (this.#isDone) {
      this.#queue.done(this);
      return;
    }
    this.#begin();
    const rest = this.#rest;
    this.#rest = null;
    if (rest === null) this.#pull();
    else this.#write(rest);
  }

  /** Native: the socket has taken what was written. */
  resume(): void {
    if (!this.#isWaiting || this.#isDone) return;
    this.#isWaiting = false;
    this.#written = 0;
    this.#share = SHARE;
    this.#queue.add(this);
  }

  /** The connection has gone: the producer is told. */
  cancel(): void {
    if (this.#isDone) return;
    this.#stopSource();
    this.#finish(null);
  }

  readonly #onNext = (result: IteratorResult<unknown>): void => {
    if (this.#isDone) return;
    let value: unknown;
    try {
      value = result.done === true ? END : result.value; // they may be the app's accessors
    } catch (error) {
      this.#onError(error);
      return;
    }
    if (value === END) this.#end();
    else this.#take(value);
  };

  readonly #onError = (error: unknown): void => {
    if (!this.#isDone) this.#finish(error ?? new Error("the body failed"));
  };

  #take(value: unknown): void {
    let bytes: Uint8Array;
    try {
      if (types.isUint8Array(value)) {
        bytes = value;
      } else if (value instanceof FileBlob) {
        this.#sendFile(value);
        return;
      } else {
        bytes = chunkBytes(value);
      }
    } catch (error) {
      this.#stopSource();
      this.#finish(error);
      return;
    }
    this.#write(bytes);
  }

  #pull(): void {
    if (this.#parts !== null) {
      if (this.#part === this.#parts.length) this.#end();
      else this.#take(this.#parts[this.#part++]);
      return;
    }
    let next: Promise<IteratorResult<unknown>>;
    try {
      next = this.#iterator!.next();
    } catch (error) {
      this.#onError(error);
      return;
    }
    if (next instanceof Promise) next.then(this.#onNext, this.#onError);
    else Promise.resolve(next).then(this.#onNext, this.#onError);
  }

  #write(bytes: Uint8Array): void {
    const { length } = bytes;
    const written = this.#written + length;
    const { rings, slot, generation, isChunked, limit } = this.#outlet;
    // A small chunk in the midst of a burst, as most are.
    const isPlain = length < UNCOPIED_BYTES_MIN && length > 0 && this.#length < 0;
    if (isPlain && written < limit * BURST) {
      this.#written = written;
      this.#sent += length;
      rings.chunk(slot, generation, bytes, isChunked, false);
      this.#pull();
    } else if (length === 0) {
      this.#writeNothing(bytes);
    } else {
      this.#writePieces(bytes);
    }
  }

  /** Counts what leaves, and stops where the burst is full. */
  #writePieces(bytes: Uint8Array): void {
    const { rings, slot, generation, isChunked, limit } = this.#outlet;
    const burst = limit * BURST;
    const most = Math.max(burst, UNCOPIED_BYTES_MIN);
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      const isCopied = left < UNCOPIED_BYTES_MIN;
      const piece = left > most
        ? bytes.subarray(at, at + most)
        : at === 0 ? bytes : bytes.subarray(at);
      at += piece.length;
      this.#written += piece.length;
      this.#sent += piece.length;
      if (this.#length >= 0 && this.#sent > this.#length) {
        this.#stopSource();
        this.#finish(new Error(`the body is longer than its Content-Length of ${this.#length}`));
        return;
      }
      const isFull = this.#written >= burst;
      const mustWait = isFull && --this.#share === 0;
      if (isFull) this.#written = 0;
      if (isCopied) {
        rings.chunk(slot, generation, piece, isChunked, mustWait);
        if (isFull && !mustWait) rings.flush();
      } else {
        rings.bytes(slot, generation, piece, isChunked, mustWait);
      }
      if (mustWait || ((isFull || !isCopied) && this.#isBlocked())) {
        this.#rest = at < bytes.length ? bytes.subarray(at) : null;
        this.#isWaiting = true;
        this.#queue.done(this);
        return;
      }
      if (at >= bytes.length) break;
    }
    this.#pull();
  }

  /** Native reads it; the pump goes on when all of it has left. */
  #sendFile(blob: FileBlob): void {
    const { file, offset, length } = blob.toSend();
    const { rings, slot, generation } = this.#outlet;
    this.#sent += length;
    if (this.#length >= 0 && this.#sent > this.#length) {
      throw new Error(`the body is longer than its Content-Length of ${this.#length}`);
    }
    rings.file(slot, generation, file.handle, offset, length);
    this.#written = 0;
    if (this.#isBlocked()) {
      this.#isWaiting = true;
      this.#queue.done(this);
    } else {
      this.#pull();
    }
  }

  /** An empty chunk would be the end of a chunked body. */
  #writeNothing(bytes: Uint8Array): void {
    if (!isDetached(bytes)) {
      this.#pull();
      return;
    }
    this.#stopSource();
    this.#finish(new MillraceError("ERR_MILLRACE_BODY_CHANGED"));
  }

  /** Whether the socket has refused some of what was sent; then it says when it has left. */
  #isBlocked(): boolean {
    const { rings, slot, generation } = this.#outlet;
    if (rings.slots[slot * SLOT_WORDS + SLOT_UNSENT] === 0) return false;
    rings.notify(slot, generation);
    return true;
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#outlet.begin();
  }

  #end(): void {
    if (this.#length >= 0 && this.#sent < this.#length) {
      const got = `${this.#sent} of ${this.#length} bytes`;
      this.#finish(new Error(`the body is shorter than its Content-Length: ${got}`));
      return;
    }
    this.#finish(undefined);
  }

  #finish(error: unknown): void {
    this.#isDone = true;
    this.#rest = null;
    this.#onEnd(error);
    this.#queue.done(this);
  }

  /** Cancels a stream, ends a generator: its `finally` runs. */
  #stopSource(): void {
    try {
      const returned = this.#iterator?.return?.();
      if (returned !== undefined) Promise.resolve(returned).catch(() => {});
    } catch {
      // The producer's own clean-up has failed; there is nobody left to tell.
    }
  }
}

export function iteratorOf(source: object): AsyncIterator<unknown> {
  if (source instanceof Blob) return readerOf(source.stream());
  if (source instanceof ReadableStream) return readerOf(source);
  const iterator = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return source instanceof Readable ? endingAtOnce(source, iterator) : iterator;
}

/** The iterator of a Readable ends it only when its next piece has come, which may be never. */
function endingAtOnce(
  source: Readable,
  iterator: AsyncIterator<unknown>,
): AsyncIterator<unknown> {
  return {
    next: () => iterator.next(),
    return: async () => {
      source.destroy();
      return await Promise.resolve({ done: true, value: undefined });
    },
  };
}

function readerOf(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
