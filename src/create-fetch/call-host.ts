/**
 * What requests, contexts and replies ask of the engine that they came through, where there is
 * none: each call of the app is the only request of a connection that nobody has opened. Thread:
 * that of the caller.
 */
import type { Endpoint, Log, ServerControl } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { SLOT_GENERATION, SLOT_WORDS } from "../shared/layout.ts";
import type { ListenerFacts } from "../shared/messages.ts";
import type { Reply, ReplyOptions } from "../shared/reply.ts";
import { loadNative, type NativeConnection } from "../native.ts";
import { Background } from "../worker/background.ts";
import type { HandlerTimes } from "../worker/body-rules.ts";
import { ClientErrors } from "../worker/client-errors.ts";
import {
  type Connection, type ConnectionHost, Connections, peerGone,
} from "../worker/connections.ts";
import type { ContextHost, HandlerContext } from "../worker/context.ts";
import { Dispatcher, type DispatchHost } from "../worker/dispatcher.ts";
import { EnteredRoute } from "../worker/entered-route.ts";
import type { Exchange, ExchangeHost } from "../worker/exchange.ts";
import type { ForwardedOrigin } from "../worker/forwarded.ts";
import { HandlerClocks } from "../worker/handler-clocks.ts";
import { Isolation } from "../worker/isolation.ts";
import { type ListenerSite, ListenerSites } from "../worker/listener-sites.ts";
import { Pins } from "../worker/pins.ts";
import { takeReply } from "../worker/reply.ts";
import type { BodyFlow } from "../worker/request-body.ts";
import { RequestNames } from "../worker/request-identity.ts";
import { interimLines } from "../worker/response-rules.ts";
import { addTrailers } from "../worker/response-trailers.ts";
import type { RouteTables } from "../worker/route-tables.ts";
import type { Topics } from "../worker/topics.ts";
import { Tracing } from "../worker/tracing.ts";
import { needsSocket } from "./absent-server.ts";
import { type AnswerEnd, FetchedAnswers } from "./fetched-answers.ts";
import type { GivenBody } from "./given-body.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** Who calls, as handlers see it. */
export const REMOTE = { address: "127.0.0.1", port: 49_152, family: "IPv4" } as const;
const LOCAL: Endpoint = { address: "127.0.0.1", port: 80, family: "IPv4" };

/** Calls at once. */
const CALLS_MAX = 4096;

export interface CallHostSetup {
  readonly tables: RouteTables;
  readonly topics: Topics;
  readonly server: ServerControl;
  readonly log: Log;
  readonly listeners: readonly ListenerFacts[];
  readonly isDevelopment: boolean;
  /** Nothing more comes of a call. */
  ended(exchange: Exchange, end: AnswerEnd): void;
}

export class CallHost implements ExchangeHost, ConnectionHost, ContextHost, DispatchHost {
  readonly log: Log;
  readonly server: ServerControl;
  readonly topics: Topics;
  readonly isDevelopment: boolean;
  readonly names: RequestNames = new RequestNames();
  readonly tracing: Tracing = new Tracing();
  readonly entered: EnteredRoute = new EnteredRoute(new ArrayBuffer(4), () => {});
  readonly slots: Int32Array = new Int32Array(CALLS_MAX * SLOT_WORDS);
  readonly connections: Connections = new Connections(this);
  readonly sites: ListenerSites;
  readonly clientErrors: ClientErrors;
  readonly pins: Pins;
  readonly answers: FetchedAnswers;
  readonly dispatcher: Dispatcher;
  readonly clocks: HandlerClocks = new HandlerClocks((exchange) =>
    this.dispatcher.failures.expire(exchange));
  readonly background: Background;
  readonly upgrades: ContextHost["upgrades"] & { readonly isRetired: boolean };
  readonly webSockets: ContextHost["webSockets"];
  readonly #ended: CallHostSetup["ended"];
  readonly #free: number[] = [];
  #used = 0;
  #generation = 0;
  /** The body of the request that is being made. */
  body: GivenBody | null = null;

  constructor(setup: CallHostSetup) {
    this.log = setup.log;
    this.background = new Background(setup.log);
    this.server = setup.server;
    this.topics = setup.topics;
    this.isDevelopment = setup.isDevelopment;
    this.#ended = (exchange, end) => setup.ended(exchange, end);
    this.sites = new ListenerSites(loadNative(), this, setup.listeners);
    this.clientErrors = new ClientErrors(
      setup.tables, (listener) => this.siteOf(listener), this.connections, this.log,
    );
    this.pins = new Pins(this);
    this.answers = new FetchedAnswers(this);
    this.dispatcher = new Dispatcher(this.answers, this, new Isolation());
    this.upgrades = {
      isRetired: false,
      offer: (exchange) => this.#refuse(exchange, "context.upgrade()"),
    };
    this.webSockets = {
      count: 0,
      upgrade: (exchange) => this.#refuse(exchange, "context.upgrade()"),
    };
  }

