/**
 * The body of a request as it arrives. What nobody has asked for yet is kept up to a bound, then
 * reading from the socket stops; a reader that is slower than the peer stops it likewise.
 *
 * The stream pulls nothing ahead (its high water mark is 0): to look at `request.body` is not to
 * read it, and a client that waits for 100 is told to go on only by a read.
 *
 * Every buffer that leaves here is the app's alone: slab memory is copied, never shown.
 * Thread: the engine's.
 */
import { HttpError } from "../shared/errors.ts";
import { isStreamTaken, useUp } from "./body.ts";
import {
  type BodyOwner, type Chunk, FREE_BYTES, overloaded, tooLarge, unusable, unusableStream,
} from "./body-rules.ts";
import type { BodyTap } from "./body-tap.ts";
import type { BodySource } from "./request-source.ts";

/** Bytes kept for a reader before the peer has to wait. */
const QUEUE_BYTES_MAX = 65_536;

/** A body of a known length up to here is collected in one buffer, made when it is asked for. */
const WHOLE_BYTES_MAX = 16 << 20;

/** What a body needs of its connection. */
export interface BodyFlow extends BodyOwner {
  pauseBody(): void;
  resumeBody(): void;
  /** The body is read for the first time: a client that waits for 100 gets it. */
  expectBody(): void;
}

