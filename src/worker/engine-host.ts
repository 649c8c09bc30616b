/**
 * What requests, contexts and connections ask of the engine they came through. Thread: the
 * engine's.
 */
import type { Endpoint, Log, ServerControl } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import {
  FLAG_HTTP10,
  KIND_ABORT,
  KIND_BODY_CLOCK,
  KIND_CONTINUE,
  KIND_PAUSE_BODY,
  KIND_RESUME_BODY,
  KIND_WRITE_CLOCK,
} from "../shared/layout.ts";
import type { Reply, ReplyOptions } from "../shared/reply.ts";
import type { ServeTask } from "../shared/messages.ts";
import {
  type EngineBlocks, type Handle, type Native, type NativeConnection, READINESS,
} from "../native.ts";
import type { Answers } from "./answers.ts";
import { Background } from "./background.ts";
import type { HandlerTimes } from "./body-rules.ts";
import {
  type Connection, type ConnectionHost, Connections, endedBefore, peerGone,
} from "./connections.ts";
import type { ContextHost, HandlerContext } from "./context.ts";
import { ClientErrors } from "./client-errors.ts";
import { DedicatedSockets } from "./dedicated-sockets.ts";
import type { Dispatcher, DispatchHost } from "./dispatcher.ts";
import { EnteredRoute } from "./entered-route.ts";
import type { Exchange, ExchangeHost } from "./exchange.ts";
import type { ForwardedOrigin } from "./forwarded.ts";
import { HandlerClocks } from "./handler-clocks.ts";
import { type ListenerSite, ListenerSites } from "./listener-sites.ts";
import type { BodyFlow } from "./request-body.ts";
import { takeReply } from "./reply.ts";
import { RequestNames } from "./request-identity.ts";
import type { ResponseParts } from "./response-parts.ts";
import { interimLines } from "./response-rules.ts";
import { addTrailers } from "./response-trailers.ts";
import type { RouteTables } from "./route-tables.ts";
import { Pins } from "./pins.ts";
import type { Rings } from "./rings.ts";
import type { Topics } from "./topics.ts";
import { Tracing } from "./tracing.ts";
import { Upgrades, type UpgradesHost } from "./upgrade.ts";
import { WebSockets, type WebSocketsHost } from "./websockets.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** What an engine is made from. */
export interface EngineSetup {
  readonly task: ServeTask;
  readonly tables: RouteTables;
  readonly log: Log;
  readonly server: ServerControl;
  readonly topics: Topics;
  /** A listener that was asked to stop has no connection left here. */
  onDrained(listener: number): void;
  /** The worker was retired, and its last connection has gone. */
  onRetired(): void;
  /** The primary is to know a route by this number. */
  onRoute(mark: number, route: string): void;
}

