/**
 * The body of a request as it arrives. What nobody has asked for yet is kept up to a bound, then
 * reading from the socket stops; a reader that is slower than the peer stops it likewise.
 *
 * Every buffer that leaves here is the app's alone: slab memory is copied, never shown.
 * Thread: the engine's.
 */
import { HttpError } from "../shared/errors.ts";
import type { BodySource } from "./request-source.ts";

/** Bytes kept for a reader before the peer has to wait. */
const QUEUE_BYTES_MAX = 65_536;

/** What a body needs of its connection. */
export interface BodyFlow {
  pauseBody(): void;
  resumeBody(): void;
  /** The body is read for the first time: a client that waits for 100 gets it. */
  expectBody(): void;
}

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodyStreamBytesMax: number;
}

type Chunk = Uint8Array<ArrayBuffer>;

interface Collecting {
  resolve(bytes: Chunk): void;
  reject(error: unknown): void;
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `the body is longer than ${limit} bytes`, {
    close: true,
    code: "ERR_MILLRACE_BODY_TOO_LARGE",
  });
}

/** `context.next()` makes a second Request of the same body: it cannot be read twice either. */
function unusable(): TypeError {
  return new TypeError("Body is unusable: it has already been read");
}

function unusableStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(unusable()) });
}

/** A reader that waits with a buffer of its own (BYOB) is told of the end by an empty answer. */
function closeStream(controller: ReadableByteStreamController): void {
  controller.close();
  controller.byobRequest?.respond(0);
}

export class RequestBody implements BodySource {
  readonly length: number;
  readonly bytesMax: number;
  readonly #flow: BodyFlow;
  readonly #limits: BodyLimits;
  #chunks: Chunk[] = [];
  #queued = 0;
  #received = 0;
  #ended = false;
  #error: unknown = null;
  #isPaused = false;
  /** A client that waits for 100 has been told. */
  #isExpected = false;
  #collecting: Collecting | null = null;
  #controller: ReadableByteStreamController | null = null;
  #isDropped = false;
  #isTaken = false;

  constructor(length: number, flow: BodyFlow, limits: BodyLimits) {
    this.length = length;
    this.bytesMax = limits.bodyBytesMax;
    this.#flow = flow;
    this.#limits = limits;
  }

  // What the engine tells.

