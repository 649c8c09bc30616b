/** What `server.stats()` tells. Types only. */

export interface WorkerStats {
  readonly id: number;
  readonly threadId: number;
  readonly generation: number;
  readonly state: "starting" | "serving" | "draining" | "stuck" | "dead";
  /**
   * Of a stuck worker, the route whose handler it entered last; empty: `fetch`. Null: it was in
   * none, as in a timer, or is not stuck.
   */
  readonly route: string | null;
  readonly connections: number;
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Requests answered with 503 before any handler: `memoryBytesMax`, `inFlightMax`. */
  readonly rejected: number;
  /** What counts against `memoryBytesMax`. */
  readonly heldBytes: number;
  /** Requests that handlers work on. */
  readonly inFlight: number;
  /** Share of the time since the previous call that the worker's loop was busy, 0 to 1. */
  readonly utilisation: number;
}

export interface ListenerStats {
  readonly id: string;
  readonly connections: number;
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections turned away: `connectionsMax`, `connectionsPerAddressMax`. */
  readonly refused: number;
  /**
   * Connections closed without an answer where `proxyProtocol` is required: their peer is not one
   * of `trustedProxies`, or no valid header came in time.
   */
  readonly unannounced: number;
  readonly rejected: number;
  readonly upgraded: number;
}

/** The access log since the server started. */
export interface AccessLogStats {
  /** Lines that were taken over from the workers. */
  readonly lines: number;
  /** Requests whose line was lost, because the file could not be written fast enough or at all. */
  readonly dropped: number;
  /** The system's code of the last write if it failed, such as `ENOSPC`. */
  readonly failure?: string;
}

export interface Stats {
  readonly workers: WorkerStats[];
  readonly listeners: ListenerStats[];
  /** Absent where there is no access log. */
  readonly accessLog?: AccessLogStats;
}
