/**
 * Has V8 collect the young generation after so many bytes of bodies. Their buffers die young, but
 * V8 lets 32 MB of them lie (Node.js 20 and 22), 64 (26) or 128 (24), and past 64 MB it marks the
 * whole heap: a third of the CPU time of a body of 100 MiB, on Node.js 24 more than half. The
 * collection takes half a millisecond where little is alive. Thread: the engine's.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { type: "minor" }) => void;

const BYTES = 24 << 20;

export class YoungGeneration {
  #passed = 0;
  #collect: Collect | undefined;

  /** So many bytes lie in buffers that were made for them. */
  passed(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed < BYTES) return;
    this.#passed = 0;
    this.#collect ??= collector();
    this.#collect?.({ type: "minor" });
  }
}

/**
 * What `node --expose-gc` has as a global; the app's own global may be anything and is not asked.
 * The flag is the process's: without that option it is set for a moment only, and undefined means
 * that another thread has hidden it meanwhile; the next time it is there.
 */
function collector(): Collect | undefined {
  const exposed = exposedGc();
  if (exposed !== undefined) return exposed;
  setFlagsFromString("--expose-gc");
  try {
    return exposedGc();
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}

function exposedGc(): Collect | undefined {
  return runInNewContext("globalThis.gc") as Collect | undefined;
}
