/**
 * One request and its answer, as JavaScript keeps them: where the head lies in the slab, what is
 * known of the connection, and how far the answer is. It is the source that a Request reads from,
 * at any time, also after its answer has gone. Thread: the engine's.
 */
import type { Context } from "../shared/app.ts";
import type { CookieMap } from "../shared/cookies.ts";
import {
  EVENT_BODY_LENGTH,
  EVENT_BODY_OFFSET,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_HEADER_COUNT,
  EVENT_LISTENER,
  EVENT_MESSAGE_OFFSET,
  EVENT_METHOD,
  EVENT_SEQUENCE,
  EVENT_SLOT,
  EVENT_TABLE_OFFSET,
  EVENT_TARGET_LENGTHS,
  EVENT_TARGET_OFFSET,
  FLAG_BODY_COMPLETE,
  FLAG_HAS_BODY,
  FLAG_TRAILERS,
  HEADER_BYTES,
} from "../shared/layout.ts";
import { METHODS } from "../shared/methods.ts";
import type { BodyLimits, BodyOwner, HandlerTimes } from "./body-rules.ts";
import { RequestCookies } from "./cookie-map.ts";
import type { DecodedBody } from "./decoded-body.ts";
import type { ForwardedOrigin } from "./forwarded.ts";
import type { ListenerSite } from "./listener-sites.ts";
import type { Plan, Step } from "./plan.ts";
import { ReadyBody } from "./ready-body.ts";
import { type BodyFlow, RequestBody } from "./request-body.ts";
import { type LightRequest, requestFrom } from "./request.ts";
import type { BodySource, RequestSource } from "./request-source.ts";
import { trailersFrom } from "./request-trailers.ts";
import type { ResponseParts } from "./response-parts.ts";
import type { ResponseTrailers } from "./response-trailers.ts";
import { originOf, requestUrl, type Target } from "./target.ts";

const ENCODED_FIELDS = /^content-(?:encoding|length)$/i;

const NO_URLS: readonly string[] = [];

/** What an exchange asks of its engine. */
export interface ExchangeHost {
  /** Of the listener with this index. */
  siteOf(listener: number): ListenerSite;
  /** `http://host:port` of the connection's own end, for HTTP/1.0 without Host. */
  localOrigin(exchange: Exchange): string;
  /** What trusted proxies say of the URL; null: nothing that counts. */
  forwardedOrigin(exchange: Exchange): ForwardedOrigin | null;
  flowOf(exchange: Exchange): BodyFlow;
  /** Counts bytes in the worker's budget, or, below 0, counts them off. False: it is used up. */
  hold(bytes: number): boolean;
  isConnected(exchange: Exchange): boolean;
  signalOf(exchange: Exchange): AbortSignal;
  /**
   * Its connection may have gone: its signal, if there is none yet, says from now on whether the
   * peer has. Nobody knows that any more once the slot has its next connection.
   */
  decideSignal(exchange: Exchange): void;
  /** Its answer is on its way: its connection must know of it, which `isTracked` says then. */
  track(exchange: Exchange): void;
  /**
   * An answer that switches the connection over has its turn: what is answered in its place, or
   * null. Throws if it is no switch of this request. `flags`: those of its head.
   */
  refuseSwitch(exchange: Exchange, parts: ResponseParts, flags: number): ResponseParts | null;
  /** The head of the switch is in the ring. */
  switched(exchange: Exchange, parts: ResponseParts): void;
  /** Its handler has times of its own. */
  time(exchange: Exchange, times: Partial<HandlerTimes>): void;
  /** Its answer cannot be sent on. `isAnswered` tells whether some of it has been sent. */
  answerFailed(exchange: Exchange, error: unknown): void;
}

/** The writer that a handler has taken in the place of returning an answer. */
export interface TakenReply {
  /** The app has completed it, or nobody takes what is written any more. */
  readonly isComplete: boolean;
  /** That of its handler, once that has returned before it was complete: the app alone holds it. */
  context: WeakRef<Context> | null;
  /** What the handler has returned, which counts for nothing. */
  returned(value: unknown): void;
  /** The handler has failed. True: the answer that has begun is cut; false: one is to be given. */
  fail(error: unknown): boolean;
}

