/** What the server's events tell of workers that are up. Types only. */

/** What the server's event `stuck` tells: a worker's loop has not turned for `stuckMs`. */
export interface StuckInfo {
  readonly id: number;
  readonly threadId: number;
  readonly generation: number;
  /** At its start; when it yields again; when its thread has ended. */
  readonly state: "stuck" | "well" | "ended";
  /** The route whose handler it entered last; empty: `fetch`; null: it was in none. */
  readonly route: string | null;
  /** Milliseconds without a turn of its loop, as far as it was seen. */
  readonly forMs: number;
}

/** What the server's event `recycle` tells: a worker is about to be replaced. */
export interface RecycleInfo {
  readonly id: number;
  readonly threadId: number;
  readonly generation: number;
  /** Which of `workerRequestsMax` and `workerMemoryBytesMax` it has reached. */
  readonly reason: "requests" | "memory";
  /** Its requests, or its bytes. */
  readonly value: number;
}

/** What the server's event `rebalance` tells: a worker has given idle connections to another. */
export interface RebalanceInfo {
  /** The ids of the workers. */
  readonly from: number;
  readonly to: number;
  readonly connections: number;
}
