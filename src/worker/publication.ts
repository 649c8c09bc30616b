/**
 * One message on its way to the subscribers of this worker. Its frame is made once, whatever their
 * number; where compression is negotiated, once for each size of window. Thread: the engine's.
 */
import { constants, deflateRawSync } from "node:zlib";
import type { Published, PublishedData } from "../shared/published.ts";

/** Of a subscriber that gets no frame: it is closing. */
export const FRAME_QUEUED = -1;
/** Of a subscriber that gets the message as it is. Other numbers are bits of a window. */
export const FRAME_PLAIN = 0;

const OPCODE_TEXT = 1;
const OPCODE_BINARY = 2;
const FIN = 0x80;
const RSV1 = 0x40;
/** zlib would take 9 bits for a window of 8, and such a peer could not read it. */
const WINDOW_BITS_MIN = 9;
/** What ends a flushed block, which RFC 7692 has left out. */
const FLUSH_BYTES = 4;

export class Publication implements Published {
  readonly topic: string;
  readonly data: PublishedData;
  readonly compress: boolean;
  #payload: Uint8Array | null = null;
  readonly #frames = new Map<number, Uint8Array>();

  constructor({ topic, data, compress }: Published) {
    this.topic = topic;
    this.data = data;
    this.compress = compress;
  }

  /** The message as bytes. */
  get payload(): Uint8Array {
    return (this.#payload ??=
      typeof this.data === "string" ? Buffer.from(this.data, "utf8") : this.data);
  }

  /** A whole frame as a server sends it; its bytes are shared and must not be changed. */
  frame(kind: number): Uint8Array {
    let frame = this.#frames.get(kind);
    if (frame === undefined) this.#frames.set(kind, frame = this.#make(kind));
    return frame;
  }

  #make(kind: number): Uint8Array {
    if (kind < WINDOW_BITS_MIN) return this.#framed(this.payload, 0);
    const { Z_SYNC_FLUSH } = constants;
    const options = { windowBits: kind, finishFlush: Z_SYNC_FLUSH };
    const deflated = deflateRawSync(this.payload, options);
    const length = deflated.length - FLUSH_BYTES;
    // What only grows is sent as it is, which each frame may choose.
    if (length >= this.payload.length) return this.frame(FRAME_PLAIN);
    return this.#framed(deflated.subarray(0, length), RSV1);
  }

  #framed(payload: Uint8Array, reserved: number): Uint8Array {
    const opcode = typeof this.data === "string" ? OPCODE_TEXT : OPCODE_BINARY;
    const { length } = payload;
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const frame = Buffer.allocUnsafe(head + length);
    frame[0] = FIN | reserved | opcode;
    frame[1] = head === 2 ? length : head === 4 ? 126 : 127;
    if (head === 4) frame.writeUInt16BE(length, 2);
    if (head === 10) frame.writeBigUInt64BE(BigInt(length), 2);
    frame.set(payload, head);
    return frame;
  }
}
