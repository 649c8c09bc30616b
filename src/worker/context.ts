/**
 * The second argument of a handler: what the standard has no place for. Thread: the engine's.
 */
import type { Connection, Connections } from "./connections.ts";
import type {
  ConnectionInfo, Context, Endpoint, Handler, Log, RouteName, ServerControl, TraceContext,
} from "../shared/app.ts";
import type { Pins } from "./pins.ts";
import type { Publishable } from "../shared/published.ts";
import type { Reply, ReplyOptions } from "../shared/reply.ts";
import { FLAG_HTTP10 } from "../shared/layout.ts";
import { pairsOf } from "../shared/raw-fields.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenerView } from "./listener-sites.ts";
import type { SocketHandler, UpgradeOptions } from "../shared/upgrades.ts";
import type { SocketAddress, WebSocketUpgradeOptions } from "../shared/websockets.ts";
import { replyOr, sinkOf } from "./reply-sink.ts";
import type { LightRequest } from "./request.ts";
import type { LightResponse } from "./response.ts";
import { type Rewrite, rewriteOf } from "./rewrite.ts";
import { RequestIdentity, type RequestNames } from "./request-identity.ts";
import type { Topics } from "./topics.ts";
import type { Upgrades } from "./upgrade.ts";
import type { WebSockets } from "./websockets.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** What a context asks of its engine. */
export interface ContextHost {
  readonly log: Log;
  readonly names: RequestNames;
  readonly server: ServerControl;
  readonly topics: Topics;
  readonly upgrades: Pick<Upgrades, "offer">;
  readonly webSockets: Pick<WebSockets, "upgrade" | "count">;
  readonly pins: Pins;
  connectionOf(exchange: Exchange): Connection;
  readonly connections: Connections;
  clientOf(exchange: Exchange): Endpoint;
  waitUntil(promise: Promise<unknown>): void;
  next(exchange: Exchange, context: HandlerContext): Promise<Response>;
  informational(exchange: Exchange, status: number, headers: HeadersInit): void;
  addTrailers(exchange: Exchange, headers: HeadersInit): void;
  reply(exchange: Exchange, options: ReplyOptions | undefined): Reply;
}

/** Changes the headers of an answer. */
export type HeaderEdit = (headers: Headers) => void;

export class HandlerContext implements Context {
  readonly #host: ContextHost;
  readonly #exchange: Exchange;
  #trailers: Promise<Headers> | null = null;
  #identity: RequestIdentity | null = null;
  #client: Endpoint | null = null;
  /** What is answered if the handler does not: it wanted a WebSocket that cannot be. */
  refusal: LightResponse | null = null;
  /** What wrappers do to the answer that is made of an error. */
  failureEdits: HeaderEdit[] | null = null;
  /** What the handler has asked for, should it decline. */
  #rewrite: Rewrite | null = null;
  #passes = 1;
  /** Of the handler whose `next()` has settled; it counts until the request goes on. */
  #outer: { readonly request: LightRequest; readonly at: number } | null = null;
  /** Who holds the context may go on with it. */
  #reply: Reply | null = null;

  constructor(host: ContextHost, exchange: Exchange) {
    this.#host = host;
    this.#exchange = exchange;
  }

  get route(): RouteName {
    const { id, route: pattern } = this.#exchange.step;
    return { id, pattern };
  }

  get listener(): ListenerView {
    return this.#exchange.site.view;
  }

  get connection(): ConnectionInfo {
    return this.#host.connectionOf(this.#exchange);
  }

  connectionById(id: string): ConnectionInfo {
    return this.#host.connections.byId(id);
  }

