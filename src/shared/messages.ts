/**
 * The control channel: everything that the primary and its workers say to each other, as one typed
 * union each way. It runs over a MessagePort that is given with the task; requests never do. A
 * worker acknowledges each message that has an `id`. Types only.
 */
import type { SentListenerOptions } from "./listener-options.ts";
import type { ListenerSettings } from "./listener-settings.ts";
import type { Metric } from "./metrics.ts";
import type { Published } from "./published.ts";
import type { RecordCall } from "./records.ts";
import type { EditedTables, RouteCall, TableFacts, TableRow } from "./routes.ts";
import type { DrainOptions, StopOptions } from "./server-control.ts";

/** The protocol of this file; a primary and a worker of different builds never meet. */
export const CONTROL_VERSION = 3;

export interface ListenerFacts {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly isTls: boolean;
  readonly settings: ListenerSettings;
  /** Its own app, whose routes, hooks and `fetch` serve it alone. */
  readonly app?: ServeTask["app"];
  /** Its own rows, in the place of what its app's `routes` say. */
  readonly routes?: readonly TableRow[];
}

/** The options that a worker needs and that are not a listener's; see docs/options.md. */
export interface WorkerOptions {
  readonly drainQuietMs: number;
  readonly memoryBytesMax: number;
  readonly inFlightMax: number;
  readonly logLevel: string;
  readonly development: boolean;
  readonly logDestination: string;
}

/** The argument of the one task that a worker runs until it has drained. */
export interface ServeTask<Port = unknown> {
  readonly version: number;
  readonly port: Port;
  readonly serverId: number;
  /** A UUID: names the server among all, for what its workers say to each other. */
  readonly instance: string;
  readonly slot: number;
  readonly workerId: number;
  readonly generation: number;
  readonly app:
    | { readonly kind: "module"; readonly href: string }
    | { readonly kind: "value"; readonly value: unknown };
  /** By index; null where there is none. */
  readonly listeners: readonly (ListenerFacts | null)[];
  /** Tables of routes that were replaced while the server ran. */
  readonly routes: EditedTables;
  readonly options: WorkerOptions;
  /** The worker's table of HTTP metrics (shared/series.ts); null when nobody counts. */
  readonly series: SharedArrayBuffer | null;
  /** Where it tells how much memory it holds (worker/memory-report.ts); null if nobody asks. */
  readonly memory: SharedArrayBuffer | null;
}

/** A call of `context.server` that the primary carries out. */
export type ControlCall =
  | { readonly method: "addListener"; readonly options: SentListenerOptions }
  | { readonly method: "removeListener"; readonly id: string; readonly options?: StopOptions }
  | { readonly method: "stopListener"; readonly id: string; readonly options?: StopOptions }
  | { readonly method: "pauseListener"; readonly id: string }
  | { readonly method: "startListener"; readonly id: string }
  | { readonly method: "routes"; readonly request: RouteCall }
  | { readonly method: "reopenLogs" }
  | { readonly method: "reload" }
  | { readonly method: "setApp"; readonly app: string }
  | { readonly method: "scale"; readonly workers: number }
  | { readonly method: "metrics" }
  | { readonly method: "subscriberCount"; readonly topic: string }
  | { readonly method: "sharedMemory"; readonly name: string; readonly byteLength: number }
  | { readonly method: "records"; readonly request: RecordCall }
  | { readonly method: "drain"; readonly options?: DrainOptions }
  | { readonly method: "close"; readonly options?: StopOptions };

export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

