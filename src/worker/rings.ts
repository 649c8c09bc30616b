/**
 * The memory that this thread shares with its engine: typed views over the blocks, and the reply
 * ring's writing end. native-bindings/core/layout.h says what lies where.
 *
 * A reply is complete when the count is raised, last: the thread may be terminated anywhere.
 * Thread: the engine's.
 */
import type { EngineBlocks, Handle, Native } from "../native.ts";
import {
  ARENA_BYTES,
  CTL_BODY_BYTES_F64,
  CTL_OVER_BUDGET,
  CTL_REPLY_COUNT,
  KIND_BYTES,
  KIND_CHUNK,
  KIND_END,
  KIND_FILE,
  KIND_HEAD,
  KIND_INTERIM,
  KIND_NOTHING,
  KIND_RAW,
  KIND_RESPOND,
  KIND_SEND,
  KIND_UPGRADE,
  REPLY_BODY_LENGTH,
  REPLY_BODY_OFFSET,
  REPLY_FLAGS,
  REPLY_FRAMED,
  REPLY_GENERATION,
  REPLY_HEAD_LENGTH,
  REPLY_HEAD_OFFSET,
  REPLY_KIND,
  REPLY_LENGTH,
  REPLY_LENGTH_F64,
  REPLY_MAX,
  REPLY_NOTIFY,
  REPLY_OFFSET_F64,
  REPLY_SLOT,
  REPLY_STATUS,
  REPLY_TYPE,
  REPLY_WORDS,
} from "../shared/layout.ts";
import { CHUNK_FRAME_MAX, writeChunk } from "./chunk-frame.ts";

/** Bodies up to this size are copied when the answer is made, longer ones piece by piece. */
export const COPY_BYTES_MAX = 65_536;

/** Text up to this length is written by a loop: a call into the runtime costs more. */
const LOOP_LENGTH_MAX = 48;

/**
 * Text up to this length is written once for all answers in a row that have it. A longer one counts
 * each time, so that an arena bounds what one flush may add to the output of a connection.
 */
const SHARED_LENGTH_MAX = 1024;

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Bytes of an upgraded connection that are sent at once: fewer are not worth a call. */
const SEND_BYTES_MIN = 65_536;
/**
 * With this much in the arena the end of an answer has it sent. The first of several sends wakes
 * their receiver if it sleeps, which may cost more than the send itself; much more than this does
 * not stay in the processor's cache until it is sent.
 */
const BATCH_BYTES = 262_144;

export class Rings {
  readonly events: Int32Array;
  readonly eventNumbers: Float64Array;
  readonly control: Int32Array;
  readonly #controlNumbers: Float64Array;
  readonly slots: Int32Array;
  readonly #replies: Int32Array;
  readonly #replyNumbers: Float64Array;
  readonly #arena: Uint8Array;
  readonly #arenaBuffer: Buffer;
  readonly #native: Native;
  readonly #handle: Handle;
  #used = 0;
  /** What `writeBytes` wrote last. */
  #offset = 0;
  #length = 0;
  /** The body written last and where it lies: one that is the same again is not copied. */
  #text: string | null = null;
  #textOffset = 0;
  #textLength = 0;
  /** The bytes that `sendShared` wrote last and where they lie, while they lie there. */
  #shared: Uint8Array | null = null;
  #sharedOffset = 0;

  constructor(native: Native, blocks: EngineBlocks) {
    this.#native = native;
    this.#handle = blocks.handle;
    this.events = new Int32Array(blocks.events);
    this.eventNumbers = new Float64Array(blocks.events);
    this.control = new Int32Array(blocks.control);
    this.#controlNumbers = new Float64Array(blocks.control);
    this.slots = new Int32Array(blocks.slots);
    this.#replies = new Int32Array(blocks.replies);
    this.#replyNumbers = new Float64Array(blocks.replies);
    this.#arena = new Uint8Array(blocks.arena);
    this.#arenaBuffer = Buffer.from(blocks.arena);
  }

