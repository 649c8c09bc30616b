/**
 * Calls of an app without a server: each goes through the routes, the hooks and the rules of a
 * worker, as a request that is the only one of its connection. Any thread.
 */
import { HttpError } from "../shared/errors.ts";
import {
  CLOSED_END,
  DONE_ABORTED,
  DONE_REFUSED,
  EVENT_ADDRESS,
  EVENT_BYTES_F64,
  EVENT_DURATION_F64,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_LISTENER,
  EVENT_PEER,
  EVENT_SLOT,
  EVENT_STATUS,
  EVENT_WORDS,
} from "../shared/layout.ts";
import type { Handle } from "../native.ts";
import { peerGone } from "../worker/connections.ts";
import { Exchange } from "../worker/exchange.ts";
import { hasHooks, Hooks } from "../worker/hooks.ts";
import { nativeListener } from "../worker/native-options.ts";
import { RequestBody } from "../worker/request-body.ts";
import { Targets } from "../worker/targets.ts";
import { CallHost, type CallHostSetup, REMOTE } from "./call-host.ts";
import { type AnswerEnd, refusedResponse } from "./fetched-answers.ts";
import { GivenBody } from "./given-body.ts";
import { type Refusal, RequestRecord } from "./request-record.ts";

/** The listeners of a setup, by the scheme of the URL. */
const HTTP = 0;
const HTTPS = 1;

/** `PeerAddress::Family` of core/request-record.h. */
const IPV4 = 1;

interface Running {
  readonly startedAt: number;
  readonly body: GivenBody | null;
  /** Ends what goes on beside it. */
  readonly release: () => void;
}

export class Calls {
  readonly host: CallHost;
  readonly #words = new ArrayBuffer(EVENT_WORDS * 4);
  readonly #events = new Int32Array(this.#words);
  readonly #numbers = new Float64Array(this.#words);
  readonly #targets: Targets;
  readonly #hooks: Hooks | null;
  readonly #running = new Map<Exchange, Running>();
  readonly #declaredMax: number;
  #reason = "";

