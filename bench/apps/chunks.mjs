/** The body of /stream: 100 pieces of 1 KiB from an async generator, the same one everywhere. */

const CHUNK = new Uint8Array(1024).fill(0x78); // "x"
const COUNT = 100;

export async function* chunks() {
  for (let i = 0; i < COUNT; i++) yield CHUNK;
}