export class Exchange implements RequestSource, BodyOwner {
  readonly host: ExchangeHost;
  readonly slot: number;
  readonly generation: number;
  readonly sequence: number;
  readonly flags: number;
  readonly listener: number;
  readonly site: ListenerSite;
  readonly method: string;
  /** The steps of a rewritten path stand behind what has been asked before. */
  plan: Plan;
  readonly target: Target;
  /** The body as it came. */
  readonly received: RequestBody | ReadyBody | null;
  /** The body that the Request shows: the same, or what was made of it before the handler ran. */
  body: BodySource | null;
  /** The step being run, the one at `at` of the plan. */
  step: Step;
  at = 0;
  /** Of its first parameter; empty: it has none. */
  #value: string;
  isAnswered = false;
  /** How often an answer could not be given. */
  failures = 0;
  /** `body` is without the content codings that it came with. */
  isDecoded = false;
  /** Its answer has been handed over whole, or was given up by the app: no abort any more. */
  isComplete = false;
  /** Its connection knows of it: it outlives the call of its handler, or has a signal. */
  isTracked = false;
  /** What goes behind the body of its answer, once there is something. */
  trailers: ResponseTrailers | null = null;
  /** Once a handler has asked for them: what it has set goes out with the answer. */
  jar: RequestCookies | null = null;
  /** Once a handler has taken it. */
  reply: TakenReply | null = null;
  /** Once a handler within `context.next()` writes: told when there is nothing left to answer. */
  onOver: (() => void) | null = null;
  request: LightRequest | null = null;
  /** What it was rewritten to, the URL that it has now at the end; null: the one it came with. */
  #rewritten: string[] | null = null;
  context: Context | null = null;
  abort: AbortController | null = null;
  /** When its batch began; 0 when nobody counts, or it has been counted. */
  startedAt = 0;
  /** What the worker's budget counts of its body. */
  #held = 0;
  /** It is over: its body counts no more. */
  #isReleased = false;
  #slab: Buffer;
  #message: number;
  readonly #targetAt: number;
  readonly #targetLengths: number;
  #table: number;
  readonly #headerCount: number;

  constructor(
    host: ExchangeHost,
    slab: Buffer,
    events: Int32Array,
    numbers: Float64Array,
    base: number,
    target: Target,
    plan: Plan,
    first: Step,
  ) {
    this.host = host;
    this.slot = events[base + EVENT_SLOT]!;
    this.generation = events[base + EVENT_GENERATION]!;
    this.sequence = events[base + EVENT_SEQUENCE]!;
    this.flags = events[base + EVENT_FLAGS]!;
    this.listener = events[base + EVENT_LISTENER]!;
    this.site = host.siteOf(this.listener);
    this.method = METHODS[events[base + EVENT_METHOD]!]!;
    this.plan = plan;
    this.step = first;
    this.#value = plan === target.plan ? target.value : (plan.values[0]![0] ?? "");
    this.target = target;
    this.#slab = slab;
    this.#message = events[base + EVENT_MESSAGE_OFFSET]!;
    this.#targetAt = events[base + EVENT_TARGET_OFFSET]! - this.#message;
    this.#targetLengths = events[base + EVENT_TARGET_LENGTHS]!;
    this.#table = events[base + EVENT_TABLE_OFFSET]!;
    this.#headerCount = events[base + EVENT_HEADER_COUNT]!;
    const hasBody = (this.flags & FLAG_HAS_BODY) !== 0;
    this.received = hasBody ? this.#bodyAt(events, numbers, base) : null;
    this.body = this.received;
  }

  #bodyAt(events: Int32Array, numbers: Float64Array, base: number): RequestBody | ReadyBody {
    if ((this.flags & FLAG_BODY_COMPLETE) !== 0) {
      const offset = events[base + EVENT_BODY_OFFSET]!;
      const hasTrailers = (this.flags & FLAG_TRAILERS) !== 0;
      const length = events[base + EVENT_BODY_LENGTH]!;
      return new ReadyBody(this.#slab, offset, length, this, hasTrailers);
    }
    const length = numbers[(base + EVENT_BODY_OFFSET) >> 1]!;
    return new RequestBody(length, this.host.flowOf(this));
  }

