/**
 * `context.reply()`: the object that an app writes its answer with. Who could go on with it holds
 * it, and nobody else: the context, or the sink of an inner handler until that has returned. So one
 * that was forgotten is found; what it does is its open reply's. Thread: the engine's.
 */
import { MillraceError } from "../shared/errors.ts";
import { checkKnown } from "../shared/option-checks.ts";
import type {
  RawReply, Reply, ReplyData, ReplyErrorOptions, ReplyOptions, ReplyStreamOptions,
} from "../shared/reply.ts";
import type { Exchange } from "./exchange.ts";
import { OpenReply, type ReplyHost } from "./open-reply.ts";
import { ReplyProducer } from "./reply-producer.ts";
import { sinkOf } from "./reply-sink.ts";

const NO = Promise.resolve(false);

const OPTIONS: readonly string[] = ["bufferBytesMax"];
const ERROR_OPTIONS: readonly string[] = ["close", "log"];
const STREAM_OPTIONS: readonly string[] = ["manual"];

const objects = new WeakMap<OpenReply, WeakRef<HandlerReply>>();
/** Held weakly as well: an open reply may refer to the app's object. */
const forgotten = new FinalizationRegistry<WeakRef<OpenReply>>((ref) => {
  const open = ref.deref();
  if (open !== undefined && objects.get(open)?.deref() === undefined) open.forget();
});

/** The writer of the request, made when first asked for. */
export function takeReply(
  host: ReplyHost,
  exchange: Exchange,
  options?: ReplyOptions,
): HandlerReply {
  if (options !== undefined) checkKnown("reply", options, OPTIONS);
  const sink = sinkOf(exchange);
  const taken = sink === null ? exchange.reply : sink.reply;
  if (taken !== null) return objectOf(taken as OpenReply);
  const isOver = exchange.isAnswered || sink?.isSettled === true;
  if (isOver) throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
  const { outputBytesMax } = exchange.site.settings;
  const bufferBytesMax = options?.bufferBytesMax ?? outputBytesMax;
  checkBuffer(options?.bufferBytesMax);
  const open = new OpenReply(host, exchange, sink, Math.min(bufferBytesMax, outputBytesMax));
  const reply = objectOf(open);
  if (sink === null) {
    exchange.reply = open;
  } else {
    sink.reply = open;
    sink.held = reply;
  }
  return reply;
}

/** Absent means the listener's; `null` is none of both. */
function checkBuffer(bytes: unknown): void {
  if (bytes === undefined) return;
  if (typeof bytes !== "number") throw new TypeError("reply: bufferBytesMax is a number of bytes");
  if (!(bytes >= 0)) throw new RangeError("reply: bufferBytesMax is a number of bytes");
}

/** The same as long as somebody holds it. */
function objectOf(open: OpenReply): HandlerReply {
  const known = objects.get(open)?.deref();
  if (known !== undefined) return known;
  const reply = new HandlerReply(open);
  objects.set(open, new WeakRef(reply));
  forgotten.register(reply, new WeakRef(open));
  return reply;
}

/** The field stays as it is if one of them is none. */
function checkValues(name: string, values: unknown): void {
  const isText = (each: unknown): boolean => typeof each === "string" || typeof each === "number";
  if (Array.isArray(values) && values.every(isText)) return;
  throw new TypeError(`reply: the value of "${name}" is a string, a number or an array of these`);
}

export class HandlerReply implements Reply {
  readonly #open: OpenReply;
  #producer: ReplyProducer | null = null;

  constructor(open: OpenReply) {
    this.#open = open;
  }

  get isGone(): boolean {
    return this.#open.isGone;
  }

  get isCommitted(): boolean {
    return this.#open.isCommitted;
  }

  get isComplete(): boolean {
    return this.#open.isComplete;
  }

  status(code: number, text: string = ""): this {
    this.#open.setStatus(code, text);
    return this;
  }

  header(name: string, value: string | number | readonly string[]): this {
    const { headers } = this.#open;
    if (typeof value === "string" || typeof value === "number") {
      headers.set(name, String(value));
      return this;
    }
    checkValues(name, value);
    headers.delete(name);
    for (const each of value) headers.append(name, each);
    return this;
  }

  get headers(): Headers {
    return this.#open.headers;
  }

  write(data: ReplyData): Promise<boolean> {
    this.#producer?.arm();
    return this.#open.write(data);
  }

  flush(): Promise<boolean> {
    return this.#open.flush();
  }

  end(data?: ReplyData): Promise<boolean> {
    return this.#open.end(data);
  }

  close(): void {
    this.#open.close();
  }

  error(status: number, message?: string, options: ReplyErrorOptions = {}): void {
    checkKnown("reply.error", options, ERROR_OPTIONS);
    this.#open.error(status, message, options);
  }

  redirect(location: string | URL, status?: number): void {
    this.#open.redirect(location, status);
  }

  stream(
    producer: (reply: Reply) => void | Promise<void>,
    options: ReplyStreamOptions = {},
  ): this {
    if (typeof producer !== "function") throw new TypeError("stream: the producer is no function");
    checkKnown("reply.stream", options, STREAM_OPTIONS);
    this.#open.pace();
    const open = this.#open;
    const isAutomatic = options.manual !== true;
    this.#producer = new ReplyProducer(open, () => objectOf(open), producer, isAutomatic);
    if (isAutomatic) this.#producer.start();
    return this;
  }

  next(): Promise<boolean> {
    if (this.#open.isComplete) return NO;
    if (this.#producer === null || this.#producer.isAutomatic) {
      throw new MillraceError(
        "ERR_MILLRACE_REPLY_ORDER", "reply: next() is for streams that are manual",
      );
    }
    return this.#producer.next();
  }

  raw(): RawReply {
    this.#open.beginRaw();
    return new HandlerRawReply(this, this.#open);
  }
}

export class HandlerRawReply implements RawReply {
  /** Held, so that a reply is not forgotten while its raw one is in use. */
  readonly reply: Reply;
  readonly #open: OpenReply;

  constructor(reply: Reply, open: OpenReply) {
    this.reply = reply;
    this.#open = open;
  }

  get isGone(): boolean {
    return this.#open.isGone;
  }

  write(data: ReplyData): Promise<boolean> {
    return this.#open.writeRaw(data);
  }

  end(data?: ReplyData): Promise<boolean> {
    return this.#open.endRaw(data);
  }

  close(): void {
    this.#open.close();
  }
}