interface Collecting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Memory that is not cleared first: all of it is written before anybody sees it. */
function makeChunk(length: number): Chunk {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

export class RequestBody implements BodySource {
  readonly length: number;
  readonly owner: BodyFlow;
  #chunks: Chunk[] = [];
  #queued = 0;
  /** What the worker's budget counts of it. */
  #held = 0;
  #received = 0;
  #ended = false;
  #error: unknown = null;
  #isPaused = false;
  /** A client that waits for 100 has been told. */
  #isExpected = false;
  #collecting: Collecting<Chunk> | null = null;
  /** Where a body of known length is collected; what has come of it is `#received`. */
  #whole: Chunk | null = null;
  #stream: ReadableStream<Uint8Array> | null = null;
  #controller: ReadableByteStreamController | null = null;
  /** A reader of the stream waits for a chunk. */
  #isWanted = false;
  #isDropped = false;
  /** It is read whole. */
  #isTaken = false;
  /** Of one who minds the limits himself: somebody holds what he gives. Null: there is none. */
  #isHeld: (() => boolean) | null = null;
  /** Null unless the listener shows bodies in its log. */
  tap: BodyTap | null = null;
  #trailerText = "";
  #trailers: { promise: Promise<string>; settle: Collecting<string> } | null = null;

  constructor(length: number, flow: BodyFlow) {
    this.length = length;
    this.owner = flow;
  }

  /** Bytes that have come so far. */
  get bytesReceived(): number {
    return this.#received;
  }

  // What the engine tells.

  /** A piece has come; it is copied. */
  push(from: Uint8Array, offset: number, length: number): void {
    if (this.#isDropped || this.#error !== null) return;
    const piece = from.subarray(offset, offset + length);
    if (this.#whole !== null) {
      this.#fill(piece);
      return;
    }
    const copy = makeChunk(length);
    copy.set(piece);
    this.give(copy);
  }

  /** A piece that is the body's already. */
  give(chunk: Chunk): void {
    if (this.#isDropped || this.#error !== null) return;
    if (this.#whole !== null) {
      this.#fill(chunk);
      return;
    }
    this.#received += chunk.length;
    this.tap?.piece(chunk);
    if (this.#collecting !== null) this.#collect(chunk);
    else if (this.#isWanted) this.#feed(chunk);
    else this.#keep(chunk);
  }

  /** Into the buffer that a body of known length is collected in. */
  #fill(piece: Uint8Array): void {
    this.#whole!.set(piece, this.#received);
    this.#received += piece.length;
    this.tap?.piece(piece);
  }

  #collect(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    const { bodyBytesMax } = this.owner.bodyLimits;
    if (this.#queued > bodyBytesMax) this.fail(tooLarge(bodyBytesMax));
    else this.#weigh();
  }

  #feed(chunk: Chunk): void {
    this.#isWanted = false;
    if (!this.#isTooLong()) this.#controller!.enqueue(chunk);
  }

  /** True: the stream has failed, for it gives no more than it may. */
  #isTooLong(): boolean {
    const limit = this.owner.bodyLimits.bodyStreamBytesMax;
    const length = Math.max(this.length, this.#received);
    if (limit === 0 || length <= limit || this.#isHeld !== null) return false;
    const error = tooLarge(limit);
    this.fail(error);
    this.#endStream(error); // also if all of it has come
    return true;
  }

  #keep(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    this.#weigh();
    if (this.#queued >= QUEUE_BYTES_MAX) this.#pause();
  }

  /** `trailers`: the text of those that came behind it. */
  end(trailers = ""): void {
    this.#ended = true;
    this.tap?.end(true);
    this.#trailerText = trailers;
    this.#trailers?.settle.resolve(trailers);
    if (this.#collecting !== null) this.#deliver();
    if (this.#chunks.length === 0) this.#endStream(null);
  }

  /** Its readers, also later ones, reject with this. */
  fail(error: unknown): void {
    if (this.#error !== null || this.#ended) return;
    this.#error = error;
    this.tap?.end(false);
    // What still comes is of no use; once the request has been answered native drops it.
    if (!this.#isDropped) this.#pause();
    this.#chunks = [];
    this.#queued = 0;
    this.#whole = null;
    this.#trailers?.settle.reject(error);
    this.#collecting?.reject(error);
    this.#collecting = null;
    this.#endStream(error);
    this.#weigh();
  }

  /** The request has been answered: what still comes is nobody's. */
  drop(): void {
    if (this.#ended || this.#isDropped) return;
    this.#isDropped = true;
    this.fail(new HttpError(400, "the body was not read before the answer was complete"));
  }

  /** A client that waits for 100 gets it. */
  expect(): void {
    if (this.#isExpected) return;
    this.#isExpected = true;
    this.owner.expectBody();
  }

  /** An answer begins: a 100 for whoever holds the stream's reader must come before its head. */
  expectIfHeld(): void {
    if (this.#isHeld !== null ? this.#isHeld() : this.#isStreamHeld()) this.expect();
  }

  #isStreamHeld(): boolean {
    return this.#stream !== null && this.#stream.locked && !this.#isTaken;
  }

  // What readers call.

  async bytes(): Promise<Chunk> {
    const stream = this.#stream;
    if (this.#isTaken || (stream !== null && isStreamTaken(stream))) throw unusable();
    this.#isTaken = true;
    if (stream !== null) useUp(stream);
    const { bodyBytesMax } = this.owner.bodyLimits;
    const isTooLong = this.length > bodyBytesMax || this.#queued > bodyBytesMax;
    const error = isTooLong ? tooLarge(bodyBytesMax) : this.#error;
    if (error !== null) {
      this.#endStream(error);
      throw error;
    }
    const whole = new Promise<Chunk>((resolve, reject) => {
      this.#collecting = { resolve, reject };
    });
    if (this.#ended) {
      this.#deliver();
    } else {
      if (this.length >= 0 && this.length <= WHOLE_BYTES_MAX) this.#makeWhole();
      this.#wantMore();
    }
    return await whole;
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes());
  }

  /** Once all of the body has come; rejects if that will never be. */
  trailers(): Promise<string> {
    if (this.#ended) return Promise.resolve(this.#trailerText);
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#trailers === null) {
      let settle!: Collecting<string>;
      const promise = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
      this.#trailers = { promise, settle };
    }
    return this.#trailers.promise;
  }

  stream(): ReadableStream<Uint8Array> {
    if (this.#stream !== null) return this.#stream;
    if (this.#isTaken) return unusableStream();
    return (this.#stream = new ReadableStream(
      {
        type: "bytes",
        start: (controller) => this.#startStream(controller),
        pull: () => this.#pull(),
        cancel: () => this.#cancel(),
      },
      { highWaterMark: 0 },
    ));
  }

  handOver(isHeld: () => boolean): ReadableStream<Uint8Array> {
    const stream = this.stream();
    if (!isStreamTaken(stream)) this.#isHeld = isHeld; // else it has its reader
    return stream;
  }

  #startStream(controller: ReadableByteStreamController): void {
    this.#controller = controller;
    if (this.#error !== null || (this.#ended && this.#chunks.length === 0)) {
      this.#endStream(this.#error);
    }
  }

  /** Called when a read waits, and by nothing else. */
  #pull(): void {
    const controller = this.#controller;
    if (controller === null || this.#isTaken || this.#isTooLong()) return;
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      this.#isWanted = true;
      this.#wantMore();
      return;
    }
    this.#queued -= chunk.length;
    this.#weigh();
    controller.enqueue(chunk);
    if (this.#chunks.length > 0) return;
    if (this.#ended) this.#endStream(null);
    else this.#wantMore();
  }

  /** Null: all of it has been read. */
  #endStream(error: unknown): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#controller = null;
    if (error !== null) {
      controller.error(error);
      return;
    }
    controller.close();
    // A reader that waits with a buffer of its own (BYOB) is told by an empty answer.
    controller.byobRequest?.respond(0);
  }

  #cancel(): void {
    this.#controller = null;
    this.#pause();
    this.drop();
  }

  #makeWhole(): void {
    const whole = makeChunk(this.length);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    this.#whole = whole;
    this.#weigh();
  }

  #wantMore(): void {
    if (this.#ended || this.#error !== null) return;
    this.expect();
    this.#resume();
  }

  #deliver(): void {
    const collecting = this.#collecting!;
    this.#collecting = null;
    const whole = this.#whole ?? this.#joined();
    this.#chunks = [];
    this.#queued = 0;
    this.#whole = null;
    this.#weigh();
    this.#endStream(null);
    collecting.resolve(whole);
  }

  #joined(): Chunk {
    const chunks = this.#chunks;
    if (chunks.length === 1) return chunks[0]!;
    const whole = makeChunk(this.#queued);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  /**
   * What waits here counts in the budget of the worker. If that holds too much, a large body that
   * is being collected is given up; others are bounded already.
   */
  #weigh(): void {
    const now = this.#whole === null ? this.#queued : this.#whole.length;
    const more = now - this.#held;
    this.#held = now;
    if (more === 0 || this.owner.hold(more)) return;
    if (more > 0 && now > FREE_BYTES && this.#collecting !== null) this.fail(overloaded());
  }

  #pause(): void {
    if (this.#isPaused || this.#ended) return;
    this.#isPaused = true;
    this.owner.pauseBody();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.owner.resumeBody();
  }
}

// `ignoreBOM: false` drops a byte order mark, as the Fetch standard asks for.
const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
