/** What a handler is, and what it is given: the request and the context. Types only. */
import type { ConnectionInfo, Endpoint } from "./connection-info.ts";
import type { Log } from "./log.ts";
import type { Publishable } from "./published.ts";
import type { Reply, ReplyOptions } from "./reply.ts";
import type { MillraceRequest } from "./request.ts";
import type { ServerControl } from "./server-control.ts";
import type { SocketHandler, UpgradeOptions } from "./upgrades.ts";
import type { SocketAddress, WebSocketUpgradeOptions } from "./websockets.ts";

export type { MillraceRequest } from "./request.ts";

/** What a handler may return. `undefined` declines: the next matching handler is asked. */
export type HandlerResult = Response | string | Uint8Array | ArrayBuffer | undefined | void;

/** A fetch-style handler. */
export type FetchHandler<Params = Record<string, string>> = (
  request: MillraceRequest<Params>,
  context: Context,
  ctx: Context,
) => HandlerResult | Promise<HandlerResult>;

/**
 * A handler object: `match` decides, `handle` answers, `close` runs once when the worker ends. What
 * it says of bodies and of time counts for its requests in place of the options of the same name.
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
  /** From the call of `handle` to the head of its answer; then 503. 0 sets no limit. */
  handlerTimeoutMs?: number;
  /** How long the body may make no progress while the server reads it; then 408. */
  bodyTimeoutMs?: number;
  /** How long the client may take nothing of what waits to be written to it. */
  writeTimeoutMs?: number;
  close?(): void | Promise<void>;
}

export type Handler = FetchHandler | HandlerObject;

/** The second argument of a handler: what the standard has no place for. */
export interface Context {
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly connection: ConnectionInfo;
  /**
   * Another open connection of this worker, by the id that some handler has read of it, such as to
   * take back a close handler. Throws ERR_MILLRACE_CONNECTION_UNKNOWN.
   */
  connectionById(id: string): ConnectionInfo;
  /** Who asks: as the proxies of `trustProxy` say, else `connection.remote`; its port if known. */
  readonly client: Endpoint;
  readonly params: Record<string, string>;
  /** Which route's handler runs. */
  readonly route: RouteName;
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
   * complete, or when an earlier answer of a pipeline ends the connection, never by what the server
   * cuts itself; `connection.onClose` tells of every end.
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
  /**
   * A writer for the answer, for handlers that write rather than return: what they return then
   * counts for nothing, and a Response is an error. Later calls give the same writer. Throws
   * ERR_MILLRACE_RESPONSE_SENT once there is an answer.
   */
  reply(options?: ReplyOptions): Reply;
  /**
   * Sends a message to every WebSocket that has subscribed to the topic, on all workers of the
   * server and, with a `broker`, on other servers. Strings go out as text, bytes as binary.
   * Returns the bytes of the message. Throws a TypeError for what is neither.
   */
  publish(topic: string, data: Publishable, compress?: boolean): number;
  /** How many WebSockets of this worker have subscribed; of all: `server.subscriberCount`. */
  subscriberCount(topic: string): number;
  /**
   * The answer that switches the connection over to another protocol, 101 or 200 to CONNECT, and
   * gives its socket to `handler`; to be returned. What cannot be switched is an ordinary answer
   * instead, as its `status` tells: 400 where the request asks for none, its body has not been read
   * or the connection is to be closed, 426 for another protocol, 503 while the listener or the
   * handler stops. After earlier answers are sent it is decided again.
   */
  upgrade(handler: SocketHandler, options?: UpgradeOptions): Response;
  /**
   * Makes a WebSocket of the connection for the app's `websocket`, as in Bun. True: the request has
   * been answered, and what the handler returns counts for nothing. False: it is the handler's to
   * answer. If it asked for a WebSocket and cannot have one, and the handler returns nothing, the
   * answer says why: 400 for a key or another field that is not valid, 426 for another version
   * than 13, 503 while the listener stops. Throws ERR_MILLRACE_WEBSOCKET_NONE without `websocket`.
   */
  upgrade(request: Request, options?: WebSocketUpgradeOptions): boolean;
  /** WebSockets of this worker that have not closed. */
  readonly pendingWebSockets: number;
  /** Who is at the other end of the connection; null on a Unix socket, or when it has closed. */
  requestIP(request: Request): SocketAddress | null;
  /**
   * Should the handler decline, or its `match`, the request goes through the routes again from the
   * top, under this path: it begins with a slash, is encoded as that of a URL, and keeps the query
   * of the request unless it has one of its own. Method, headers and body stay. Returns undefined,
   * so that `return context.rewrite("/new")` declines. A request goes through the routes 16 times
   * at most: what would begin another pass throws ERR_MILLRACE_REWRITE_LOOP; for what is no path it
   * is ERR_MILLRACE_REWRITE_INVALID.
   */
  rewrite(location: string): undefined;
  /**
   * Gives all further requests of the connection to `handler`, by default the one that runs, until
   * `unpin()`: no route is matched for them, and the connection may be idle for as long as it
   * likes. What it declines goes through the routes. The connection stays with its worker. Safe
   * requests of a pipeline that were handed out before the call stay with their routes: pin before
   * the first `await`. False: it is not pinned, since it ends with this answer or is about to be
   * drained.
   */
  pin(handler?: Handler): boolean;
  unpin(): void;
  /** Declines: resolves to the answer of the next matching handler. */
  next(): Promise<Response>;
}

/** What a row of the table of routes is called. */
export interface RouteName {
  /** Empty for the app's `fetch`. */
  readonly id: string;
  /** What matched: the pattern, of a row of the ordered table its path, prefix or expression. */
  readonly pattern: string;
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
  /** What it returned, or its promise resolved to; `undefined` if it declined, or wrote a reply. */
  readonly result?: unknown;
  /** The result, if it is a Response. */
  readonly response?: Response;
  /**
   * From `end` on, or from `asyncEnd` on for a promise; absent if there is no `result`. After an
   * error it is that of the HttpError, else 500, which the app's `error` may still change.
   */
  readonly status?: number;
  /** What the handler has thrown, or its promise was rejected with. */
  readonly error?: unknown;
}
