/** Chunks of a body as they are sent (RFC 9112 7.1). Thread: any. */

/** What frames a chunk: eight digits and two CRLF. */
export const CHUNK_FRAME_MAX = 12;

/** Writes `bytes`, of which there are some, as one chunk to `into`; returns where it ends. */
export function writeChunk(into: Uint8Array, offset: number, bytes: Uint8Array): number {
  const { length } = bytes;
  let at = offset;
  for (let shift = 28 - (Math.clz32(length) & 28); shift >= 0; shift -= 4) {
    const digit = (length >>> shift) & 15;
    into[at++] = digit < 10 ? 48 + digit : 87 + digit;
  }
  into[at++] = 13;
  into[at++] = 10;
  into.set(bytes, at);
  at += length;
  into[at++] = 13;
  into[at++] = 10;
  return at;
}