  push(chunk: Chunk): void {
    if (this.#isDropped || this.#error !== null) return;
    this.#received += chunk.length;
    const limit = this.#limits.bodyStreamBytesMax;
    if (this.#controller !== null) {
      if (limit > 0 && this.#received > limit) {
        this.fail(tooLarge(limit));
        return;
      }
      this.#controller.enqueue(chunk);
      if ((this.#controller.desiredSize ?? 0) <= 0) this.#pause();
      return;
    }
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    if (this.#collecting === null) {
      if (this.#queued >= QUEUE_BYTES_MAX) this.#pause();
    } else if (this.#queued > this.#limits.bodyBytesMax) {
      this.fail(tooLarge(this.#limits.bodyBytesMax));
    }
  }

  end(): void {
    this.#ended = true;
    if (this.#collecting !== null) this.#deliver();
    if (this.#controller !== null) closeStream(this.#controller);
    this.#controller = null;
  }

  /** Its readers, also later ones, reject with this. */
  fail(error: unknown): void {
    if (this.#error !== null || this.#ended) return;
    this.#error = error;
    this.#chunks = [];
    this.#collecting?.reject(error);
    this.#collecting = null;
    this.#controller?.error(error);
    this.#controller = null;
  }

  /** The request has been answered: what still comes is nobody's. */
  drop(): void {
    if (this.#ended || this.#isDropped) return;
    this.#isDropped = true;
    this.fail(new HttpError(400, "the body was not read before the answer was complete"));
  }

  // What readers call.

  async bytes(): Promise<Chunk> {
    if (this.#isTaken) throw unusable();
    this.#isTaken = true;
    const limit = this.#limits.bodyBytesMax;
    if (this.length > limit || this.#queued > limit) throw tooLarge(limit);
    if (this.#error !== null) throw this.#error;
    const whole = new Promise<Chunk>((resolve, reject) => {
      this.#collecting = { resolve, reject };
    });
    if (this.#ended) this.#deliver();
    else this.#wantMore();
    return await whole;
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes());
  }

  stream(): ReadableStream<Uint8Array> {
    if (this.#isTaken) return unusableStream();
    this.#isTaken = true;
    return new ReadableStream(
      {
        type: "bytes",
        start: (controller) => this.#startStream(controller),
        pull: () => this.#wantMore(),
        cancel: () => {
          this.#controller = null;
          this.drop();
          this.#resume();
        },
      },
      { highWaterMark: QUEUE_BYTES_MAX },
    );
  }

  #startStream(controller: ReadableByteStreamController): void {
    const limit = this.#limits.bodyStreamBytesMax;
    if (limit > 0 && (this.length > limit || this.#received > limit)) {
      this.fail(tooLarge(limit));
    }
    if (this.#error !== null) {
      controller.error(this.#error);
      return;
    }
    for (const chunk of this.#chunks) controller.enqueue(chunk);
    this.#chunks = [];
    this.#queued = 0;
    if (this.#ended) {
      controller.close();
      return;
    }
    this.#controller = controller;
    // Before the answer's head, which may come before the first pull: a 100 cannot follow it.
    this.#flow.expectBody();
  }

  #wantMore(): void {
    if (this.#ended) return;
    if (!this.#isExpected) this.#flow.expectBody();
    this.#isExpected = true;
    this.#resume();
  }

  #deliver(): void {
    const collecting = this.#collecting!;
    this.#collecting = null;
    const chunks = this.#chunks;
    this.#chunks = [];
    if (chunks.length === 1) {
      collecting.resolve(chunks[0]!);
      return;
    }
    const whole = new Uint8Array(this.#queued);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    collecting.resolve(whole);
  }

  #pause(): void {
    if (this.#isPaused || this.#ended) return;
    this.#isPaused = true;
    this.#flow.pauseBody();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow.resumeBody();
  }
}

// `ignoreBOM: false` drops a byte order mark, as the Fetch standard asks for.
const decoder = new TextDecoder("utf-8", { ignoreBOM: false });

/** A body that was complete when its request was: it lies in the slab, and is copied when read. */
export class ReadyBody implements BodySource {
  readonly length: number;
  readonly bytesMax: number;
  readonly #limits: BodyLimits;
  #slab: Buffer;
  #offset: number;
  #isTaken = false;

  constructor(slab: Buffer, offset: number, length: number, limits: BodyLimits) {
    this.length = length;
    this.bytesMax = limits.bodyBytesMax;
    this.#limits = limits;
    this.#slab = slab;
    this.#offset = offset;
  }

  /** Lets go of the slab: a long poll must not pin it. */
  keepOwn(): void {
    this.#slab = Buffer.from(this.#copy().buffer);
    this.#offset = 0;
  }

  async bytes(): Promise<Chunk> {
    this.#take();
    return this.#copy();
  }

  async text(): Promise<string> {
    return this.textNow();
  }

  textNow(): string {
    this.#take();
    const start = this.#offset;
    const slab = this.#slab;
    // A byte order mark is not part of the text.
    const marked =
      this.length >= 3 &&
      slab[start] === 0xef && slab[start + 1] === 0xbb && slab[start + 2] === 0xbf;
    return slab.toString("utf8", marked ? start + 3 : start, start + this.length);
  }

  stream(): ReadableStream<Uint8Array> {
    if (this.#isTaken) return unusableStream();
    this.#isTaken = true;
    return new ReadableStream({
      type: "bytes",
      start: (controller) => {
        const limit = this.#limits.bodyStreamBytesMax;
        if (limit > 0 && this.length > limit) {
          controller.error(tooLarge(limit));
          return;
        }
        if (this.length > 0) controller.enqueue(this.#copy());
        controller.close();
      },
    });
  }

  #take(): void {
    if (this.#isTaken) throw unusable();
    this.#isTaken = true;
    if (this.length > this.bytesMax) throw tooLarge(this.bytesMax);
  }

  #copy(): Chunk {
    const copy = new Uint8Array(this.length);
    copy.set(this.#slab.subarray(this.#offset, this.#offset + this.length));
    return copy;
  }
}
