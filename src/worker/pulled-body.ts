/**
 * A body whose pieces are asked for one by one, of whatever they are made: collected, within the
 * limit and the budget, or given as a stream that asks for no more than is read of it.
 * Thread: the engine's.
 */
import { concat, isStreamTaken, useUp } from "./body.ts";
import {
  type BodyOwner, type Chunk, FREE_BYTES, overloaded, tooLarge, unusable, unusableStream,
} from "./body-rules.ts";
import type { BodySource } from "./request-source.ts";

export abstract class PulledBody implements BodySource {
  readonly length: number;
  readonly owner: BodyOwner;
  #stream: ReadableStream<Uint8Array> | null = null;
  /** Null: it is not read whole. */
  #whole: Promise<Chunk> | null = null;
  /** Of one who minds the limits himself: somebody holds what he gives. Null: there is none. */
  #isHeld: (() => boolean) | null = null;
  /** Bytes that the pieces so far have had. */
  #passed = 0;

  constructor(length: number, owner: BodyOwner) {
    this.length = length;
    this.owner = owner;
  }

  /** The next piece, in a buffer of its own; null at the end. Rejects with what answers. */
  protected abstract next(): Promise<Chunk | null>;
  /** No more pieces are wanted. */
  protected abstract stop(): Promise<void>;
  abstract expect(): void;

  expectIfHeld(): void {
    if (this.isHeld) this.expect();
  }

  /** Somebody holds the stream. */
  get isHeld(): boolean {
    if (this.#isHeld !== null) return this.#isHeld();
    return this.#stream !== null && this.#stream.locked && this.#whole === null;
  }

  async bytes(): Promise<Chunk> {
    const stream = this.#stream;
    if (this.#whole !== null || (stream !== null && isStreamTaken(stream))) throw unusable();
    this.#whole = this.#collect();
    if (stream !== null) useUp(stream);
    return await this.#whole;
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes());
  }

  /** It counts in the budget until it is the app's. */
  async #collect(): Promise<Chunk> {
    const parts: Chunk[] = [];
    let held = 0;
    try {
      for (;;) {
        const part = await this.#nextWithin(this.owner.bodyLimits.bodyBytesMax);
        if (part === null) return parts.length === 1 ? parts[0]! : concat(parts, held);
        parts.push(part);
        held += part.length;
        if (this.owner.hold(part.length) || held <= FREE_BYTES) continue;
        await this.stop();
        throw overloaded();
      }
    } finally {
      this.owner.hold(-held);
    }
  }

  async #nextWithin(limit: number): Promise<Chunk | null> {
    const part = this.length > limit ? null : await this.next();
    this.#passed += part?.length ?? 0;
    if (Math.max(this.length, this.#passed) <= limit) return part;
    await this.stop();
    throw tooLarge(limit);
  }

  stream(): ReadableStream<Uint8Array> {
    if (this.#stream !== null) return this.#stream;
    if (this.#whole !== null) return unusableStream();
    return (this.#stream = new ReadableStream(
      {
        type: "bytes",
        pull: (controller) => this.#pull(controller),
        cancel: () => this.stop(),
      },
      { highWaterMark: 0 },
    ));
  }

  handOver(isHeld: () => boolean): ReadableStream<Uint8Array> {
    const stream = this.stream();
    if (!isStreamTaken(stream)) this.#isHeld = isHeld; // else it has its reader
    return stream;
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const part = await (this.#whole === null ? this.#nextOfStream() : this.#whole.then(() => null));
    if (part !== null) {
      controller.enqueue(part);
      return;
    }
    controller.close();
    controller.byobRequest?.respond(0);
  }

  #nextOfStream(): Promise<Chunk | null> {
    const limit = this.owner.bodyLimits.bodyStreamBytesMax;
    return this.#nextWithin(limit === 0 || this.#isHeld !== null ? Infinity : limit);
  }
}

// A byte order mark is not part of the text.
const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