  /** The call fails with the error, whatever the app makes of it. */
  #refuse(exchange: Exchange, what: string): never {
    const error = needsSocket(what);
    exchange.isAnswered = true;
    this.answers.refuse(exchange, error);
    throw error;
  }

  // Of a call.

  /** A connection of its own. Throws if there are too many. */
  connect(): { readonly slot: number; readonly generation: number } {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= CALLS_MAX) {
      this.#used--;
      throw new MillraceError("ERR_MILLRACE_OVERLOADED", `there are ${CALLS_MAX} calls at once`);
    }
    const generation = ++this.#generation;
    this.slots[slot * SLOT_WORDS + SLOT_GENERATION] = generation;
    return { slot, generation };
  }

  disconnect({ slot, generation }: { readonly slot: number; readonly generation: number }): void {
    const info = this.connections.find(slot, generation)?.info ?? null;
    this.slots.fill(0, slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS);
    this.connections.forget(slot);
    this.#free.push(slot);
    info?.runCloseHandlers();
  }

  ended(exchange: Exchange, end: AnswerEnd): void {
    this.#ended(exchange, end);
  }

  // Of an exchange.

  siteOf(listener: number): ListenerSite {
    return this.sites.at(listener);
  }

  localOrigin({ site }: Exchange): string {
    return `${site.scheme}//localhost`;
  }

  forwardedOrigin(exchange: Exchange): ForwardedOrigin | null {
    return exchange.site.forwarded?.origin(exchange, REMOTE) ?? null;
  }

  flowOf(exchange: Exchange): BodyFlow {
    const { body } = this;
    return {
      get bodyLimits() {
        return exchange.bodyLimits;
      },
      pauseBody: () => body?.pause(),
      resumeBody: () => body?.resume(),
      hold: () => true,
      expectBody: () => {},
    };
  }

  hold(): boolean {
    return true;
  }

  isConnected({ slot, generation }: Exchange): boolean {
    return this.connections.isOpen(slot, generation);
  }

  signalOf(exchange: Exchange): AbortSignal {
    this.decideSignal(exchange);
    return exchange.abort!.signal;
  }

  decideSignal(exchange: Exchange): void {
    if (exchange.abort !== null) return;
    exchange.abort = new AbortController();
    if (!exchange.isComplete && !this.isConnected(exchange)) exchange.abort.abort(peerGone());
  }

  track(exchange: Exchange): void {
    if (this.isConnected(exchange)) this.clientErrors.watch(exchange);
  }

  /** `Upgrades` refuses before any answer has the status of a switch. */
  refuseSwitch(): null {
    return null;
  }

  switched(): void {}

  time(exchange: Exchange, times: Partial<HandlerTimes>): void {
    const { handlerTimeoutMs } = { ...exchange.site.settings, ...times };
    this.clocks.set(exchange, handlerTimeoutMs);
  }

  answerFailed(exchange: Exchange, error: unknown): void {
    if (exchange.isAnswered) this.dispatcher.failures.cut(exchange, error);
    else this.dispatcher.fail(exchange, error);
  }

  // Of a connection.

  connectionFacts(slot: number, generation: number): NativeConnection | undefined {
    if (!this.connections.isOpen(slot, generation)) return undefined;
    return { id: generation, remote: REMOTE, local: LOCAL };
  }

  abortConnection(slot: number, generation: number): void {
    const found = this.answers.open.find((each) => (
      each.slot === slot && each.generation === generation
    ));
    if (found !== undefined) this.answers.abort(found);
  }

  isStopping(): boolean {
    return false;
  }

  // Of a context.

  requestIdOf(exchange: Exchange): string {
    return this.names.idOf(exchange);
  }

  clientOf(exchange: Exchange): Endpoint {
    return exchange.site.forwarded?.client(exchange, REMOTE) ?? REMOTE;
  }

  connectionOf(exchange: Exchange): Connection {
    return this.connections.infoOf(exchange);
  }

  /** Nobody sees it: fetch tells its caller of final answers alone. */
  informational(exchange: Exchange, status: number, headers: HeadersInit): void {
    const lines = interimLines(status, headers);
    if (exchange.isAnswered) throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    exchange.site.debug?.interim(exchange, status, lines);
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