export type ToWorker =
  /** All is ready: take connections. */
  | { readonly type: "open"; readonly id: number }
  /** End the connections of a listener; answered by `drained` when none is left. */
  | {
      readonly type: "stop";
      readonly id: number;
      readonly listener: number;
      readonly force: boolean;
    }
  /**
   * For good: take nothing new, give each connection away as soon as it is idle. Acknowledged when
   * those that are idle now have gone; `retired` follows when none is left.
   */
  | { readonly type: "retire"; readonly id: number }
  /**
   * Give up to so many idle connections away, to the worker of the slot `to` or as the balancer has
   * it: `given` says how many went, then the acknowledgement.
   */
  | { readonly type: "give"; readonly id: number; readonly count: number; readonly to?: number }
  /**
   * There is a listener now, or none any more, of that index: known before anybody can connect.
   * Acknowledged with an error if an app or rows of its own cannot be loaded; before a worker that
   * could is done it tells its `table`.
   */
  | {
      readonly type: "listener";
      readonly id: number;
      readonly index: number;
      readonly facts: ListenerFacts | null;
    }
  /** The handlers of sockets of a listener are to end them; `socketsEnded` follows the last. */
  | { readonly type: "stopSockets"; readonly id: number; readonly listener: string }
  /** Go on with the file that the log's path names now. */
  | { readonly type: "reopenLog"; readonly id: number }
  /**
   * Requests are counted from now on, into this table: `patterns` says what its rows mean. Known
   * before a listener that shows them.
   */
  | { readonly type: "count"; readonly id: number; readonly series: SharedArrayBuffer }
  /** What the app has registered is wanted: `metrics` follows, then the acknowledgement. */
  | { readonly type: "metrics"; readonly id: number }
  /**
   * A table of routes is replaced in two steps. `prepare` is acknowledged with an error if a row
   * cannot be; `commit` puts in force what was prepared with the same version.
   */
  | {
      readonly type: "routes";
      readonly id: number;
      readonly table: number;
      readonly version: number;
      readonly step:
        | { readonly kind: "prepare"; readonly rows: readonly TableRow[] }
        | { readonly kind: "commit" };
    }
  /** Acknowledged when no request runs in these rows of a table, which have left it. */
  | {
      readonly type: "awaitRoutes";
      readonly id: number;
      readonly table: number;
      readonly rows: readonly string[];
    }
  /** How many sockets have subscribed is wanted: `subscribers`, then the acknowledgement. */
  | { readonly type: "countSubscribers"; readonly id: number; readonly topic: string }
  /** Published by the primary. Each worker gets it, and one of them is to tell the broker. */
  | { readonly type: "publish"; readonly published: Published; readonly forBroker: boolean }
  /** Every listener has stopped: close the app and end the task. */
  | { readonly type: "end"; readonly id: number }
  | {
      readonly type: "result";
      readonly call: number;
      readonly value?: unknown;
      readonly error?: SentError;
    };

export type FromWorker =
  /** The app is loaded and its `init` is done. */
  | {
      readonly type: "ready";
      readonly threadId: number;
      /** The patterns that the rows of `series` mean by their places; empty without it. */
      readonly routes: readonly string[];
      readonly tables: readonly TableFacts[];
      readonly port?: unknown;
      readonly hostname?: unknown;
    }
  | { readonly type: "failed"; readonly error: SentError }
  /** That of a listener that was added, or the one that it has now. */
  | { readonly type: "table"; readonly facts: TableFacts }
  /** With an error: it was not carried out, and nothing has changed. */
  | { readonly type: "ack"; readonly id: number; readonly error?: SentError }
  /** The patterns that `ready` told, and those that have come with other routes. */
  | { readonly type: "patterns"; readonly routes: readonly string[] }
  /** The route that `mark` means in the word of the route entered last; empty: `fetch`. */
  | { readonly type: "route"; readonly mark: number; readonly route: string }
  | { readonly type: "drained"; readonly listener: number }
  /** No handler has a socket of the listener, and none of them is open. */
  | { readonly type: "socketsEnded"; readonly listener: string }
  | { readonly type: "retired" }
  | { readonly type: "given"; readonly id: number; readonly count: number }
  | { readonly type: "subscribers"; readonly id: number; readonly count: number }
  /** Null: they could not be collected, and the worker's log says why. */
  | { readonly type: "metrics"; readonly id: number; readonly metrics: readonly Metric[] | null }
  | { readonly type: "call"; readonly call: number; readonly request: ControlCall };

/** An error as it crosses the channel: the clone of an error loses its class and its code. */
export function toSentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    ...(typeof code === "string" ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}