export class EngineHost
implements ExchangeHost, ConnectionHost, ContextHost, DispatchHost, UpgradesHost,
  WebSocketsHost {
  readonly log: Log;
  readonly names: RequestNames = new RequestNames();
  readonly sites: ListenerSites;
  readonly isDevelopment: boolean;
  readonly server: ServerControl;
  readonly topics: Topics;
  readonly slots: Int32Array;
  readonly tracing: Tracing = new Tracing();
  readonly entered: EnteredRoute;
  readonly connections: Connections;
  readonly clientErrors: ClientErrors;
  /** Sockets that handlers have taken over. */
  readonly sockets: DedicatedSockets;
  readonly upgrades: Upgrades;
  readonly webSockets: WebSockets;
  readonly pins: Pins;
  readonly clocks: HandlerClocks = new HandlerClocks((exchange) =>
    this.dispatcher.failures.expire(exchange));
  readonly background: Background;
  /** Set by the engine, which needs this object to make it. */
  dispatcher!: Dispatcher;
  /** Set by the engine, too. */
  answers!: Answers;
  readonly #native: Native;
  readonly #handle: Handle;
  readonly #rings: Rings;
  /** Bytes that the worker may hold for its connections. */
  readonly #memoryMax: number;
  /** Those that were asked to stop, and have not been seen to listen again. */
  readonly #stopping = new Set<number>();

  constructor(
    native: Native,
    { handle, route }: EngineBlocks,
    rings: Rings,
    setup: EngineSetup,
  ) {
    this.#native = native;
    this.#handle = handle;
    this.#rings = rings;
    this.entered = new EnteredRoute(route, (mark, name) => setup.onRoute(mark, name));
    this.#memoryMax = setup.task.options.memoryBytesMax || Infinity;
    this.log = setup.log;
    this.background = new Background(setup.log);
    this.sites = new ListenerSites(native, this, setup.task.listeners);
    this.listenersChanged();
    this.isDevelopment = setup.task.options.development;
    this.server = setup.server;
    this.topics = setup.topics;
    this.slots = rings.slots;
    this.connections = new Connections(this);
    this.sockets = new DedicatedSockets(setup.log);
    this.upgrades = new Upgrades(rings, this);
    this.webSockets = new WebSockets(this);
    this.pins = new Pins(this);
    this.clientErrors = new ClientErrors(
      setup.tables, (listener) => this.siteOf(listener), this.connections, this.log,
    );
  }

  // Of an exchange.

  siteOf(listener: number): ListenerSite {
    return this.sites.at(listener);
  }

  isUniform(parts: ResponseParts): boolean {
    return this.sites.isUniform(parts);
  }

  /** What is made of the settings of all of them, by index. */
  listenersChanged(): void {
    // Native formats the access log, with the ids that requests have here.
    const fields = this.sites.facts.map((facts) => (
      (facts?.settings.requestIdHeader ?? "").toLowerCase()
    ));
    this.#native.engineNames(this.#handle, this.names.prefix, fields);
  }

  /** Null: what proxies say is not in the URL. */
  forwardedOrigin(exchange: Exchange): ForwardedOrigin | null {
    const { forwarded } = exchange.site;
    if (forwarded === null) return null;
    return forwarded.origin(exchange, this.connections.infoOf(exchange).remote);
  }

  localOrigin(exchange: Exchange): string {
    const local = this.connectionFacts(exchange.slot, exchange.generation)?.local;
    const { scheme } = exchange.site;
    if (local?.port === undefined) return `${scheme}//localhost`;
    const host = local.family === "IPv6" ? `[${local.address}]` : local.address;
    return new URL(`${scheme}//${host}:${local.port}`).origin;
  }

  flowOf(exchange: Exchange): BodyFlow {
    const { slot, generation, sequence } = exchange;
    const rings = this.#rings;
    return {
      get bodyLimits() {
        return exchange.bodyLimits;
      },
      pauseBody: () => rings.signal(KIND_PAUSE_BODY, slot, generation, sequence),
      resumeBody: () => rings.signal(KIND_RESUME_BODY, slot, generation, sequence),
      hold: (bytes) => exchange.hold(bytes),
      expectBody: () => rings.signal(KIND_CONTINUE, slot, generation, sequence),
    };
  }

  hold(bytes: number): boolean {
    return this.#rings.hold(bytes) <= this.#memoryMax;
  }

  isConnected({ slot, generation }: Exchange): boolean {
    return this.connections.isOpen(slot, generation);
  }

  signalOf(exchange: Exchange): AbortSignal {
    if (exchange.abort === null) {
      this.decideSignal(exchange);
      if (!exchange.isComplete && !exchange.abort!.signal.aborted) this.track(exchange);
    }
    return exchange.abort!.signal;
  }

  decideSignal(exchange: Exchange): void {
    if (exchange.abort !== null) return;
    exchange.abort = new AbortController();
    if (exchange.isComplete) return;
    if (this.connections.isPeerGone(exchange.slot)) exchange.abort.abort(peerGone());
    else if (this.connections.isBehindLast(exchange)) exchange.abort.abort(endedBefore());
  }

  track(exchange: Exchange): void {
    const { slot, generation } = exchange;
    if (!this.connections.isOpen(slot, generation)) {
      this.decideSignal(exchange);
      return;
    }
    exchange.isTracked = true;
    this.connections.of(slot, generation).pending.add(exchange);
    this.clientErrors.watch(exchange);
  }

  time(exchange: Exchange, times: Partial<HandlerTimes>): void {
    const { slot, generation, sequence, site: { settings } } = exchange;
    const { debug } = settings;
    if (typeof debug === "object" && debug.timeouts === false) return; // no clock runs there
    const { handlerTimeoutMs, bodyTimeoutMs, writeTimeoutMs } = { ...settings, ...times };
    this.clocks.set(exchange, handlerTimeoutMs);
    this.#rings.signal(KIND_BODY_CLOCK, slot, generation, sequence, bodyTimeoutMs);
    this.#rings.signal(KIND_WRITE_CLOCK, slot, generation, sequence, writeTimeoutMs);
  }

  answerFailed(exchange: Exchange, error: unknown): void {
    if (exchange.isAnswered) this.dispatcher.failures.cut(exchange, error);
    else this.dispatcher.fail(exchange, error);
  }

  refuseSwitch(exchange: Exchange, parts: ResponseParts, flags: number): ResponseParts | null {
    return this.upgrades.refuse(exchange, parts, flags);
  }

  switched(exchange: Exchange, parts: ResponseParts): void {
    this.upgrades.begin(exchange, parts);
  }

  // Of an upgrade.

  /** The stop of a listener has reached this worker. */
  stopBegins(listener: number): void {
    this.#stopping.add(listener);
  }

  /** While a server drains its probes are told the same, so both are asked. */
  isStopping(listener: number): boolean {
    if (!this.#stopping.has(listener)) return false;
    if (this.#native.engineReadiness(this.#handle, listener) === READINESS.draining) return true;
    this.#stopping.delete(listener); // it listens again
    return false;
  }

  setSocketOption(slot: number, generation: number, option: number, value: number): void {
    this.#native.engineSocketOption(this.#handle, slot, generation, option, value);
  }

  // Of a connection.

  connectionFacts(slot: number, generation: number): NativeConnection | undefined {
    return this.#native.engineConnection(this.#handle, slot, generation);
  }

  abortConnection(slot: number, generation: number): void {
    this.#rings.signal(KIND_ABORT, slot, generation);
  }

  // Of a context, and of the debug log.

  requestIdOf(exchange: Exchange): string {
    return this.names.idOf(exchange);
  }

  clientOf(exchange: Exchange): Endpoint {
    const { remote } = this.connections.infoOf(exchange);
    return exchange.site.forwarded?.client(exchange, remote) ?? remote;
  }

  connectionOf(exchange: Exchange): Connection {
    return this.connections.infoOf(exchange);
  }

  informational(exchange: Exchange, status: number, headers: HeadersInit): void {
    const lines = interimLines(status, headers);
    if (exchange.isAnswered) throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    exchange.site.debug?.interim(exchange, status, lines);
    if (status === 100) this.flowOf(exchange).expectBody();
    else if ((exchange.flags & FLAG_HTTP10) === 0) this.answers.interim(exchange, status, lines);
  }

  addTrailers(exchange: Exchange, headers: HeadersInit): void {
    addTrailers(exchange, headers);
  }

  reply(exchange: Exchange, options: ReplyOptions | undefined): Reply {
    return takeReply(this, exchange, options);
  }

  next(exchange: Exchange, context: HandlerContext): Promise<Response> {
    return this.dispatcher.next(exchange, context);
  }

  waitUntil(promise: Promise<unknown>): void {
    this.background.add(promise);
  }
}
