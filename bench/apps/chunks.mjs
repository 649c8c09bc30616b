/** The body of /stream: 100 pieces of 1 KiB from an async generator, the same one everywhere. */

const CHUNK = new Uint8Array(1024).fill(0x78); // "x"
const COUNT = 100;

export async function* chunks() {
  for (let i = 0; i < COUNT; i++) yield CHUNK;
}

/** The body of /download: 100 MiB in pieces of 64 KiB. */
const PIECE = new Uint8Array(65_536).fill(0x78);
const PIECES = 1600;

export async function* pieces() {
  for (let i = 0; i < PIECES; i++) yield PIECE;
}

/** Reads a body piece by piece: its length. */
export async function count(body) {
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return String(length);
}
