/**
 * What listeners have counted, and what each worker counts for them, as native has it in shared
 * memory. Counts of an index are never set back; who uses it later subtracts what was before.
 * Thread: the primary's.
 */
import type { RunningWorker } from "../shared/app.ts";
import type { Handle, Native } from "../native.ts";

/** The layout that native's `workerStats` writes. */
export const FIRST_LISTENER = 6;
const PER_LISTENER = 5;
/** Of those of each listener. */
export const REQUESTS = 0;

/** `kListenersMax` and `kWorkersMax` of core/server.h. */
export const LISTENERS_MAX = 128;
const SLOTS_MAX = 256;

/** Of one listener, over all workers that there have ever been. */
export interface ListenerCounts {
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly rejected: number;
  readonly refused: number;
  readonly unannounced: number;
}

/** What the slot of a worker has counted. */
export function readSlot(native: Native, server: Handle, slot: number): Float64Array {
  const counts = new Float64Array(FIRST_LISTENER + LISTENERS_MAX * PER_LISTENER);
  native.workerStats(server, slot, counts);
  return counts;
}

/** One field of what a slot has counted, of all listeners together. */
export function sumOf(counts: Float64Array, field: number): number {
  let sum = 0;
  for (let i = FIRST_LISTENER + field; i < counts.length; i += PER_LISTENER) sum += counts[i]!;
  return sum;
}

export function countsOf(native: Native, server: Handle, listener: number): ListenerCounts {
  const length = FIRST_LISTENER + (listener + 1) * PER_LISTENER;
  const sums = new Float64Array(PER_LISTENER);
  const counts = new Float64Array(length);
  for (let slot = 0; slot < SLOTS_MAX; slot++) {
    counts.fill(0); // a slot that was never used writes nothing
    native.workerStats(server, slot, counts);
    for (let field = 0; field < PER_LISTENER; field++) {
      sums[field]! += counts[length - PER_LISTENER + field]!;
    }
  }
  const [requests, bytesIn, bytesOut, rejected] = sums as unknown as [
    number, number, number, number,
  ];
  return {
    requests,
    bytesIn,
    bytesOut,
    rejected,
    refused: native.listenerRefused(server, listener),
    unannounced: native.listenerUnannounced(server, listener),
  };
}

/** Of those that have connections of the listener. */
export function workersOf(
  native: Native,
  server: Handle,
  channels: Iterable<{ readonly id: number; readonly slot: number }>,
  listener: number,
): RunningWorker[] {
  const running: RunningWorker[] = [];
  for (const { id, slot } of channels) {
    const counts = readSlot(native, server, slot);
    const connections = counts[FIRST_LISTENER + listener * PER_LISTENER + PER_LISTENER - 1]!;
    if (connections > 0) running.push({ id, connections });
  }
  return running;
}