  /**
   * So many more bytes of bodies, or fewer, wait here for their readers. Returns how many do; none
   * may if native holds too much by itself.
   */
  hold(bytes: number): number {
    const held = (this.#controlNumbers[CTL_BODY_BYTES_F64 >> 1]! += bytes);
    return this.control[CTL_OVER_BUDGET] === 0 ? held : Infinity;
  }

  /** In bytes, of the text that `respondText` wrote last. */
  get textLength(): number {
    return this.#textLength;
  }

  /** Native sends all replies now. */
  flush(): void {
    this.#native.engineFlush(this.#handle);
    this.#empty();
  }

  /** A whole answer with a text of at most COPY_BYTES_MAX bytes. */
  respondText(
    slot: number,
    generation: number,
    flags: number,
    status: number,
    type: number,
    lines: string,
    body: string,
  ): void {
    const at = this.#begin(lines.length + body.length * 3);
    const replies = this.#replies;
    replies[at + REPLY_KIND] = KIND_RESPOND;
    replies[at + REPLY_SLOT] = slot;
    replies[at + REPLY_GENERATION] = generation;
    replies[at + REPLY_FLAGS] = flags;
    replies[at + REPLY_STATUS] = status;
    replies[at + REPLY_TYPE] = type;
    this.#writeLines(at, lines);
    if (body !== this.#text) this.#writeText(body);
    else if (body.length > SHARED_LENGTH_MAX) this.#writeText(body);
    replies[at + REPLY_BODY_OFFSET] = this.#textOffset;
    replies[at + REPLY_BODY_LENGTH] = this.#textLength;
    this.#commit();
  }

  /** A whole answer with at most COPY_BYTES_MAX bytes. */
  respondBytes(
    slot: number,
    generation: number,
    flags: number,
    status: number,
    type: number,
    lines: string,
    body: Uint8Array,
  ): void {
    const at = this.#begin(lines.length + body.length);
    const replies = this.#replies;
    this.#put(at, KIND_RESPOND, slot, generation, flags);
    replies[at + REPLY_STATUS] = status;
    replies[at + REPLY_TYPE] = type;
    this.#writeLines(at, lines);
    this.#writeBytes(body);
    replies[at + REPLY_BODY_OFFSET] = this.#offset;
    replies[at + REPLY_BODY_LENGTH] = this.#length;
    this.#commit();
  }

  /** A whole answer without a body; `length`: what it says of one, -1: nothing. */
  respondEmpty(
    slot: number,
    generation: number,
    flags: number,
    status: number,
    type: number,
    lines: string,
    length: number,
  ): void {
    const known = flags | REPLY_LENGTH; // also that there is none: else the body's would count
    this.#putHead(KIND_RESPOND, slot, generation, known, status, type, lines, length);
  }

  /** An interim answer (RFC 9110 15.2). */
  interim(slot: number, generation: number, status: number, lines: string): void {
    const at = this.#begin(lines.length);
    this.#put(at, KIND_INTERIM, slot, generation, 0);
    this.#replies[at + REPLY_STATUS] = status;
    this.#writeLines(at, lines);
    this.#commit();
  }

  /** The head of an answer that comes in pieces; `length` -1: unknown. Returns where it lies. */
  head(
    slot: number,
    generation: number,
    flags: number,
    status: number,
    type: number,
    lines: string,
    length: number,
  ): number {
    return this.#putHead(KIND_HEAD, slot, generation, flags, status, type, lines, length);
  }

  /** An answer whose head is among its pieces; `status`: for the logs. */
  raw(slot: number, generation: number, flags: number, status: number): void {
    const at = this.#begin(0);
    this.#put(at, KIND_RAW, slot, generation, flags);
    this.#replies[at + REPLY_STATUS] = status;
    this.#commit();
  }

  #putHead(
    kind: number,
    slot: number,
    generation: number,
    flags: number,
    status: number,
    type: number,
    lines: string,
    length: number,
  ): number {
    const at = this.#begin(lines.length);
    const replies = this.#replies;
    this.#put(at, kind, slot, generation, length < 0 ? flags : flags | REPLY_LENGTH);
    replies[at + REPLY_STATUS] = status;
    replies[at + REPLY_TYPE] = type;
    this.#replyNumbers[(at + REPLY_LENGTH_F64) >> 1] = length;
    this.#writeLines(at, lines);
    this.#commit();
    return at;
  }

  /**
   * Takes back the answer whose head lies at `at`, if native has seen none of it yet. The record
   * tells: once native has taken it, the count begins anew and others are written over it.
   */
  retract(at: number, slot: number, generation: number): boolean {
    const replies = this.#replies;
    const end = this.control[CTL_REPLY_COUNT]! * REPLY_WORDS;
    const isIts = (record: number): boolean =>
      replies[record + REPLY_SLOT] === slot && replies[record + REPLY_GENERATION] === generation;
    if (at >= end || replies[at + REPLY_KIND] !== KIND_HEAD || !isIts(at)) return false;
    for (let record = at; record < end; record += REPLY_WORDS) {
      const kind = replies[record + REPLY_KIND];
      if (isIts(record) && (kind === KIND_HEAD || kind === KIND_CHUNK || kind === KIND_FILE)) {
        replies[record + REPLY_KIND] = KIND_NOTHING;
      }
    }
    return true;
  }

  /**
   * A piece of a body, at most COPY_BYTES_MAX bytes. `isChunked`: framed as a chunk (RFC 9112 7.1).
   * `notify`: a writable event is to follow. Pieces of one body in a row share one record, so that
   * native sends them from here in one go.
   */
  chunk(
    slot: number,
    generation: number,
    bytes: Uint8Array,
    isChunked: boolean,
    notify: boolean,
  ): void {
    const room = bytes.length + CHUNK_FRAME_MAX;
    let at = this.#openPiece(KIND_CHUNK, slot, generation, room);
    if (at < 0) {
      at = this.#begin(room);
      this.#put(at, KIND_CHUNK, slot, generation, 0);
      this.#replies[at + REPLY_BODY_OFFSET] = this.#used;
      this.#commit();
    }
    const start = this.#used;
    if (isChunked) this.#used = writeChunk(this.#arena, this.#used, bytes);
    else this.#writeBytes(bytes);
    this.#replies[at + REPLY_BODY_LENGTH]! += this.#used - start;
    if (notify) this.#replies[at + REPLY_FLAGS] = REPLY_NOTIFY;
  }

  /** A piece of a body from where it lies, sent at once; what the socket leaves is copied. */
  bytes(
    slot: number,
    generation: number,
    bytes: Uint8Array,
    isChunked: boolean,
    notify: boolean,
  ): void {
    const flags = (isChunked ? REPLY_FRAMED : 0) | (notify ? REPLY_NOTIFY : 0);
    this.#put(this.#begin(0), KIND_BYTES, slot, generation, flags);
    this.#commit();
    this.#native.engineFlushBytes(this.#handle, bytes);
    this.#empty();
  }

  /** A piece of a body from an open file; sent at once, as far as the socket takes it. */
  file(slot: number, generation: number, file: Handle, offset: number, length: number): void {
    const at = this.#begin(0);
    this.#put(at, KIND_FILE, slot, generation, 0);
    this.#replyNumbers[(at + REPLY_OFFSET_F64) >> 1] = offset;
    this.#replyNumbers[(at + REPLY_LENGTH_F64) >> 1] = length;
    this.#commit();
    this.#native.engineFlushFile(this.#handle, file);
    this.#empty();
  }

  /** A writable event follows when the socket has taken all that was written so far. */
  notify(slot: number, generation: number): void {
    const at = this.#begin(0);
    this.#put(at, KIND_CHUNK, slot, generation, REPLY_NOTIFY);
    this.#replies[at + REPLY_BODY_OFFSET] = this.#used;
    this.#commit();
  }

  /**
   * The end of an answer in pieces, with the last chunk (RFC 9112 7.1) in the same send.
   * `trailers`: the lines behind it. `flags` REPLY_CLOSE: the connection ends with it.
   */
  end(slot: number, generation: number, isChunked: boolean, trailers = "", flags = 0): void {
    if (isChunked) {
      const last = trailers === "" ? LAST_CHUNK : Buffer.from(`0\r\n${trailers}\r\n`, "latin1");
      this.chunk(slot, generation, last, false, false);
    }
    this.signal(KIND_END, slot, generation, flags);
    if (this.#used >= BATCH_BYTES) this.flush();
  }

  /** The head behind which a connection speaks another protocol. */
  upgrade(
    slot: number,
    generation: number,
    flags: number,
    status: number,
    lines: string,
  ): void {
    const at = this.#begin(lines.length);
    this.#put(at, KIND_UPGRADE, slot, generation, flags);
    this.#replies[at + REPLY_STATUS] = status;
    this.#replies[at + REPLY_TYPE] = 0;
    this.#writeLines(at, lines);
    this.#commit();
  }

  /** Bytes of an upgraded connection, at most COPY_BYTES_MAX. Those in a row share a record. */
  send(slot: number, generation: number, bytes: Uint8Array): void {
    const { length } = bytes;
    let at = this.#openPiece(KIND_SEND, slot, generation, length);
    if (at < 0) {
      at = this.#begin(length);
      this.#put(at, KIND_SEND, slot, generation, 0);
      this.#replies[at + REPLY_BODY_OFFSET] = this.#used;
      this.#commit();
    }
    this.#writeBytes(bytes);
    this.#replies[at + REPLY_BODY_LENGTH]! += length;
    // Sent while the processor's cache still has it.
    if (length >= SEND_BYTES_MIN) this.flush();
  }

  /** The same bytes for many connections in a row, which lie in the arena once. */
  sendShared(slot: number, generation: number, bytes: Uint8Array): void {
    const isThere = bytes === this.#shared && this.control[CTL_REPLY_COUNT] !== 0;
    const at = this.#begin(isThere ? 0 : bytes.length);
    if (this.#shared !== bytes) {
      this.#writeBytes(bytes);
      this.#shared = bytes;
      this.#sharedOffset = this.#offset;
    }
    this.#put(at, KIND_SEND, slot, generation, 0);
    this.#replies[at + REPLY_BODY_OFFSET] = this.#sharedOffset;
    this.#replies[at + REPLY_BODY_LENGTH] = bytes.length;
    this.#commit();
  }

  /** Nobody sends these any more: they may change from now on. */
  endShared(): void {
    this.#shared = null;
  }

  /** A writable event follows when the kernel has taken all that was sent so far. */
  notifySent(slot: number, generation: number): void {
    let at = this.#openPiece(KIND_SEND, slot, generation, 0);
    if (at < 0) {
      at = this.#begin(0);
      this.#put(at, KIND_SEND, slot, generation, 0);
      this.#replies[at + REPLY_BODY_OFFSET] = this.#used;
      this.#commit();
    }
    this.#replies[at + REPLY_FLAGS] = REPLY_NOTIFY;
  }

  /** Replies wait to be sent. */
  get isFilled(): boolean {
    return this.control[CTL_REPLY_COUNT] !== 0;
  }

  /** The last record, if it is of this kind and connection and ends where the arena does. */
  #openPiece(kind: number, slot: number, generation: number, room: number): number {
    const at = (this.control[CTL_REPLY_COUNT]! - 1) * REPLY_WORDS;
    const replies = this.#replies;
    return at >= 0 &&
      replies[at + REPLY_KIND] === kind &&
      replies[at + REPLY_SLOT] === slot &&
      replies[at + REPLY_GENERATION] === generation &&
      (replies[at + REPLY_BODY_OFFSET]! + replies[at + REPLY_BODY_LENGTH]!) === this.#used &&
      this.#used + room <= ARENA_BYTES
      ? at
      : -1;
  }

  /**
   * A record without bytes: abort and finish with their flags; and pause, resume, continue of the
   * body whose sequence number stands in their place, and clocks with their value.
   */
  signal(kind: number, slot: number, generation: number, flags = 0, value = 0): void {
    const at = this.#begin(0);
    this.#put(at, kind, slot, generation, flags);
    this.#replies[at + REPLY_STATUS] = value;
    this.#commit();
  }

  /** Where the next record goes, with `bytes` of room in the arena. */
  #begin(bytes: number): number {
    const count = this.control[CTL_REPLY_COUNT]!;
    // Native has sent everything since the last record.
    if (count === 0) this.#empty();
    if (count === REPLY_MAX || this.#used + bytes > ARENA_BYTES) {
      this.flush();
      return 0;
    }
    return count * REPLY_WORDS;
  }

