/**
 * A body that was complete when its request was: it lies in the slab, and is copied when read.
 * Thread: the engine's.
 */
import { isStreamTaken, useUp } from "./body.ts";
import { type BodyOwner, type Chunk, tooLarge, unusable, unusableStream } from "./body-rules.ts";
import type { BodySource } from "./request-source.ts";

export class ReadyBody implements BodySource {
  readonly length: number;
  readonly owner: BodyOwner;
  #slab: Buffer;
  #offset: number;
  /** It is read whole. */
  #isTaken = false;
  #isHandedOver = false;
  #stream: ReadableStream<Uint8Array> | null = null;
  readonly #hasTrailers: boolean;
  #trailers: string | null = null;

  /** `hasTrailers`: their text lies behind the body, and NUL ends it. */
  constructor(
    slab: Buffer,
    offset: number,
    length: number,
    owner: BodyOwner,
    hasTrailers: boolean,
  ) {
    this.length = length;
    this.#hasTrailers = hasTrailers;
    this.owner = owner;
    this.#slab = slab;
    this.#offset = offset;
  }

  /** How it begins, without its being read: to be looked at now. */
  beginning(bytesMax: number): Buffer {
    const end = this.#offset + Math.min(this.length, bytesMax);
    return this.#slab.subarray(this.#offset, end);
  }

  /** Lets go of the slab: a long poll must not pin it. */
  keepOwn(): void {
    this.#trailers ??= this.#trailerText();
    if (this.#offset === 0 && this.#slab.length === this.length) return; // it is already
    this.#slab = Buffer.from(this.#copy().buffer);
    this.#offset = 0;
  }

  /** The same bytes, unread. */
  again(): ReadyBody {
    this.keepOwn();
    return new ReadyBody(this.#slab, 0, this.length, this.owner, false);
  }

  fork(): [ReadyBody, ReadyBody] {
    this.#use();
    const other = this.again();
    return [other, new ReadyBody(other.#slab, 0, this.length, this.owner, false)];
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
    if (this.#stream !== null) return this.#stream;
    if (this.#isTaken) return unusableStream();
    return (this.#stream = new ReadableStream(
      {
        type: "bytes",
        start: (controller) => {
          if (this.length === 0) controller.close();
        },
        pull: (controller) => this.#pull(controller),
      },
      { highWaterMark: 0 },
    ));
  }

  handOver(): ReadableStream<Uint8Array> {
    const stream = this.stream();
    if (!isStreamTaken(stream)) this.#isHandedOver = true; // else it has its reader
    return stream;
  }

  #pull(controller: ReadableByteStreamController): void {
    const { bodyStreamBytesMax: limit } = this.owner.bodyLimits;
    if (this.#isTaken) {
      controller.close();
      controller.byobRequest?.respond(0);
    } else if (limit > 0 && this.length > limit && !this.#isHandedOver) {
      controller.error(tooLarge(limit));
    } else {
      controller.enqueue(this.#copy());
      controller.close();
    }
  }

  async trailers(): Promise<string> {
    return this.#trailers ?? this.#trailerText();
  }

  #trailerText(): string {
    if (!this.#hasTrailers) return "";
    const start = this.#offset + this.length;
    return this.#slab.toString("latin1", start, this.#slab.indexOf(0, start));
  }

  #take(): void {
    this.#use();
    const { bodyBytesMax } = this.owner.bodyLimits;
    if (this.length > bodyBytesMax) throw tooLarge(bodyBytesMax);
  }

  #use(): void {
    const stream = this.#stream;
    if (this.#isTaken || (stream !== null && isStreamTaken(stream))) throw unusable();
    this.#isTaken = true;
    if (stream !== null) useUp(stream);
  }

  #copy(): Chunk {
    const copy = new Uint8Array(this.length);
    copy.set(this.#slab.subarray(this.#offset, this.#offset + this.length));
    return copy;
  }
}
