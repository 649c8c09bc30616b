/**
 * A body that was complete when its request was: it lies in the slab, and is copied when read.
 * Thread: the engine's.
 */
import { type BodyOwner, type Chunk, tooLarge, unusable, unusableStream } from "./body-rules.ts";
import type { BodySource } from "./request-source.ts";

export class ReadyBody implements BodySource {
  readonly length: number;
  readonly #owner: BodyOwner;
  #slab: Buffer;
  #offset: number;
  #isTaken = false;
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
    this.#owner = owner;
    this.#slab = slab;
    this.#offset = offset;
  }

  get bytesMax(): number {
    return this.#owner.bodyLimits.bodyBytesMax;
  }

  /** How it begins, without its being read: to be looked at now. */
  beginning(bytesMax: number): Buffer {
    const end = this.#offset + Math.min(this.length, bytesMax);
    return this.#slab.subarray(this.#offset, end);
  }

  /** Lets go of the slab: a long poll must not pin it. */
  keepOwn(): void {
    this.#trailers ??= this.#trailerText();
    this.#slab = Buffer.from(this.#copy().buffer);
    this.#offset = 0;
  }

  /** The same bytes, unread. */
  again(): ReadyBody {
    this.keepOwn();
    return new ReadyBody(this.#slab, 0, this.length, this.#owner, false);
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
        const limit = this.#owner.bodyLimits.bodyStreamBytesMax;
        if (limit > 0 && this.length > limit) {
          controller.error(tooLarge(limit));
          return;
        }
        if (this.length > 0) controller.enqueue(this.#copy());
        controller.close();
      },
    });
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
    if (this.#isTaken) throw unusable();
    this.#isTaken = true;
    const { bytesMax } = this;
    if (this.length > bytesMax) throw tooLarge(bytesMax);
  }

  #copy(): Chunk {
    const copy = new Uint8Array(this.length);
    copy.set(this.#slab.subarray(this.#offset, this.#offset + this.length));
    return copy;
  }
}