  get client(): Endpoint {
    return (this.#client ??= this.#host.clientOf(this.#exchange));
  }

  get params(): Record<string, string> {
    return this.#present().params;
  }

  /** The URL that the client has, whatever it was rewritten to. Not for apps. */
  get receivedUrl(): string {
    return this.#exchange.receivedUrl();
  }

  /** Of HTTP, as the client has it. Not for apps. */
  get version(): "1.0" | "1.1" {
    return (this.#exchange.flags & FLAG_HTTP10) === 0 ? "1.1" : "1.0";
  }

  get rawHeaders(): [name: string, value: string][] {
    return pairsOf(this.#exchange.receivedHeaders());
  }

  get trailers(): Promise<Headers> {
    if (this.#trailers === null) {
      this.#trailers = this.#exchange.requestTrailers();
      this.#trailers.catch(() => {}); // who only looked need not handle that they never came
    }
    return this.#trailers;
  }

  get server(): ServerControl {
    return this.#host.server;
  }

  get log(): Log {
    return this.#identify().log;
  }

  get requestId(): string {
    return this.#identify().requestId;
  }

  get trace(): TraceContext {
    return this.#identify().trace;
  }

  get traceparent(): string {
    return this.#identify().trace.traceparent;
  }

  #identify(): RequestIdentity {
    const { names, log } = this.#host;
    return (this.#identity ??= new RequestIdentity(names, this.#exchange, log));
  }

  get signal(): AbortSignal {
    return this.#exchange.open().signal;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#host.waitUntil(promise);
  }

  informational(status: number, headers?: HeadersInit): void {
    this.#host.informational(this.#exchange, status, headers);
  }

  addTrailers(headers: HeadersInit): void {
    this.#host.addTrailers(this.#exchange, headers);
  }

  reply(options?: ReplyOptions): Reply {
    // Of several handlers with this context an inner one's is held by its sink.
    if (sinkOf(this.#exchange) !== null) return this.#host.reply(this.#exchange, options);
    return (this.#reply ??= this.#host.reply(this.#exchange, options));
  }

  publish(topic: string, data: Publishable, compress: boolean = false): number {
    return this.#host.topics.publish(topic, data, compress);
  }

  subscriberCount(topic: string): number {
    return this.#host.topics.count(topic);
  }

  upgrade(handler: SocketHandler, options?: UpgradeOptions): Response;
  upgrade(request: Request, options?: WebSocketUpgradeOptions): boolean;
  upgrade(
    what: SocketHandler | Request,
    options?: UpgradeOptions & WebSocketUpgradeOptions,
  ): Response | boolean {
    const isHandler = typeof (what as SocketHandler | null)?.start === "function";
    if (isHandler || !(what instanceof Request)) {
      return this.#host.upgrades.offer(this.#exchange, what as SocketHandler, options);
    }
    const upgrade = this.#host.webSockets.upgrade(this.#exchange, options);
    this.refusal = upgrade.isDone ? null : upgrade.refusal;
    return upgrade.isDone;
  }

  get pendingWebSockets(): number {
    return this.#host.webSockets.count;
  }

  requestIP(_request: Request): SocketAddress | null {
    const { remote, closed } = this.connection;
    const { address, port, family } = remote;
    if (closed || port === undefined || family === "unix") return null;
    return { address, port, family };
  }

  pin(handler?: Handler): boolean {
    return this.#host.pins.pin(this.#exchange, handler);
  }

  unpin(): void {
    this.#host.pins.unpin(this.#exchange);
  }

  rewrite(location: string): undefined {
    this.#rewrite = rewriteOf(this.#exchange, location, this.#passes);
  }

  /** Once: it is being followed. */
  takeRewrite(): Rewrite | null {
    const rewrite = this.#rewrite;
    if (rewrite === null) return null;
    this.#rewrite = null;
    this.#passes++;
    return rewrite;
  }

  /** An error goes through a wrapper, which would have edited an answer. */
  onFailure(edit: HeaderEdit): void {
    (this.failureEdits ??= []).push(edit);
  }

  async next(): Promise<Response> {
    const request = this.#present();
    try {
      return await this.#host.next(this.#exchange, this);
    } finally {
      this.#outer = { request, at: this.#exchange.at };
    }
  }

  /** The Request of the handler that runs. */
  #present(): LightRequest {
    const outer = this.#outer;
    return outer !== null && outer.at === this.#exchange.at ? outer.request : this.#exchange.open();
  }

  /** What a handler answers that somebody wraps: of one that writes, too, a Response. */
  answerOf(call: () => unknown): Promise<unknown> {
    return replyOr(this.#exchange, call);
  }
}
