/**
 * `server.stats()`: read from shared memory, synchronous. Thread: the primary's.
 */
import type { ListenerStats, Stats, WorkerStats } from "../shared/app.ts";
import type { Handle, Native } from "../native.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Listener } from "./listener.ts";
import { countsOf, readSlot, REQUESTS, sumOf } from "./listener-counts.ts";
import type { WorkerChannel } from "./worker-channel.ts";

interface Snapshot {
  readonly counts: Float64Array;
  readonly at: number;
}

export class Statistics {
  readonly #native: Native;
  readonly #server: Handle;
  readonly #stuckMs: number;
  /** What a slot had counted when its present worker came. */
  readonly #before = new WeakMap<WorkerChannel, Float64Array>();
  readonly #last = new WeakMap<WorkerChannel, Snapshot>();

  constructor(native: Native, server: Handle, options: ResolvedOptions) {
    this.#native = native;
    this.#server = server;
    this.#stuckMs = options.stuckMs;
  }

  /** A worker has got its slot, where it has counted nothing yet. */
  spawned(channel: WorkerChannel): void {
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
    return readSlot(this.#native, this.#server, slot);
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
      requests: sumOf(counts, REQUESTS) - sumOf(before, REQUESTS),
      bytesIn: sumOf(counts, 1) - sumOf(before, 1),
      bytesOut: sumOf(counts, 2) - sumOf(before, 2),
      rejected: sumOf(counts, 3) - sumOf(before, 3),
      heldBytes: counts[3]!,
      inFlight: counts[4]!,
      utilisation: elapsed <= 0 ? 0 : Math.min(1, Math.max(0, busy / elapsed)),
    };
  }

  #listeners(listeners: readonly Listener[]): ListenerStats[] {
    return listeners.map(({ id, index, before }) => {
      const counts = countsOf(this.#native, this.#server, index);
      return {
        id,
        connections: this.#native.listenerConnections(this.#server, index),
        requests: counts.requests - before.requests,
        bytesIn: counts.bytesIn - before.bytesIn,
        bytesOut: counts.bytesOut - before.bytesOut,
        refused: counts.refused - before.refused,
        rejected: counts.rejected - before.rejected,
        unannounced: counts.unannounced - before.unannounced,
        upgraded: this.#native.listenerUpgraded(this.#server, index),
      };
    });
  }
}
