/**
 * `server.stats()`: read from shared memory, synchronous. Thread: the primary's.
 */
import type { ListenerStats, Stats, WorkerStats } from "../shared/app.ts";
import type { Handle, Native } from "../native.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Listener } from "./listener.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** The layout that native's `workerStats` writes. */
const FIRST_LISTENER = 6;
const PER_LISTENER = 4;

interface Snapshot {
  readonly counts: Float64Array;
  readonly at: number;
}

export class Statistics {
  readonly #native: Native;
  readonly #server: Handle;
  readonly #stuckMs: number;
  readonly #listenerCount: number;
  /** What a slot had counted when its present worker came. */
  readonly #before = new WeakMap<WorkerChannel, Float64Array>();
  readonly #last = new WeakMap<WorkerChannel, Snapshot>();
  /** Slots that have ever been used: their counts are never set back. */
  readonly #slots = new Set<number>();

  constructor(native: Native, server: Handle, options: ResolvedOptions) {
    this.#native = native;
    this.#server = server;
    this.#stuckMs = options.stuckMs;
    this.#listenerCount = options.listeners.length;
  }

  /** A worker has got its slot, where it has counted nothing yet. */
  spawned(channel: WorkerChannel): void {
    this.#slots.add(channel.slot);
    const counts = this.#read(channel.slot);
    this.#before.set(channel, counts);
    this.#last.set(channel, { counts, at: performance.now() });
  }

  read(channels: Iterable<WorkerChannel>, listeners: readonly Listener[]): Stats {
    return {
      workers: [...channels].map((channel) => this.#worker(channel)),
      listeners: this.#listeners(listeners),
    };
  }

  #read(slot: number): Float64Array {
    const counts = new Float64Array(FIRST_LISTENER + this.#listenerCount * PER_LISTENER);
    this.#native.workerStats(this.#server, slot, counts);
    return counts;
  }

  #worker(channel: WorkerChannel): WorkerStats {
    const counts = this.#read(channel.slot);
    const before = this.#before.get(channel)!;
    const last = this.#last.get(channel)!;
    const now = performance.now();
    const busy = counts[1]! - last.counts[1]!;
    const elapsed = now - last.at;
    this.#last.set(channel, { counts, at: now });
    const isStuck = channel.state === "serving" && counts[2]! > this.#stuckMs;
    return {
      id: channel.id,
      threadId: channel.threadId,
      generation: channel.generation,
      state: isStuck ? "stuck" : channel.state,
      route: isStuck ? channel.routeOf(counts[5]!) : null,
      connections: counts[0]!,
      requests: total(counts, 0) - total(before, 0),
      bytesIn: total(counts, 1) - total(before, 1),
      bytesOut: total(counts, 2) - total(before, 2),
      rejected: total(counts, 3) - total(before, 3),
      heldBytes: counts[3]!,
      inFlight: counts[4]!,
      utilisation: elapsed <= 0 ? 0 : Math.min(1, Math.max(0, busy / elapsed)),
    };
  }

  #listeners(listeners: readonly Listener[]): ListenerStats[] {
    const slots = [...this.#slots].map((slot) => this.#read(slot));
    return listeners.map((listener, index) => {
      const sum = (field: number): number =>
        slots.reduce((all, each) => all + each[FIRST_LISTENER + index * PER_LISTENER + field]!, 0);
      return {
        id: listener.id,
        connections: this.#native.listenerConnections(this.#server, index),
        requests: sum(0),
        bytesIn: sum(1),
        bytesOut: sum(2),
        refused: this.#native.listenerRefused(this.#server, index),
        unannounced: this.#native.listenerUnannounced(this.#server, index),
        rejected: sum(3),
        upgraded: 0,
      };
    });
  }
}

function total(counts: Float64Array, field: number): number {
  let sum = 0;
  for (let i = FIRST_LISTENER + field; i < counts.length; i += PER_LISTENER) sum += counts[i] ?? 0;
  return sum;
}
