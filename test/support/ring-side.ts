/**
 * The other side of a worker's rings in plain memory: reads the records that JavaScript writes, as
 * native does at each flush. For tests of what writes them.
 */
import type { EngineBlocks, Native } from "../../src/native.ts";
import {
  ARENA_BYTES, CTL_REPLY_COUNT, CTL_WORDS, EVENT_MAX, EVENT_WORDS, KIND_SEND, REPLY_BODY_LENGTH,
  REPLY_BODY_OFFSET, REPLY_FLAGS, REPLY_GENERATION, REPLY_KIND, REPLY_MAX, REPLY_SLOT, REPLY_WORDS,
  SLOT_GENERATION, SLOT_UNSENT, SLOT_WORDS,
} from "../../src/shared/layout.ts";
import { Rings } from "../../src/worker/rings.ts";

const SLOTS = 64;

export interface SeenReply {
  readonly kind: number;
  readonly slot: number;
  readonly flags: number;
  readonly bytes: string;
}

export class RingSide {
  readonly rings: Rings;
  /** All records of the past flushes. */
  readonly seen: SeenReply[] = [];
  flushes = 0;
  readonly #blocks: EngineBlocks;

  constructor() {
    const words = (count: number): ArrayBuffer => new ArrayBuffer(count * 4);
    this.#blocks = {
      handle: {} as EngineBlocks["handle"],
      events: words(EVENT_MAX * EVENT_WORDS),
      replies: words(REPLY_MAX * REPLY_WORDS),
      arena: new ArrayBuffer(ARENA_BYTES),
      control: words(CTL_WORDS),
      slots: words(SLOTS * SLOT_WORDS),
      route: words(1),
    };
    const native = { engineFlush: () => this.#take() } as unknown as Native;
    this.rings = new Rings(native, this.#blocks);
    for (let slot = 0; slot < SLOTS; slot++) this.#slot(slot, SLOT_GENERATION, 1);
  }

  /** What waits for the kernel at the connection of the slot. */
  setUnsent(slot: number, bytes: number): void {
    this.#slot(slot, SLOT_UNSENT, bytes);
  }

  /** Flushes, and gives what has been seen since it was asked last. */
  take(): SeenReply[] {
    this.rings.flush();
    return this.seen.splice(0);
  }

  /** The bytes sent to a connection among these. */
  static sent(replies: readonly SeenReply[], slot: number): string {
    const own = replies.filter((each) => each.kind === KIND_SEND && each.slot === slot);
    return own.map(({ bytes }) => bytes).join("");
  }

  #slot(slot: number, field: number, value: number): void {
    new Int32Array(this.#blocks.slots)[slot * SLOT_WORDS + field] = value;
  }

  #take(): void {
    this.flushes++;
    const control = new Int32Array(this.#blocks.control);
    const replies = new Int32Array(this.#blocks.replies);
    const count = control[CTL_REPLY_COUNT]!;
    for (let at = 0; at < count * REPLY_WORDS; at += REPLY_WORDS) {
      if (replies[at + REPLY_GENERATION] !== 1) continue;
      const start = replies[at + REPLY_BODY_OFFSET]!;
      const bytes = Buffer.from(this.#blocks.arena, start, replies[at + REPLY_BODY_LENGTH]);
      this.seen.push({
        kind: replies[at + REPLY_KIND]!,
        slot: replies[at + REPLY_SLOT]!,
        flags: replies[at + REPLY_FLAGS]!,
        bytes: bytes.toString("latin1"),
      });
    }
    control[CTL_REPLY_COUNT] = 0;
  }
}
