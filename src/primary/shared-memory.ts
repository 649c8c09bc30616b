/**
 * Named memory that all workers of a server see, of every generation: what lies in it outlives a
 * worker that dies and a reload. A name with another length is another block. It lives as long as
 * the server. Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";

/** Those that a reload has left behind with another length count too: nothing takes them back. */
export const BLOCKS_MAX = 256;
/** Of all blocks: an app that asks for more has got its arithmetic wrong. */
export const BLOCK_BYTES_MAX: number = 1024 * 1024 * 1024;
const NAME_LENGTH_MAX = 200;

export class SharedMemory {
  readonly #blocks = new Map<string, SharedArrayBuffer>();
  #bytes = 0;

  /** The block, zeroed when it is new. Throws ERR_MILLRACE_SHARED_MEMORY. */
  get(name: unknown, byteLength: unknown): SharedArrayBuffer {
    if (typeof name !== "string" || name === "" || name.length > NAME_LENGTH_MAX) {
      throw refused(`its name is text of 1 to ${NAME_LENGTH_MAX} characters`);
    }
    if (!(Number.isSafeInteger(byteLength) && (byteLength as number) > 0)) {
      throw refused("its length is a number of bytes above 0");
    }
    const key = `${byteLength as number} ${name}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    if (this.#blocks.size >= BLOCKS_MAX) throw refused(`there are ${BLOCKS_MAX} blocks already`);
    if (this.#bytes + (byteLength as number) > BLOCK_BYTES_MAX) {
      throw refused(`all blocks together have at most ${BLOCK_BYTES_MAX} bytes`);
    }
    const block = new SharedArrayBuffer(byteLength as number);
    this.#blocks.set(key, block);
    this.#bytes += block.byteLength;
    return block;
  }
}

function refused(why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_SHARED_MEMORY", `No block of shared memory: ${why}`);
}