  constructor(setup: Omit<CallHostSetup, "ended">) {
    const { tables } = setup;
    this.host = new CallHost({
      ...setup, ended: (exchange, end) => this.#ended(exchange, end),
    });
    this.#targets = new Targets({
      events: this.#events,
      tables,
      host: this.host,
      constants: { bind: () => {} },
      ownRoutes: () => new Map(),
    });
    const { settings } = this.host.siteOf(HTTP);
    this.#declaredMax = nativeListener(settings, tables.server).declaredBodyBytesMax;
    const isHooked = hasHooks(tables.server.app) || this.host.siteOf(HTTP).debug !== null;
    const told = { events: this.#events, eventNumbers: this.#numbers };
    const native = { engineReason: () => this.#reason };
    this.#hooks = isHooked
      ? new Hooks(tables, native, null as unknown as Handle, told, this.host)
      : null;
  }

  /** Rejects with the reason of its signal, or as the app has left it without an answer. */
  async call(request: Request): Promise<Response> {
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    const { method, headers } = request;
    const body = await GivenBody.of(request.body);
    request.signal.throwIfAborted();
    const listener = url.protocol === "https:" ? HTTPS : HTTP;
    const given = body === null ? null : body.whole ?? "stream";
    const record = new RequestRecord({ method, url, headers, body: given });
    const refusal = record.refusal(this.host.siteOf(listener).settings, this.#declaredMax);
    if (refusal !== null) {
      body?.stop();
      return this.#refused(refusal, listener, method === "HEAD");
    }
    return await this.#run(record, { request, body, listener });
  }

  /** Calls that still run are left by their callers. */
  leaveAll(reason: unknown): void {
    for (const exchange of this.#running.keys()) this.#leave(exchange, reason);
  }

  #run(
    record: RequestRecord,
    { request, body, listener }: {
      readonly request: Request;
      readonly body: GivenBody | null;
      readonly listener: number;
    },
  ): Promise<Response> {
    const { host } = this;
    const place = host.connect();
    const slab = record.write(this.#events, this.#numbers, { ...place, listener });
    const target = this.#targets.at(0, slab);
    this.#targets.choose(target, 0);
    host.body = body;
    const exchange = new Exchange(
      host, slab, this.#events, this.#numbers, 0, target, target.plan, target.first!,
    );
    const answer = host.answers.expect(exchange);
    const release = this.#watch(exchange, request.signal);
    this.#running.set(exchange, { startedAt: performance.now(), body, release });
    host.tracing.refresh();
    this.#hooks?.requested(exchange);
    host.dispatcher.run(exchange);
    if (exchange.received instanceof RequestBody) void body!.feed(exchange.received);
    return answer;
  }

  /** Its caller may leave, and its handler may take too long. */
  #watch(exchange: Exchange, signal: AbortSignal): () => void {
    const leave = (): void => this.#leave(exchange, signal.reason);
    signal.addEventListener("abort", leave);
    const { handlerTimeoutMs } = exchange.site.settings;
    const timer = handlerTimeoutMs === 0 ? undefined : setTimeout(() => {
      const isOver = exchange.isAnswered || this.host.clocks.has(exchange);
      if (!isOver) this.host.dispatcher.failures.expire(exchange);
    }, handlerTimeoutMs);
    return () => {
      signal.removeEventListener("abort", leave);
      clearTimeout(timer);
    };
  }

  #leave(exchange: Exchange, reason: unknown): void {
    this.host.answers.leave(exchange, reason);
  }

  #ended(exchange: Exchange, end: AnswerEnd): void {
    const running = this.#running.get(exchange);
    if (running === undefined) return;
    this.#running.delete(exchange);
    running.release();
    running.body?.stop();
    if (!exchange.isComplete) this.#vanished(exchange);
    if (exchange.received instanceof RequestBody) exchange.received.drop();
    exchange.releaseBody();
    exchange.onOver?.();
    if (this.#hooks !== null) {
      this.#tell(exchange.listener, end, end.isComplete ? 0 : DONE_ABORTED);
      this.#events[EVENT_SLOT] = exchange.slot;
      this.#events[EVENT_GENERATION] = exchange.generation;
      this.#numbers[EVENT_DURATION_F64 >> 1] = performance.now() - running.startedAt;
      this.#hooks.done(0);
    }
    this.host.disconnect(exchange);
  }

  /** As when a client has closed its connection before its answer was complete. */
  #vanished(exchange: Exchange): void {
    exchange.abort ??= new AbortController();
    const { clientErrors, connections } = this.host;
    if (exchange.received instanceof RequestBody) {
      exchange.received.fail(new HttpError(400, "the body was cut short", {
        close: true, code: "ERR_MILLRACE_BODY_TRUNCATED",
      }));
    }
    clientErrors.vanished(exchange, CLOSED_END, connections.infoOf(exchange));
    exchange.abort.abort(peerGone());
  }

  #refused(refusal: Refusal, listener: number, isHead: boolean): Response {
    const { status, reason } = refusal;
    this.#reason = reason;
    if (this.#hooks !== null) {
      const bytes = Buffer.byteLength(reason) + 1; // its line ends
      this.#tell(listener, { status, bytes, isComplete: true }, DONE_REFUSED);
      this.#hooks.refused(0);
      this.#hooks.done(0);
    }
    const { headers } = this.host.siteOf(listener).settings;
    return refusedResponse(refusal, headers, isHead);
  }

  #tell(listener: number, { status, bytes }: AnswerEnd, flags: number): void {
    this.#events.fill(0);
    this.#events[EVENT_LISTENER] = listener;
    this.#events[EVENT_STATUS] = status;
    this.#events[EVENT_FLAGS] = flags;
    this.#numbers[EVENT_BYTES_F64 >> 1] = bytes;
    this.#events[EVENT_PEER] = (IPV4 << 16) | REMOTE.port;
    const octets = REMOTE.address.split(".").map(Number);
    new Uint8Array(this.#words, EVENT_ADDRESS * 4).set(octets);
  }
}
