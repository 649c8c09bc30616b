/**
 * When V8 collects the heaps of worker threads. It counts the buffers of request bodies towards the
 * limit of the old generation although they die young. At a gigabyte a second the whole heap was
 * marked thirty times a second, for half of the CPU time. Two of its flags change that:
 *
 * - A thread's limit is low from the start, it has been lowered by each collection while modules
 *   were loaded. With a higher first limit the young generation's collections free the buffers
 *   before the limit is reached. It stays V8's to lower once it has collected the old generation,
 *   and the largest heap is what `resourceLimits` says.
 * - V8 before 14.8 also marks when 64 MB of buffers were allocated, which is when it collects the
 *   young generation: those that die then are freed by another thread, and where that came too late
 *   the heap was marked for them. From 14.8 it counts what buffers hold as part of the limit, and
 *   the flag for that, which 13.6 has, is gone.
 *
 * Thread: the primary's.
 */
import { setFlagsFromString } from "node:v8";

interface HeapFlag {
  readonly flag: string;
  /** Who starts Node.js with one of these has decided. */
  readonly decidedBy: RegExp;
  /** The versions of V8 that it is for, [major, minor]: from the first, below the last. */
  readonly since?: readonly [number, number];
  readonly until?: readonly [number, number];
}

const HEAP_FLAGS: readonly HeapFlag[] = [
  {
    // With 64 MB Node.js 26 still collects as often as before; beyond 96 MB more changes nothing.
    flag: "--initial-old-space-size=128",
    decidedBy: /^--initial-(?:old-space|heap)-size$/,
  },
  {
    flag: "--external-memory-accounted-in-global-limit",
    decidedBy: /^--(?:no-?)?external-memory-accounted-in-global-limit$/,
    since: [13, 6],
    until: [14, 8],
  },
];

/**
 * Holds for threads that are started from now on: of the first limit V8 takes note when it makes a
 * heap. Returns the flags that it has set.
 */
export function setHeapFlags(nodeFlags: readonly string[] = process.execArgv): string[] {
  const flags = heapFlags(nodeFlags, process.versions.v8);
  for (const flag of flags) setFlagsFromString(flag);
  return flags;
}

/**
 * `v8Version`: such as "13.6.233.17-node.53". V8 complains on stderr of a flag it does not know.
 */
export function heapFlags(nodeFlags: readonly string[], v8Version: string): string[] {
  const names = nodeFlags.map((flag) => flag.replaceAll("_", "-").split("=")[0]!);
  const [major, minor] = v8Version.split(".").map(Number) as [number, number];
  const isBefore = (version: readonly [number, number]): boolean =>
    major < version[0] || (major === version[0] && minor < version[1]);
  return HEAP_FLAGS
    .filter(({ since, until }) => !(since && isBefore(since)) && (!until || isBefore(until)))
    .filter(({ decidedBy }) => !names.some((name) => decidedBy.test(name)))
    .map(({ flag }) => flag);
}
