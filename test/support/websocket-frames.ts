/** Frames of the WebSocket protocol, written and read by hand: also those that nobody may send. */

export const OP = {
  continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10,
} as const;

export interface FrameParts {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, 0x40 first. */
  readonly reserved?: number;
  /** Null: unmasked. Default: a mask of four different bytes. */
  readonly mask?: readonly [number, number, number, number] | null;
  /** Announced in place of the payload's. */
  readonly length?: number;
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly reserved: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A frame as a browser sends it, unless the parts say otherwise. */
export function frame(parts: FrameParts): Buffer {
  const payload = Buffer.from(parts.payload ?? "");
  const length = parts.length ?? payload.length;
  const mask = parts.mask === undefined ? MASK : parts.mask;
  const first = (parts.fin === false ? 0 : 0x80) | (parts.reserved ?? 0) | parts.opcode;
  const maskBit = mask === null ? 0 : 0x80;
  const head = [first];
  if (length < 126) head.push(maskBit | length);
  else if (length < 65_536) head.push(maskBit | 126, length >> 8, length & 0xff);
  else head.push(maskBit | 127, ...bigEndian(length));
  if (mask === null) return Buffer.concat([Buffer.from(head), payload]);
  const masked = payload.map((byte, at) => byte ^ mask[at % 4]!);
  return Buffer.concat([Buffer.from(head), Buffer.from(mask), masked]);
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

export function text(payload: string | Uint8Array, parts: Partial<FrameParts> = {}): Buffer {
  return frame({ opcode: OP.text, payload, ...parts });
}

export function binary(payload: Uint8Array, parts: Partial<FrameParts> = {}): Buffer {
  return frame({ opcode: OP.binary, payload, ...parts });
}

export function more(payload: string | Uint8Array, parts: Partial<FrameParts> = {}): Buffer {
  return frame({ opcode: OP.continuation, payload, ...parts });
}

/** Without a code: an empty one. */
export function close(code?: number, reason: string | Uint8Array = ""): Buffer {
  if (code === undefined) return frame({ opcode: OP.close });
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  return frame({ opcode: OP.close, payload });
}

/** The whole frames at the front of some bytes, and what is left. */
export function readFrames(bytes: Buffer): { frames: ReceivedFrame[]; rest: Buffer } {
  const frames: ReceivedFrame[] = [];
  let rest = bytes;
  for (let found = readFrame(rest); found !== null; found = readFrame(rest)) {
    frames.push(found.frame);
    rest = rest.subarray(found.size);
  }
  return { frames, rest };
}

function readFrame(bytes: Buffer): { frame: ReceivedFrame; size: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
  const isMasked = (bytes[1]! & 0x80) !== 0;
  const head = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (bytes.length < head) return null;
  const length = lengthBytes === 0
    ? short
    : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + length) return null;
  const frame = {
    opcode: bytes[0]! & 15,
    fin: (bytes[0]! & 0x80) !== 0,
    reserved: bytes[0]! & 0x70,
    isMasked,
    payload: Buffer.from(bytes.subarray(head, head + length)),
  };
  return { frame, size: head + length };
}

/** What a Close frame says: 1005 for none. */
export function closeCode({ payload }: ReceivedFrame): number {
  return payload.length === 0 ? 1005 : payload.readUInt16BE(0);
}
