/**
 * The public types of an app: what a module's default export may be and what its handlers are
 * given. Types only, so both threads and the users of the package can import them.
 */
import type { EventEmitter } from "node:events";
import type { ListenerPlace } from "./listener-options.ts";
import type { ListenerInfo, RunningReport } from "./listener-info.ts";
import type { Metric } from "./metrics.ts";
import type { RouteEdits, RouteInfo, RouteRow } from "./routes.ts";

export type * from "./listener-info.ts";

/** What `serve()` and `addListener()` take of a listener; docs/options.md has the meaning. */
export interface ListenerOptions extends ListenerPlace {
  app?: string | URL | App | FetchHandler | undefined;
  routes?: string | readonly RouteRow[] | undefined;
}

/** What a handler may return. `undefined` declines: the next matching handler is asked. */
export type HandlerResult = Response | string | Uint8Array | ArrayBuffer | undefined | void;

/** A fetch-style handler. */
export type FetchHandler<Params = Record<string, string>> = (
  request: MillraceRequest<Params>,
  context: Context,
  ctx: Context,
) => HandlerResult | Promise<HandlerResult>;

/** The standard `Request`, plus the parameters of the route, as in Bun. */
export type MillraceRequest<Params = Record<string, string>> = Request & {
  readonly params: Params;
};

/**
 * A handler object: `match` decides, `handle` answers, `close` runs once when the worker ends. What
 * it says of bodies counts for its requests in place of the options of the same name.
 */
export interface HandlerObject {
  match?(request: MillraceRequest, context: Context): boolean;
  handle: FetchHandler;
  /** Bytes of a body that is read as a whole; beyond it 413. */
  bodyBytesMax?: number;
  /** Bytes of a body that is read as a stream; beyond it 413. 0 sets no limit. */
  bodyStreamBytesMax?: number;
  /** Bodies are decoded before the handler sees them, as their `Content-Encoding` says. */
  decodeBodies?: boolean;
  /** `handle` runs when the whole body has come, `bodyBytesMax` at most. Default false. */
  buffered?: boolean;
  close?(): void | Promise<void>;
}

export type Handler = FetchHandler | HandlerObject;

/**
 * One route: a handler for every method, a constant answer, or one of either per method. A string
 * is a name of the app's `handlers`.
 */
export type Route =
  | Handler
  | Response
  | string
  | { readonly [method: string]: Handler | Response | string };

/** Handlers by name, for routes that name theirs; pairs, if a name given twice is to be refused. */
export type NamedHandlers =
  | { readonly [name: string]: Route }
  | readonly (readonly [name: string, handler: Route])[];

/** The default export of an app module. All members are optional, but one of routes or fetch. */
export interface App {
  routes?: { readonly [pattern: string]: Route };
  /** A name is not empty and begins with no slash. */
  handlers?: NamedHandlers;
  fetch?: FetchHandler;
  error?(error: unknown, request: MillraceRequest): HandlerResult | Promise<HandlerResult>;
  /** A client sent what is no request, or went before its answer was complete. */
  onClientError?(info: ClientErrorInfo): void | Promise<void>;
  /**
   * Before the handlers of each request; it cannot answer. For input that the server refuses
   * before any handler, `info.request` is null, `info.refusal` says why, and there is no context.
   */
  onRequest?(info: RequestInfo, context?: Context): void;
  /**
   * Once per request and refusal, when the last byte of the answer has been handed to the kernel
   * or the connection has gone; streams and answers that were cut included.
   */
  onResponse?(info: ResponseInfo): void;
  init?(worker: WorkerInfo): void | Promise<void>;
  close?(): void | Promise<void>;
  /** As in Bun: used when neither an option, a flag, the environment nor a file says otherwise. */
  port?: number;
  hostname?: string;
}

/** What `onClientError` is told. */
export type ClientErrorInfo = MalformedRequestInfo | VanishedClientInfo;

