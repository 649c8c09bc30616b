/** The running server, as `serve()` resolves to it. Types only. */
import type { EventEmitter } from "node:events";
import type { ListenerOptions } from "./app.ts";
import type { ListenerInfo, RunningReport } from "./listener-info.ts";
import type { Publishable } from "./published.ts";
import type { RouteEdits, RouteInfo } from "./routes.ts";
import type {
  DrainOptions, MetricsReport, ReloadResult, StopOptions, StopResult,
} from "./server-control.ts";
import type { Stats } from "./stats.ts";

/** A running server. It is no EventEmitter itself: its events are on `events`. */
export interface Server extends AsyncDisposable, RouteEdits {
  /** The table of the server, or of a listener that has one, as a copy that may be edited. */
  routes(listener?: string): RouteInfo[];
  readonly listeners: ListenerInfo[];
  readonly url: string;
  readonly events: EventEmitter;
  /** The number of the generation of workers that serves: 1, and one more with each reload. */
  readonly generation: number;
  /** Resolves when the server has closed, whatever closed it. */
  readonly closed: Promise<void>;
  /** What has not ended. */
  running(): RunningReport;
  /**
   * Waits for the end of the server, at most so many milliseconds. Null when it has closed, else
   * what still runs. It does not close it.
   */
  waitClosed(timeoutMs: number): Promise<RunningReport | null>;
  stats(): Stats;
  /** What monitoring asks for, of all workers; bounded in time by `metricsTimeoutMs`. */
  metrics(): Promise<MetricsReport>;
  /**
   * Sends a message to every WebSocket that has subscribed to the topic, on all workers and, with
   * the app's `broker`, on other servers. Strings go out as text, bytes as binary. Returns the
   * bytes of the message, 0 when the server has closed. Throws a TypeError for what is neither.
   */
  publish(topic: string, data: Publishable, compress?: boolean): number;
  /**
   * How many WebSockets have subscribed, on all workers. Rejects with ERR_MILLRACE_CONTROL_TIMEOUT
   * when a worker does not answer.
   */
  subscriberCount(topic: string): Promise<number>;
  /**
   * Adds a listener to the running server: every worker hears of it, then it is bound, unless it
   * has `autoStart: false`. Rejects with what is wrong, and then there is no such listener.
   */
  addListener(options: ListenerOptions): Promise<ListenerInfo>;
  /** Stops it and forgets it: its id, name and bind are free then. */
  removeListener(idNameOrBind: string, options?: StopOptions): Promise<StopResult>;
  stopListener(idNameOrBind: string, options?: StopOptions): Promise<StopResult>;
  pauseListener(idNameOrBind: string): Promise<void>;
  startListener(idNameOrBind: string): Promise<void>;
  /** Goes on with the files that the paths of the logs name now: after a rotation. */
  reopenLogs(): Promise<void>;
  /**
   * What SIGTERM does: readiness probes are answered with 503 from now on, everything else goes on
   * for `delayMs`, then the server closes. Resolves when it has closed.
   */
  drain(options?: DrainOptions): Promise<void>;
  /**
   * Loads the app anew in new workers. Resolves when they have every new and every idle connection;
   * requests in hand end on the old ones. Rejects with what the app failed with, and then nothing
   * has changed.
   */
  reload(): Promise<ReloadResult>;
  /** The same with another app: the path of its module, or a `file:` URL. */
  setApp(app: string | URL): Promise<ReloadResult>;
  /**
   * Changes the number of workers, from 1 to 256. Resolves when those that are added serve, and
   * when the idle connections of those that are taken away have moved.
   */
  scale(workers: number): Promise<void>;
  /** Stops without the delay of `drain`, also one that is under way. */
  close(options?: StopOptions): Promise<void>;
}
