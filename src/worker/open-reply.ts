/**
 * A reply that is not complete: what its handler has said of the head, the body as long as nothing
 * is committed, and whom it goes to. The exchange holds it, and it holds neither the app's object
 * nor, once the handler has returned, its context: if both are garbage while it is open, it has
 * been forgotten. Thread: the engine's.
 */
import { AsyncResource } from "node:async_hooks";
import type { Context } from "../shared/app.ts";
import { HttpError, MillraceError } from "../shared/errors.ts";
import { FLAG_HEAD } from "../shared/layout.ts";
import { checkedLocation } from "../shared/redirect.ts";
import type { ReplyData, ReplyErrorOptions } from "../shared/reply.ts";
import type { AnswerSink } from "./answer-sink.ts";
import { chunkBytes, TYPE_NONE, TYPE_TEXT } from "./body.ts";
import type { Connection } from "./connections.ts";
import type { Exchange, TakenReply } from "./exchange.ts";
import { discardValue, type Failures } from "./failures.ts";
import { freezeHeaders, LightHeaders } from "./headers.ts";
import { RawParts, statusOf } from "./raw-parts.ts";
import { ReplyBody } from "./reply-body.ts";
import type { ReplySink } from "./reply-sink.ts";
import { ResponseParts, TYPE_IN_HEADERS } from "./response-parts.ts";
import { checkAnswer, isBodyless } from "./response-rules.ts";
import { redirect, responseFrom, toParts } from "./response.ts";

/** What a reply asks of its engine. */
export interface ReplyHost {
  readonly answers: AnswerSink;
  readonly dispatcher: { readonly failures: Failures };
  connectionOf(exchange: Exchange): Connection;
  isConnected(exchange: Exchange): boolean;
  track(exchange: Exchange): void;
}

/**
 * In this order: the head may be changed, the body has begun, the head has been handed over, the
 * app has completed it. Instead of the last: it has failed, or was gone when the app completed it,
 * and what the app still does is dropped.
 */
type Stage = "head" | "body" | "raw" | "sent" | "ended" | "failed";

/** They are true of the body that an error or a redirection takes the place of. */
const OF_THE_BODY =
  /^(?:content-.*|etag|last-modified|accept-ranges|cache-control|expires|age|trailer)$/;

const NO = Promise.resolve(false);
const YES = Promise.resolve(true);

export class OpenReply implements TakenReply {
  readonly #host: ReplyHost;
  readonly #exchange: Exchange;
  readonly #sink: ReplySink | null;
  #bufferBytesMax: number;
  #stage: Stage = "head";
  #status = 200;
  #statusText = "";
  #headers: LightHeaders | null = null;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isText = false;
  #isPaced = false;
  #body: ReplyBody | null = null;
  /** The pump has begun, and what was written before is on its way into the body. */
  #isOpening = false;
  /** Of the piece written last. */
  #last: Promise<boolean> = YES;
  context: WeakRef<Context> | null = null;
  /** The app's object, while the engine is about to call its producer. */
  held: unknown = null;
  /** Something is being written. */
  onWritten: (() => void) | null = null;
  /** All that was written has left, or the pump has just begun. */
  onWanted: (() => void) | null = null;

  constructor(
    host: ReplyHost,
    exchange: Exchange,
    sink: ReplySink | null,
    bufferBytesMax: number,
  ) {
    this.#host = host;
    this.#exchange = exchange;
    this.#sink = sink;
    this.#bufferBytesMax = bufferBytesMax;
    host.track(exchange);
    if (sink === null) return;
    const others = exchange.onOver;
    exchange.onOver = () => {
      others?.();
      this.#body?.abandon();
      sink.giveUp();
    };
  }

