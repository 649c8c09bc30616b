/**
 * A message as brokers carry it: a version, flags, who has published it, then the message itself.
 * The publisher is the server, so that its workers know what they have had already. Pure.
 */
import type { Published } from "../shared/published.ts";

const VERSION = 1;
const FLAG_TEXT = 1;
const FLAG_COMPRESS = 2;
const ORIGIN_AT = 2;
const ORIGIN_BYTES = 16;
const HEAD_BYTES = ORIGIN_AT + ORIGIN_BYTES;

/** The bytes of a UUID, which names a server among all that share a broker. */
export function originOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

export function seal(published: Published, payload: Uint8Array, origin: Buffer): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes[0] = VERSION;
  bytes[1] = (typeof published.data === "string" ? FLAG_TEXT : 0) |
    (published.compress ? FLAG_COMPRESS : 0);
  origin.copy(bytes, ORIGIN_AT);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** Null: it is no message of this version, or `origin` itself has published it. */
export function unseal(topic: string, message: Uint8Array, origin: Buffer): Published | null {
  if (message.length < HEAD_BYTES || message[0] !== VERSION) return null;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (origin.equals(bytes.subarray(ORIGIN_AT, HEAD_BYTES))) return null;
  const flags = bytes[1]!;
  const payload = bytes.subarray(HEAD_BYTES);
  return {
    topic,
    data: (flags & FLAG_TEXT) === 0 ? payload : payload.toString("utf8"),
    compress: (flags & FLAG_COMPRESS) !== 0,
  };
}
