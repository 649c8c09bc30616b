/**
 * What stands between a socket and the receiver of `ws`: it follows the lengths of the frames,
 * nothing else, and keeps two costs off that a peer could cause with little effort.
 *
 * - The receiver keeps a list of what has come of a frame and takes from its front: a frame of
 *   250,000 pieces of one byte costs it a minute. So pieces in the middle of a frame are joined.
 * - Parts of a fragmented message are views of what they came in, and would hold all of that until
 *   the message is complete. So each of them is copied.
 *
 * Thread: the engine's.
 */
import type { Receiver } from "./ws-package.ts";

/** Pieces shorter than this are joined, up to so many bytes. */
const SHORT_BYTES = 16_384;
const JOINED_BYTES = 65_536;

const FIN = 0x80;
const OPCODE = 0x0f;
const MASK = 0x80;
const MASK_BYTES = 4;

export class WebSocketInput {
  readonly #receiver: Receiver;
  /** Bytes of the present frame that are still to come; between frames 0. */
  #left = 0;
  /** Of a frame whose head has not come whole: how much of it has, and is needed. */
  #headBytes = 0;
  #headNeeded = 2;
  #first = 0;
  #lengthEnd = 2;
  #length = 0;
  #joined: Buffer | null = null;
  #joinedBytes = 0;
  /** A Close frame or an error: the receiver takes no more. */
  isOver = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** False: the receiver emits `drain` when it can take more. The chunk is given away. */
  take(chunk: Buffer): boolean {
    if (this.isOver) return true;
    if (chunk.length < this.#left && chunk.length < SHORT_BYTES) {
      const canTake = this.#join(chunk);
      this.#left -= chunk.length;
      return canTake;
    }
    this.#writeJoined();
    return this.#scan(chunk);
  }

  #join(chunk: Buffer): boolean {
    let canTake = true;
    if (this.#joined !== null && this.#joinedBytes + chunk.length > this.#joined.length) {
      canTake = this.#writeJoined();
    }
    this.#joined ??= Buffer.allocUnsafeSlow(Math.min(this.#left, JOINED_BYTES));
    this.#joined.set(chunk, this.#joinedBytes);
    this.#joinedBytes += chunk.length;
    return canTake;
  }

  #writeJoined(): boolean {
    const joined = this.#joined;
    if (joined === null) return true;
    this.#joined = null;
    const bytes = joined.subarray(0, this.#joinedBytes);
    this.#joinedBytes = 0;
    return this.#write(bytes);
  }

  /** Frame by frame, to know where the last one ends; fragments are written one by one. */
  #scan(chunk: Buffer): boolean {
    let written = 0;
    let start = 0;
    let canTake = true;
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) {
        if (this.#headBytes === 0) start = at;
        at = this.#readHead(chunk, at);
      } else {
        const end = Math.min(at + this.#left, chunk.length);
        this.#left -= end - at;
        at = end;
      }
      const hasEnded = this.#left === 0 && this.#headBytes === 0;
      if (!hasEnded || !this.#isFragment()) continue;
      if (start > written) this.#write(chunk.subarray(written, start));
      canTake = this.#write(Buffer.from(new Uint8Array(chunk.subarray(start, at)).buffer));
      written = at;
    }
    if (written === chunk.length) return canTake;
    return this.#write(written === 0 ? chunk : chunk.subarray(written));
  }

  /** Where it ends, or where the chunk does. The receiver refuses lengths that are too large. */
  #readHead(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at++]!;
      const index = this.#headBytes++;
      if (index === 0) this.#first = byte;
      else if (index === 1) this.#readLength(byte);
      else if (index < this.#lengthEnd) this.#length = this.#length * 256 + byte;
      if (this.#headBytes < this.#headNeeded) continue;
      this.#headBytes = 0;
      this.#headNeeded = 2;
      this.#left = this.#length;
      break;
    }
    return at;
  }

  #readLength(byte: number): void {
    const short = byte & ~MASK;
    this.#length = short < 126 ? short : 0;
    this.#lengthEnd = short < 126 ? 2 : short === 126 ? 4 : 10;
    this.#headNeeded = this.#lengthEnd + ((byte & MASK) === 0 ? 0 : MASK_BYTES);
  }

  #isFragment(): boolean {
    return (this.#first & FIN) === 0 || (this.#first & OPCODE) === 0;
  }

  #write(bytes: Buffer): boolean {
    return this.isOver || this.#receiver.write(bytes);
  }
}
