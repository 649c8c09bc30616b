/**
 * The control calls of a server that its workers have too, and what they take and resolve to.
 * Types only.
 */
import type { ListenerInfo } from "./listener-info.ts";
import type { SentListenerOptions } from "./listener-options.ts";
import type { Metric } from "./metrics.ts";
import type { Publishable } from "./published.ts";
import type { RecordAnswer, RecordCall } from "./records.ts";
import type { RouteEdits, RouteInfo } from "./routes.ts";

/** The control calls of the primary, as a worker may use them through the control channel. */
export interface ServerControl extends RouteEdits {
  /** The table of the server, or of a listener that has one, as a copy. */
  routes(listener?: string): Promise<RouteInfo[]>;
  /**
   * Adds a listener to the running server: every worker hears of it, then it is bound, unless it
   * has `autoStart: false`. Rejects with what is wrong, and then there is no such listener.
   */
  addListener(options: SentListenerOptions): Promise<ListenerInfo>;
  /** Stops it and forgets it: its id, name and bind are free then. */
  removeListener(idNameOrBind: string, options?: StopOptions): Promise<StopResult>;
  stopListener(idNameOrBind: string, options?: StopOptions): Promise<StopResult>;
  pauseListener(idNameOrBind: string): Promise<void>;
  startListener(idNameOrBind: string): Promise<void>;
  /** Goes on with the files that the paths of the logs name now: after a rotation. */
  reopenLogs(): Promise<void>;
  /** As of the server. A request in hand, as the one that asks, ends on its old worker. */
  reload(): Promise<ReloadResult>;
  setApp(app: string | URL): Promise<ReloadResult>;
  scale(workers: number): Promise<void>;
  metrics(): Promise<MetricsReport>;
  /** As `publish` of a context; in `init`, too. Of this worker's messages the order is kept. */
  publish(topic: string, data: Publishable, compress?: boolean): number;
  /** How many WebSockets have subscribed, on all workers of the server. */
  subscriberCount(topic: string): Promise<number>;
  /**
   * Memory that all workers of the server share, under a name: zeroed at first, the same for who
   * asks later, whatever becomes of its worker or the app. Another length is another block. Rejects
   * with ERR_MILLRACE_SHARED_MEMORY for more than 256 blocks, or 1 GiB of all.
   */
  sharedMemory(name: string, byteLength: number): Promise<SharedArrayBuffer>;
  /**
   * Reads, writes or deletes records that all workers of the server share; the primary keeps them,
   * and each call is one step there. Rejects with ERR_MILLRACE_RECORDS for more than 256 tables.
   */
  records<Call extends RecordCall>(call: Call): Promise<RecordAnswer<Call>>;
  /** As of the server. Resolves as soon as readiness probes are told, as `close` does. */
  drain(options?: DrainOptions): Promise<void>;
  close(options?: StopOptions): Promise<void>;
}

/** Other values are refused with ERR_MILLRACE_OPTION_INVALID before anything is stopped. */
export interface StopOptions {
  /** Destroy everything at once instead of draining. Default false. */
  force?: boolean;
  /** Milliseconds after which what still runs is destroyed. Default: the option `deadlineMs`. */
  deadlineMs?: number;
}

/** What `drain` may be told beside what `close` may. */
export interface DrainOptions extends StopOptions {
  /** Milliseconds from readiness 503 to the stop. Default: the option `drainDelayMs`. */
  delayMs?: number;
}

/** `graceful` says whether all ended by themselves; `destroyed` counts the connections cut. */
export interface StopResult {
  readonly graceful: boolean;
  readonly destroyed: number;
}

/** What `reload` and `setApp` have come to; also the detail of the event `reload`. */
export interface ReloadResult {
  /** The number of the generation that serves now; the first one is 1. */
  readonly generation: number;
  /** How many workers it has. */
  readonly workers: number;
}

/** What `server.metrics()` resolves to. */
export interface MetricsReport {
  /** In Prometheus's text format. */
  readonly text: string;
  readonly contentType: string;
  /** The same as objects. */
  readonly metrics: readonly Metric[];
  /** The ids of workers that did not answer in time: what they said before stands for them. */
  readonly late: readonly number[];
}
