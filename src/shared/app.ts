/**
 * The public types of an app: what a module's default export may be. Types only, so both threads
 * and the users of the package can import them.
 */
import type { Broker } from "./broker.ts";
import type { WebSocketHandler } from "./websockets.ts";
import type { RouteConditions } from "./conditions.ts";
import type { ConnectionInfo } from "./connection-info.ts";
import type {
  Context, FetchHandler, Handler, HandlerObject, HandlerResult, MillraceRequest,
} from "./context.ts";
import type { DebugText } from "./debug.ts";
import type { ClientErrorInfo, RequestInfo, ResponseInfo } from "./hook-infos.ts";
import type { ListenerPlace } from "./listener-options.ts";
import type { Log } from "./log.ts";
import type { RouteRow } from "./routes.ts";
import type { ServerControl } from "./server-control.ts";

export type * from "./connection-info.ts";
export type * from "./context.ts";
export type * from "./cookies.ts";
export type * from "./debug.ts";
export type * from "./hook-infos.ts";
export type * from "./listener-info.ts";
export type * from "./log.ts";
export type * from "./records.ts";
export type * from "./reply.ts";
export type * from "./server-control.ts";
export type * from "./stats.ts";
export type * from "./upgrades.ts";
export type * from "./websockets.ts";

/** What `serve()` and `addListener()` take of a listener; docs/options.md has the meaning. */
export interface ListenerOptions extends ListenerPlace {
  app?: string | URL | App | FetchHandler | undefined;
  routes?: string | readonly RouteRow[] | undefined;
}

/**
 * Makes a handler object for each connection, when its first request reaches the route. What is
 * made is closed with its connection, which stays with its worker until then; a connection that a
 * crash of its worker cuts is gone with its object, whose `close` is not run. What the factory says
 * of bodies and of time counts for all that it makes.
 */
export interface HandlerFactory extends Omit<HandlerObject, "match" | "handle"> {
  perConnection(connection: ConnectionInfo): HandlerObject;
}

/**
 * One row of the ordered table: the first that the request meets with all its conditions answers,
 * or declines, and then the rows behind it are asked. Without conditions it takes every request.
 */
export interface TableRoute extends RouteConditions {
  /**
   * A handler, a constant answer, one of either per method, or the name of one of `handlers` or of
   * those that are there in every app.
   */
  readonly handler: Route;
  /** In capitals, one or several. Without it all that the handler takes. */
  readonly method?: string | readonly string[];
  /** The same as `method`; both together are an error. */
  readonly methods?: string | readonly string[];
  /**
   * Asked when the conditions hold, before `match`: it answers whoever may not go on, or declines,
   * as `authenticated` of `millrace/authentication` does without a handler.
   */
  readonly auth?: Handler;
  /** The last that is asked. */
  readonly match?: (request: MillraceRequest, context: Context) => boolean;
  /** A name of its own, not beginning with a slash; made up if it is not given. */
  readonly id?: string;
  /** It stays in the table and answers nothing. */
  readonly disabled?: boolean;
}

/**
 * A string: a name of the app's `handlers`, or of those that are there in every app. The type says
 * what a string has, for beside `string` itself, which has a `match` as well, nothing would tell
 * what the `match` of a handler object is given.
 */
export type HandlerName = Pick<string, "charCodeAt" | "codePointAt">;

/** What answers the requests of a route, or those of one method. */
export type RouteHandler = Handler | HandlerFactory | Response | HandlerName;

/**
 * One route: a handler for every method, a constant answer, or one of either per method. The type
 * has methods in capitals, as they must be: with other names among them nothing would tell what the
 * functions of a handler object are given.
 */
export type Route = RouteHandler | { readonly [method: Uppercase<string>]: RouteHandler };

/** Handlers by name, for routes that name theirs; pairs, if a name given twice is to be refused. */
export type NamedHandlers =
  | { readonly [name: string]: Route }
  | readonly (readonly [name: string, handler: Route])[];

/** The default export of an app module: at least one of `table`, `routes`, `fetch`, `handlers`. */
export interface App<WebSocketData = unknown> {
  /** Asked in its order, before `routes`. */
  table?: readonly TableRoute[];
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
  /**
   * What the log of a listener with `debug` shows in place of the text, which is without the values
   * of `maskFields` already. If it fails, or gives no string, nothing of the text is shown.
   */
  debugMask?(text: string, what: DebugText): string;
  /**
   * Joins the topics of several servers, as `redisBroker` of `millrace/redis` does. That of the
   * server's app counts; an app of a listener has none.
   */
  broker?: Broker;
  /** What is done with the WebSockets that `context.upgrade(request)` makes. */
  websocket?: WebSocketHandler<WebSocketData>;
  init?(worker: WorkerInfo): void | Promise<void>;
  close?(): void | Promise<void>;
  /** As in Bun: used when neither an option, a flag, the environment nor a file says otherwise. */
  port?: number;
  hostname?: string;
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
