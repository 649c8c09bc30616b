/**
 * How the heaps of worker threads begin. V8 counts the buffers of request bodies towards the limit
 * of the old generation although they die young, and a thread's limit is low from the start: it has
 * been lowered by each collection while modules were loaded. At a gigabyte a second the whole heap
 * was then marked thirty times a second, for half of the CPU time. With a higher first limit the
 * young generation's collections, of which `worker/young-generation` has enough made, free the
 * buffers before the limit is reached.
 *
 * The limit stays V8's to lower once it has collected the old generation, and the largest heap is
 * what `resourceLimits` says. Thread: the primary's.
 */
import { setFlagsFromString } from "node:v8";

/**
 * With 64 MB a worker of Node.js 26 whose app holds 63 to 72 MB marks all the time while bodies
 * pass; with 128 MB more than 100 MB of what passed may lie until the heap is marked.
 */
const FIRST_LIMIT_MB = 96;

const FLAG = "--initial-old-space-size";
/** Who starts Node.js with one of these has decided. */
const OWN_FLAGS: ReadonlySet<string> = new Set([FLAG, "--initial-heap-size"]);

/**
 * Holds for threads that are started from now on. V8 reads the flag when it makes a heap, so it
 * changes nothing for those that run. False: it was left as it is.
 */
export function raiseFirstLimits(nodeFlags: readonly string[] = process.execArgv): boolean {
  const names = nodeFlags.map((flag) => flag.replaceAll("_", "-").split("=")[0]!);
  if (names.some((name) => OWN_FLAGS.has(name))) return false;
  setFlagsFromString(`${FLAG}=${FIRST_LIMIT_MB}`);
  return true;
}