/** No handler has seen it. It was answered with the status, and the connection closes. */
export interface MalformedRequestInfo {
  readonly kind: "malformed";
  readonly status: number;
  readonly reason: string;
  /** How it began, at most 256 bytes of it: all but printable ASCII is escaped as in `\\x00`. */
  readonly bytes: string;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly remote: Endpoint;
}

/** With `fin` and `reset` the request's signal aborts. After `fin` the answer is still written. */
export interface VanishedClientInfo {
  readonly kind: "vanished";
  /** FIN; a reset or an error of the connection; or it took nothing for `writeTimeoutMs`. */
  readonly how: "fin" | "reset" | "timeout";
  readonly request: MillraceRequest;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  /** Its address is empty if the client had gone before its handler was called. */
  readonly remote: Endpoint;
}

/** What `onRequest` is told. */
export interface RequestInfo {
  /** Null if the server refused it: malformed, too large, too slow. */
  readonly request: MillraceRequest | null;
  /** Empty where there is no request. */
  readonly method: string;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly remote: Endpoint;
  /** Why there is no request, and the status that answers it. */
  readonly refusal?: { readonly status: number; readonly reason: string };
}

/** What `onResponse` is told. */
export interface ResponseInfo extends Omit<RequestInfo, "refusal"> {
  /** Null where there is no request. */
  readonly context: Context | null;
  readonly requestId: string | null;
  /** The pattern of the route that answered; empty for `fetch` and refusals. */
  readonly route: string;
  /** Null if no answer was made. */
  readonly status: number | null;
  /** Of the body as it was sent, without the head; the framing of chunks counts. */
  readonly bytesSent: number;
  /** From the end of the request's head. */
  readonly durationMs: number;
  /** All of the answer has been handed to the kernel; false: it was cut, or none was made. */
  readonly isComplete: boolean;
}