  get isGone(): boolean {
    if (this.#stage === "failed") return true;
    if (this.#body !== null) return this.#body.isGone;
    const isOurs = this.#stage === "ended";
    return !isOurs && (this.#exchange.isAnswered || !this.#host.isConnected(this.#exchange));
  }

  get isCommitted(): boolean {
    return this.#stage === "sent" || this.#stage === "ended";
  }

  get isComplete(): boolean {
    return this.#stage === "ended" || this.isGone;
  }

  get isWanted(): boolean {
    return this.#body !== null && this.#body.isWanted;
  }

  /** Resolves when what was written has been taken. */
  get last(): Promise<boolean> {
    return this.#last;
  }

  setStatus(code: number, text: string): void {
    this.#need("head", "the status");
    if (!Number.isInteger(code) || code < 200 || code > 599) {
      throw new RangeError(`reply: the status is 200 to 599, not ${code}`);
    }
    this.#statusText = new Response(null, { status: code, statusText: text }).statusText;
    this.#status = code;
  }

  get headers(): LightHeaders {
    this.#need("head", "the headers");
    return (this.#headers ??= new LightHeaders());
  }

  write(data: ReplyData): Promise<boolean> {
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.#stage === "raw") throw order("raw() is in use");
    const bytes = ownBytes(data);
    if (this.isGone) return NO;
    if (bytes.length > 0) this.onWritten?.();
    if (this.#stage === "sent") return this.#push(bytes);
    if (this.#stage === "head") this.#isText = typeof data === "string";
    this.#stage = "body";
    this.#keep(bytes);
    if (this.#keptBytes <= this.#bufferBytesMax) return YES;
    return this.flush();
  }

  flush(): Promise<boolean> {
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.#stage === "raw") throw order("raw() is in use");
    if (this.isGone) return NO;
    if (this.#stage === "sent") return this.#last;
    const body = this.#openBody();
    const parts = this.#parts(body);
    this.#check(parts);
    const kept = this.#drain();
    this.#stage = "sent";
    this.#body = body;
    this.#isOpening = true;
    this.#deliver(parts);
    for (const bytes of kept) void this.#push(bytes);
    this.#opened(body);
    return this.#last;
  }

  end(data: ReplyData | undefined): Promise<boolean> {
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.#stage === "raw") throw order("raw() is in use");
    const isHead = this.#stage === "head";
    if (data !== undefined) {
      const bytes = ownBytes(data);
      if (this.#stage === "sent") void this.#push(bytes);
      else this.#keep(bytes);
      if (isHead) this.#isText = typeof data === "string";
    }
    if (this.isGone) return this.#fall();
    if (this.#stage === "sent") return this.#finish();
    const hasBody = !isHead || data !== undefined;
    const parts = this.#parts(hasBody ? Buffer.concat(this.#kept) : null);
    this.#check(parts);
    this.#drain();
    this.#stage = "ended";
    this.#deliver(parts);
    return YES;
  }

  close(): void {
    if (this.#stage === "ended" || this.#stage === "failed") return;
    if (this.#body !== null) this.#body.closes = true;
    if (this.isGone) {
      void this.#fall();
      return;
    }
    if (this.#stage === "sent") {
      void this.#finish();
      return;
    }
    this.#stage = "ended";
    // In its turn: answers of requests before it are still to come.
    if (this.#sink === null) {
      this.#host.answers.answer(this.#exchange, toParts(Response.error())!, false);
    } else this.#sink.deliver(Response.error());
  }

  error(status: number, message: string | undefined, options: ReplyErrorOptions): void {
    const hadHeaders = this.#stage === "head" || this.#stage === "body";
    const headers = hadHeaders ? this.#headersAlone() : undefined;
    const error = new HttpError(status, message, { ...options, ...(headers && { headers }) });
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.isGone) {
      void this.#fall();
      return;
    }
    if (this.#stage === "sent") this.#body!.fail(error);
    else if (this.#sink !== null) this.#sink.refuse(error);
    else this.#host.dispatcher.failures.fail(this.#exchange, error);
    this.#stage = "ended";
    this.#drain();
  }

  redirect(location: string | URL, status: number | undefined): void {
    const to = redirect(checkedLocation(location), status);
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.isGone) {
      void this.#fall();
      return;
    }
    if (this.#stage === "sent") throw order("a redirection comes before anything is committed");
    const text = to.headers.get("location")!;
    const parts = new ResponseParts(`Redirecting to ${text}\n`, TYPE_TEXT);
    parts.status = to.status;
    parts.headers = this.#headersAlone();
    parts.headers.set("location", text);
    this.#check(parts);
    this.#stage = "ended";
    this.#drain();
    this.#deliver(parts);
  }

  /** From now on each piece leaves before the next one is asked for. */
  pace(): void {
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.#isPaced) throw order("stream() has been called");
    if (this.#stage === "raw" || this.#stage === "sent") {
      throw order("stream() comes before anything is committed");
    }
    this.#isPaced = true;
    this.#bufferBytesMax = 0;
  }

  beginRaw(): void {
    this.#need("head", "raw()");
    if (this.#sink !== null) throw order("raw() goes to the client, not through next()");
    this.#host.answers.beginRaw?.(this.#exchange);
    if (this.#stage === "head") this.#stage = "raw";
  }

  writeRaw(data: ReplyData): Promise<boolean> {
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    const bytes = ownBytes(data);
    if (this.isGone) return NO;
    if (this.#stage === "sent") return this.#push(bytes);
    const status = statusOf(bytes);
    if (status === 0) throw order("the first write of raw() begins with a status line");
    const body = this.#openBody();
    this.#body = body;
    this.#stage = "sent";
    this.#isOpening = true;
    this.#host.answers.answer(this.#exchange, new RawParts(status, body), false);
    void this.#push(bytes);
    this.#opened(body);
    return this.#last;
  }

  endRaw(data: ReplyData | undefined): Promise<boolean> {
    if (data !== undefined) void this.writeRaw(data);
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    if (this.isGone) return this.#fall();
    if (this.#stage === "raw") throw order("nothing of the message has been written");
    return this.#finish();
  }

  returned(value: unknown): void {
    if (!(value instanceof Response)) return;
    discardValue(value);
    this.failWith(new MillraceError(
      "ERR_MILLRACE_RESPONSE_INVALID",
      `${this.#exchange.routeName} returned a Response and has taken context.reply(): one of both`,
    ));
  }

  fail(error: unknown): boolean {
    const wasSent = this.#stage === "sent" && !this.isGone;
    if (this.#stage !== "ended") this.#stage = "failed";
    this.#drain();
    if (wasSent) this.#body!.fail(error);
    return wasSent;
  }

  /** The app's object is garbage. */
  forget(): void {
    if (this.#stage === "ended" || this.#stage === "failed" || this.isGone) return;
    const { id, remote } = this.#host.connectionOf(this.#exchange);
    this.failWith(new MillraceError(
      "ERR_MILLRACE_REPLY_FORGOTTEN",
      `${this.#exchange.routeName} has dropped its reply without completing it: ` +
        `connection ${id} from ${remote.address}`,
    ));
  }

  /** A function that runs as the handler does, also when the engine calls it. */
  bind<T>(fn: () => T): () => T {
    const scope = new AsyncResource("MILLRACE_REPLY");
    return () => scope.runInAsyncScope(fn);
  }

  /** Cut if it has been committed; else there is another answer in its place. */
  failWith(error: unknown): void {
    if (this.fail(error)) return;
    if (this.#sink !== null) this.#sink.refuse(error);
    else this.#host.dispatcher.failures.fail(this.#exchange, error);
  }

  #need(stage: Stage, what: string): void {
    if (this.#stage === stage || this.#stage === "failed") return;
    if (this.#stage === "ended") throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    throw order(`${what} comes before the body`);
  }

  #keep(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
  }

  #drain(): Uint8Array[] {
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    return kept;
  }

  #push(bytes: Uint8Array): Promise<boolean> {
    return (this.#last = this.#body!.push(bytes));
  }

  #finish(): Promise<boolean> {
    this.#stage = "ended";
    return this.#body!.end();
  }

  /**
   * Nobody waits for it any more, which is no fault of who completes it: what comes behind that is
   * dropped as well. A body that is only not sent, as to HEAD, has its end.
   */
  #fall(): Promise<boolean> {
    if (this.#stage !== "sent") this.#stage = "failed";
    else if (this.#isUnsent && this.#host.isConnected(this.#exchange)) this.#stage = "ended";
    this.#drain();
    return NO;
  }

  get #isUnsent(): boolean {
    return isBodyless(this.#status) || (this.#exchange.flags & FLAG_HEAD) !== 0;
  }

  #openBody(): ReplyBody {
    const { outputHardBytesMax } = this.#exchange.site.settings;
    return new ReplyBody(this.#isPaced, outputHardBytesMax, () => {
      if (!this.#isOpening) this.onWanted?.();
    });
  }

  /** What was written before the pump began is in the body: now others may write behind it. */
  #opened(body: ReplyBody): void {
    this.#isOpening = false;
    if (body.isWanted) this.onWanted?.();
  }

  #parts(body: Uint8Array | ReplyBody | null): ResponseParts {
    const headers = this.#headers;
    const isBare = body === null || isBodyless(this.#status);
    const hasType = headers !== null && headers.has("content-type");
    const type = this.#isText && !isBare ? TYPE_TEXT : TYPE_NONE;
    const isDropped = isBodyless(this.#status) && !(body instanceof ReplyBody);
    const parts = new ResponseParts(isDropped ? null : body, hasType ? TYPE_IN_HEADERS : type);
    parts.status = this.#status;
    parts.statusText = this.#statusText;
    parts.headers = headers;
    return parts;
  }

  #check(parts: ResponseParts): void {
    checkAnswer(parts, (this.#exchange.flags & FLAG_HEAD) !== 0);
  }

  #deliver(parts: ResponseParts): void {
    if (this.#sink !== null) {
      this.#sink.deliver(responseFrom(parts));
      return;
    }
    if (this.#headers !== null) freezeHeaders(this.#headers);
    this.#host.answers.answer(this.#exchange, parts, false);
  }

  #headersAlone(): LightHeaders {
    const headers = new LightHeaders(this.#headers ?? undefined);
    for (const name of Array.from(headers.keys())) if (OF_THE_BODY.test(name)) headers.delete(name);
    return headers;
  }
}

/** A copy: who writes may use its buffer again. */
function ownBytes(data: ReplyData): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : new Uint8Array(chunkBytes(data));
}

function order(what: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_REPLY_ORDER", `reply: ${what}`);
}