  #empty(): void {
    this.#used = 0;
    this.#text = null;
    this.#shared = null;
  }

  #put(at: number, kind: number, slot: number, generation: number, flags: number): void {
    const replies = this.#replies;
    replies[at + REPLY_KIND] = kind;
    replies[at + REPLY_SLOT] = slot;
    replies[at + REPLY_GENERATION] = generation;
    replies[at + REPLY_FLAGS] = flags;
    replies[at + REPLY_HEAD_LENGTH] = 0;
    replies[at + REPLY_BODY_LENGTH] = 0;
  }

  #commit(): void {
    this.control[CTL_REPLY_COUNT]!++;
  }

  #writeLines(at: number, lines: string): void {
    this.#replies[at + REPLY_HEAD_OFFSET] = this.#used;
    this.#replies[at + REPLY_HEAD_LENGTH] = lines.length;
    if (lines.length === 0) return;
    this.#arenaBuffer.write(lines, this.#used, "latin1");
    this.#used += lines.length;
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#arena.set(bytes, this.#used);
    this.#offset = this.#used;
    this.#length = bytes.length;
    this.#used += bytes.length;
  }

  #writeText(text: string): void {
    const start = this.#used;
    const length = text.length;
    this.#text = text;
    this.#textOffset = start;
    if (length <= LOOP_LENGTH_MAX && this.#writeAscii(text, start)) {
      this.#textLength = length;
    } else {
      this.#textLength = this.#arenaBuffer.write(text, start);
    }
    this.#used = start + this.#textLength;
  }

  #writeAscii(text: string, start: number): boolean {
    const arena = this.#arena;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      arena[start + i] = code;
    }
    return true;
  }
}