/** A logger: pino's, which can also be called like `console.log`. */
export interface Log {
  (message: string, ...rest: unknown[]): void;
  trace(...args: unknown[]): void;
  debug(...args: unknown[]): void;
  info(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
  fatal(...args: unknown[]): void;
}

/** The control calls of the primary, as a worker may use them through the control channel. */
export interface ServerControl extends RouteEdits {
  /** The table of the server, or of a listener that has one, as a copy. */
  routes(listener?: string): Promise<RouteInfo[]>;
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
  /** As of the server. A request in hand, as the one that asks, ends on its old worker. */
  reload(): Promise<ReloadResult>;
  setApp(app: string | URL): Promise<ReloadResult>;
  scale(workers: number): Promise<void>;
  metrics(): Promise<MetricsReport>;
  /** As of the server. Resolves as soon as readiness probes are told, as `close` does. */
  drain(options?: DrainOptions): Promise<void>;
  close(options?: StopOptions): Promise<void>;
}

/** What `init` is given, once per worker thread. */
export interface WorkerInfo {
  readonly id: number;
  readonly generation: number;
  readonly threadId: number;
  readonly server: ServerControl;
  readonly log: Log;
  /** Adds what a registry of prom-client holds, of any version, to `server.metrics()`. */
  registerMetrics(registry: MetricsRegistry): void;
  /** Aborts when the worker starts to drain. */
  readonly signal: AbortSignal;
}

/** As `Registry` of prom-client. */
export interface MetricsRegistry {
  getMetricsAsJSON(): unknown;
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

export interface Endpoint {
  readonly address: string;
  /** Absent on a Unix socket. */
  readonly port?: number;
  readonly family: "IPv4" | "IPv6" | "unix";
}

/** The connection a request came on. */
export interface ConnectionInfo {
  /** Unique within the process, also after the connection has moved to another worker. */
  readonly id: string;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Kept between the requests of the connection, dropped when it closes. */
  readonly state: Record<string, unknown>;
  readonly closed: boolean;
  /** Runs `fn` once when the connection has closed; registering again for an owner replaces. */
  onClose(fn: () => void, owner?: unknown): void;
  offClose(owner: unknown): void;
  /** Closes at once; nothing more is written. */
  abort(): void;
}

/** The trace that a request belongs to (W3C Trace Context). */
export interface TraceContext {
  /** As it came, or of a new trace; to be sent on with requests that this one causes. */
  readonly traceparent: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the caller's span. */
  readonly parentId: string;
  readonly flags: number;
  readonly isSampled: boolean;
  /** The members of `tracestate`, to be sent on too; empty if there are none. */
  readonly state: string;
  /** The request had no valid `traceparent`. */
  readonly isNew: boolean;
}

/** The second argument of a handler: what the standard has no place for. */
export interface Context {
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly connection: ConnectionInfo;
  /** Who asks: as the proxies of `trustProxy` say, else `connection.remote`; its port if known. */
  readonly client: Endpoint;
  readonly params: Record<string, string>;
  /** The header fields as they came: in order, in their spelling, repeated ones not joined. */
  readonly rawHeaders: [name: string, value: string][];
  /**
   * The trailer fields, once the whole body has come: they are never among the headers. Without any
   * it resolves to empty Headers; it rejects as the body does, and for a body nobody has read.
   */
  readonly trailers: Promise<Headers>;
  readonly server: ServerControl;
  /** The worker's log; its lines have this request's `requestId` and `traceId`. */
  readonly log: Log;
  /** Of the field that the option `requestIdHeader` names, or made up; the same in both logs. */
  readonly requestId: string;
  readonly trace: TraceContext;
  /** `trace.traceparent`. */
  readonly traceparent: string;
  /**
   * The same as `request.signal`: aborts at FIN or a reset of the client before the answer is
   * complete, never by what the server cuts itself; `connection.onClose` tells of every end.
   */
  readonly signal: AbortSignal;
  /** Lets the worker live until the promise has settled; a rejection is logged. */
  waitUntil(promise: Promise<unknown>): void;
  /**
   * Sends an interim answer, such as 103 with `Link`, ahead of the final one; 100 asks the client
   * for its body. Clients of HTTP/1.0 get none.
   */
  informational(status: number, headers?: ConstructorParameters<typeof Headers>[0]): void;
  /**
   * Adds fields behind the body of the answer, which is chunked then. Once the body is being sent
   * only those that the Response's `Trailer` header names.
   */
  addTrailers(headers: ConstructorParameters<typeof Headers>[0]): void;
  /** Declines: resolves to the answer of the next matching handler. */
  next(): Promise<Response>;
}

/**
 * What subscribers of the tracing channel `millrace:request` (`node:diagnostics_channel`) are
 * given: one object for all events of one run of a handler, to which they may add what is theirs.
 */
export interface RequestTrace {
  /** Made when first asked for. */
  readonly request: MillraceRequest;
  readonly context: Context;
  readonly method: string;
  /** The pattern of the route; empty for the app's `fetch`. */
  readonly route: string;
  readonly listener: { readonly id: string; readonly name: string };
  /** At `end`: the handler has returned a promise, and `asyncStart` and `asyncEnd` follow. */
  readonly isAsync: boolean;
  /** What the handler has returned, or its promise resolved to; `undefined` if it declined. */
  readonly result?: unknown;
  /** The result, if it is a Response. */
  readonly response?: Response;
  /**
   * From `end` on, or from `asyncEnd` on for a promise; absent if the handler declined. After an
   * error it is that of the HttpError, else 500, which the app's `error` may still change.
   */
  readonly status?: number;
  /** What the handler has thrown, or its promise was rejected with. */
  readonly error?: unknown;
}

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

/** What `reload` and `setApp` have come to; also the detail of the event `reload`. */
export interface ReloadResult {
  /** The number of the generation that serves now; the first one is 1. */
  readonly generation: number;
  /** How many workers it has. */
  readonly workers: number;
}

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
  /** Stops without the delay of `drain`, also one that is under way. */
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
  close(options?: StopOptions): Promise<void>;
}
