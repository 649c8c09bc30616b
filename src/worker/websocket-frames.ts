/**
 * Frames as a server sends them (RFC 6455 5.2): unmasked, whole messages, each in one buffer that
 * nobody else has, so that an app may change what it has sent at once. Any thread.
 */
import { types } from "node:util";
import type { WebSocketBytes, WebSocketData } from "../shared/websockets.ts";

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type Opcode = (typeof OPCODE)[keyof typeof OPCODE];

/** Of a control frame's payload (RFC 6455 5.5). */
export const CONTROL_BYTES_MAX = 125;
const CODE_BYTES = 2;

const FIN = 0x80;
/** The message is compressed (RFC 7692). */
const RSV1 = 0x40;

/** Lengths from here on take two bytes, and eight. */
const LENGTH_16 = 126;
const LENGTH_64 = 65_536;
/** Of one UTF-16 unit. */
const UTF8_BYTES_MAX = 3;

export function frameOf(opcode: Opcode, payload: Uint8Array, isCompressed: boolean): Buffer {
  const { length } = payload;
  const frame = Buffer.allocUnsafe(headLength(length) + length);
  frame.set(payload, writeHead(frame, opcode | (isCompressed ? RSV1 : 0), length));
  return frame;
}

/** The same for UTF-8, without a copy in between. */
export function textFrame(opcode: Opcode, text: string): Buffer {
  if (text.length * UTF8_BYTES_MAX < LENGTH_16) {
    const short = Buffer.allocUnsafe(2 + text.length * UTF8_BYTES_MAX);
    const length = short.write(text, 2);
    writeHead(short, opcode, length);
    return short.subarray(0, 2 + length);
  }
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headLength(length) + length);
  frame.write(text, writeHead(frame, opcode, length));
  return frame;
}

/** A Close frame; a code of 0 stands for none. The reason is cut to what fits. */
export function closeFrame(code: number, reason: string): Buffer {
  if (code === 0) return frameOf(OPCODE.close, Buffer.alloc(0), false);
  const text = Buffer.from(clipped(reason));
  const payload = Buffer.allocUnsafe(CODE_BYTES + text.length);
  payload.writeUInt16BE(code, 0);
  payload.set(text, CODE_BYTES);
  return frameOf(OPCODE.close, payload, false);
}

/** Whole characters of a reason, as many as a Close frame holds. */
function clipped(reason: string): string {
  const room = new Uint8Array(CONTROL_BYTES_MAX - CODE_BYTES);
  return reason.slice(0, new TextEncoder().encodeInto(reason, room).read);
}

export function isReasonShort(reason: string): boolean {
  return Buffer.byteLength(reason) <= CONTROL_BYTES_MAX - CODE_BYTES;
}

/** Those that an endpoint may send (RFC 6455 7.4, and 1012 to 1014 of IANA's registry). */
export function isSendableCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return Number.isInteger(code);
  const isReserved = code === 1004 || code === 1005 || code === 1006;
  return Number.isInteger(code) && code >= 1000 && code <= 1014 && !isReserved;
}

/** How many bytes the payload of a frame of this length has. */
export function payloadLength(frame: Uint8Array): number {
  const { length } = frame;
  return length < LENGTH_16 + 2 ? length - 2 : length < LENGTH_64 + 4 ? length - 4 : length - 10;
}

/** A view of bytes as an app gives them; a TypeError for anything else. */
export function bytesOf(data: WebSocketBytes): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  throw notSendable(data);
}

export function notSendable(data: unknown): TypeError {
  const what = data === null ? "null" : data instanceof Blob ? "a Blob" : typeof data;
  const hint = data instanceof Blob ? "; send what its arrayBuffer() resolves to" : "";
  return new TypeError(`A WebSocket sends a string or bytes, not ${what}${hint}`);
}

/** The frame of a message or of a ping or pong. */
export function dataFrame(opcode: Opcode, data: WebSocketData): Buffer {
  if (typeof data === "string") return textFrame(opcode, data);
  return frameOf(opcode, bytesOf(data), false);
}

function headLength(length: number): number {
  return length < LENGTH_16 ? 2 : length < LENGTH_64 ? 4 : 10;
}

/** Where the payload begins. */
function writeHead(frame: Buffer, first: number, length: number): number {
  frame[0] = FIN | first;
  if (length < LENGTH_16) {
    frame[1] = length;
    return 2;
  }
  if (length < LENGTH_64) {
    frame[1] = 126;
    frame[2] = length >>> 8;
    frame[3] = length & 0xff;
    return 4;
  }
  frame[1] = 127;
  frame.writeUInt16BE(0, 2);
  frame.writeUIntBE(length, 4, 6);
  return 10;
}