  /** How long the body may be: what the present handler says, else what its listener does. */
  get bodyLimits(): BodyLimits {
    const { step } = this;
    const rules = step.kind === "handler" ? step.rules : null;
    const settings = this.site.settings;
    if (rules === null) return settings;
    const { bodyBytesMax, bodyStreamBytesMax } = settings;
    return { bodyBytesMax, bodyStreamBytesMax, ...rules };
  }

  /** The Request, made when first asked for. */
  open(): LightRequest {
    return (this.request ??= requestFrom(this));
  }

  /** It goes through the routes again, under another URL. */
  restart(url: string, plan: Plan): void {
    (this.#rewritten ??= []).push(url);
    this.plan = plan;
    this.renewRequest();
  }

  /**
   * On to the next step; a Request shows the parameters of the route that it is given to, and a
   * body that came whole can be read again.
   */
  advance(): void {
    const before = this.step;
    const { steps, values } = this.plan;
    const at = this.at + 1;
    const after = steps[at]!;
    const hasParams = before.paramNames.length > 0 || after.paramNames.length > 0;
    if (hasParams) void this.request?.params; // who holds it goes on to see its parameters
    this.at = at;
    this.step = after;
    this.#value = values[at]![0] ?? "";
    if (hasParams && values[at] !== values[at - 1]) this.renewRequest();
    if (before.kind === "handler" && before.rules?.buffered === true) this.rewindBody();
  }

  /** The next handler is given another Request, which knows who the user is. */
  renewRequest(): void {
    const user = (this.request as { user?: unknown } | null)?.user;
    this.request = null;
    if (user !== undefined) Object.assign(this.open(), { user });
  }

  url(): string {
    return this.#rewritten === null ? this.receivedUrl() : this.#rewritten.at(-1)!;
  }

  /** The URLs that it was rewritten to so far. */
  get rewrittenUrls(): readonly string[] {
    return this.#rewritten ?? NO_URLS;
  }

  /** The URL that the client has, whatever it was rewritten to. */
  receivedUrl(): string {
    const total = this.#targetLengths & 0xffff;
    const pathLength = this.#targetLengths >>> 16;
    const start = this.#message + this.#targetAt;
    if (this.#slab[start] !== 0x2f) return this.#unusualUrl(start, total);
    const query =
      total > pathLength ? this.#slab.toString("latin1", start + pathLength, start + total) : "";
    return requestUrl(this.#origin(), this.target.raw, query, this.target.path);
  }

  /** The target as it was sent. */
  rawTarget(): string {
    const start = this.#message + this.#targetAt;
    return this.#slab.toString("latin1", start, start + (this.#targetLengths & 0xffff));
  }

  /** Absolute-form, which wins over Host (RFC 9112 3.2.2), "*", or the authority of CONNECT. */
  #unusualUrl(start: number, total: number): string {
    const text = this.#slab.toString("latin1", start, start + total);
    if (text === "*") return `${this.#origin()}/*`;
    if (this.method !== "CONNECT") return new URL(text).href;
    try {
      return `${originOf(this.site.scheme, text)}/`;
    } catch {
      return `${this.host.localOrigin(this)}/`; // a legal authority, but no host of a URL
    }
  }

  #origin(): string {
    const forwarded = this.host.forwardedOrigin(this);
    const scheme = forwarded?.scheme ?? this.site.scheme;
    const host = forwarded?.host ?? this.find("host");
    if (host === undefined || host === "") return this.host.localOrigin(this);
    return originOf(scheme, host);
  }

  /** The value of a field as it came; of a repeated one, all of them as a list. */
  find(name: string): string | undefined {
    const raw = this.receivedHeaders();
    let found: string | undefined;
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i]!.length !== name.length || raw[i]!.toLowerCase() !== name) continue;
      found = found === undefined ? raw[i + 1]! : `${found}, ${raw[i + 1]!}`;
    }
    return found;
  }

  /** The body that the Request shows from now on in place of the one that came. */
  show(body: DecodedBody): void {
    this.body = body;
    this.isDecoded = true;
    this.renewRequest();
  }

  /** The same, of a body that has been collected; it counts until the request is over. */
  showWhole(body: ReadyBody): void {
    this.body = body;
    if (!this.isAnswered && this.host.isConnected(this)) this.hold(body.length);
  }

  hold(bytes: number): boolean {
    if (this.#isReleased) return true;
    this.#held += bytes;
    return this.host.hold(bytes);
  }

  /** The handler that had the whole body has declined: the next one can read it again. */
  rewindBody(): void {
    if (!(this.body instanceof ReadyBody)) return;
    this.body = this.body.again();
    this.renewRequest();
  }

  /** It is answered, or its client has gone: who still holds its body answers for it. */
  releaseBody(): void {
    this.#isReleased = true;
    if (this.#held === 0) return;
    this.host.hold(-this.#held);
    this.#held = 0;
  }

  /** Those that describe the encoded body are not true of a decoded one. */
  rawHeaders(): string[] {
    const raw = this.receivedHeaders();
    if (!this.isDecoded) return raw;
    return raw.filter((_, at) => !ENCODED_FIELDS.test(raw[at & ~1]!));
  }

  receivedHeaders(): string[] {
    const slab = this.#slab;
    const message = this.#message;
    // oxlint-disable-next-line unicorn/no-new-array -- one allocation of the right size: hot path
    const raw: string[] = new Array(this.#headerCount * 2);
    let at = this.#table;
    for (let i = 0; i < raw.length; i += 2, at += HEADER_BYTES) {
      const name = message + slab.readUInt16LE(at);
      const value = message + slab.readUInt16LE(at + 4);
      raw[i] = slab.toString("latin1", name, name + slab.readUInt16LE(at + 2));
      raw[i + 1] = slab.toString("latin1", value, value + slab.readUInt16LE(at + 6));
    }
    return raw;
  }

  params(): Record<string, string> {
    const { paramNames } = this.step;
    const params: Record<string, string> = {};
    if (paramNames.length === 0) return params;
    params[paramNames[0]!] = this.#value;
    if (paramNames.length === 1) return params;
    const values = this.plan.values[this.at]!;
    for (let i = 1; i < paramNames.length; i++) params[paramNames[i]!] = values[i]!;
    return params;
  }

  async requestTrailers(): Promise<Headers> {
    return trailersFrom(this.received === null ? "" : await this.received.trailers());
  }

  signal(): AbortSignal {
    return this.host.signalOf(this);
  }

  cookies(headers: Headers): CookieMap {
    return (this.jar ??= new RequestCookies(headers.get("cookie")));
  }

  /** Its answer is all there is to send, and nobody else keeps anything of it. */
  get isPlain(): boolean {
    return !this.isTracked && this.received === null && this.jar === null && this.trailers === null;
  }

  /** The name of the route for messages. */
  get routeName(): string {
    const { step } = this;
    return step.route === "" ? "fetch" : `the route "${step.route}"`;
  }

  /** Copies the head out of the slab: what waits for long must not pin 128 KiB. */
  keepOwn(): void {
    const slab = this.#slab;
    const tableBytes = this.#headerCount * HEADER_BYTES;
    let end = this.#targetAt + (this.#targetLengths & 0xffff);
    for (let at = this.#table; at < this.#table + tableBytes; at += HEADER_BYTES) {
      end = Math.max(end, slab.readUInt16LE(at + 4) + slab.readUInt16LE(at + 6));
    }
    const own = Buffer.allocUnsafeSlow(end + tableBytes);
    slab.copy(own, 0, this.#message, this.#message + end);
    slab.copy(own, end, this.#table, this.#table + tableBytes);
    this.#slab = own;
    this.#message = 0;
    this.#table = end;
    if (this.received instanceof ReadyBody) this.received.keepOwn();
  }
}
