/**
 * How much memory this thread's JavaScript holds, for the primary: the heap and what hangs on it
 * outside, such as buffers. The figure is the lowest of the last looks, since what has only just
 * become garbage is in each of them but the one after its collection. Thread: the worker's.
 */
import { getHeapStatistics } from "node:v8";

const LOOK_MS = 250;
const LOOKS = 8;

/** Writes bytes to the first word, 0 until there were enough looks. Returns what ends it. */
export function reportMemory(memory: SharedArrayBuffer): () => void {
  const word = new Float64Array(memory);
  const looks: number[] = [];
  const timer = setInterval(() => {
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    looks.push(heap + external);
    if (looks.length > LOOKS) looks.shift();
    // One store of 64 bits: the primary reads a figure or the one before.
    if (looks.length === LOOKS) word[0] = Math.min(...looks);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
