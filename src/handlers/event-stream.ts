/**
 * Server-sent events (WHATWG HTML 9.2): an answer that goes on while its client listens. Events
 * come from an async iterable, or from a function that is given something to send with. While
 * nothing is sent a comment goes out from time to time, so that proxies keep the connection and a
 * client that has gone is noticed. Any thread.
 */
import { checkKnown } from "../shared/option-checks.ts";
import { checkSource } from "./early-source.ts";
import { MappedSource } from "./mapped-source.ts";
import { TimedSource } from "./timed-source.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

export interface ServerSentEvent {
  /** A string as it is, line by line; anything else as JSON. Without it there is no event. */
  readonly data?: unknown;
  /** Its type; "message" for the client if absent. No line breaks. */
  readonly event?: string;
  /** What the client sends as `Last-Event-ID` when it comes back. No line breaks, no NUL. */
  readonly id?: string;
  /** Milliseconds after which the client comes back when the connection has ended. */
  readonly retry?: number;
  /** A comment, which clients ignore. */
  readonly comment?: string;
}

/** What the function of an event stream sends with. */
export interface EventSender {
  /** Resolves when the client takes more: awaited, it keeps what waits in memory small. */
  send(event: ServerSentEvent | string): Promise<void>;
  /** Aborts when the client has gone or the stream has ended. */
  readonly signal: AbortSignal;
}

export type EventSource =
  | AsyncIterable<ServerSentEvent | string>
  | Iterable<ServerSentEvent | string>
  | ((events: EventSender) => void | Promise<void>);

export interface EventStreamOptions {
  /** Milliseconds of silence after which a comment is sent; 0: never. Default 15,000. */
  readonly heartbeatMs?: number;
  /** Beside `Content-Type` and `Cache-Control: no-cache`, which they may override. */
  readonly headers?: HeadersInit;
}

const OPTIONS: readonly string[] = ["heartbeatMs", "headers"];
const HEARTBEAT_MS = 15_000;
/** The longest that timers of Node.js take. */
const HEARTBEAT_MS_MAX = 2 ** 31 - 1;
const HEARTBEAT = ":\n\n";
const LINE_BREAK = /\r\n|\r|\n/;

/**
 * The answer that sends the events; a string is an event with that data. The stream ends with the
 * iterable, or when the function's promise has settled; an error of either cuts it, so that the
 * client comes back. When the connection has gone, the iterable's `return` is called or the
 * function's signal aborts, at once. Throws a RangeError for a bad `heartbeatMs`, and a TypeError
 * for another option or what is no source; an event that cannot be written is one to who sends it.
 */
export function eventStream(source: EventSource, options: EventStreamOptions = {}): Response {
  if (typeof source !== "function") checkSource("eventStream", source);
  checkKnown("eventStream", options, OPTIONS);
  const { heartbeatMs = HEARTBEAT_MS } = options;
  if (!(Number.isInteger(heartbeatMs) && heartbeatMs >= 0 && heartbeatMs <= HEARTBEAT_MS_MAX)) {
    throw new RangeError(`eventStream: heartbeatMs must be a whole number of milliseconds up to ${
      HEARTBEAT_MS_MAX}, and is ${String(heartbeatMs)}`);
  }
  const headers = new Headers(options.headers);
  if (!headers.has("content-type")) headers.set("content-type", "text/event-stream");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache");
  const events =
    typeof source === "function" ? sent(source) : new MappedSource(source, formatEvent);
  const body = new TimedSource(events, heartbeatMs, HEARTBEAT);
  return new Response(body as unknown as ReadableStream, { headers });
}

/** The event as it goes over the wire. Throws a TypeError for what cannot be written. */
export function formatEvent(event: ServerSentEvent | string): string {
  if (typeof event !== "string" && (typeof event !== "object" || event === null)) {
    throw new TypeError("An event is an object or a string");
  }
  const { data, event: type, id, retry, comment } =
    typeof event === "string" ? { data: event } as ServerSentEvent : event;
  let text = comment === undefined ? "" : lines(": ", textual("comment", comment));
  if (type !== undefined) text += `event: ${oneLine("event", type)}\n`;
  if (id !== undefined) {
    if (textual("id", id).includes("\0")) throw new TypeError("The id of an event has no NUL");
    text += `id: ${oneLine("id", id)}\n`;
  }
  if (retry !== undefined) {
    if (!Number.isInteger(retry) || retry < 0) {
      throw new TypeError(`The retry of an event is a whole number of milliseconds, not ${retry}`);
    }
    text += `retry: ${retry}\n`;
  }
  if (data !== undefined) text += lines("data: ", textOf(data));
  return `${text}\n`;
}

function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  const text = JSON.stringify(data) as string | undefined;
  if (text === undefined) throw new TypeError("The data of an event is nothing that JSON has");
  return text;
}

function lines(prefix: string, text: string): string {
  return text.split(LINE_BREAK).map((line) => `${prefix}${line}\n`).join("");
}

function textual(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`The ${name} of an event is a string`);
  return value;
}

function oneLine(name: string, text: string): string {
  const isBroken = LINE_BREAK.test(textual(name, text));
  if (isBroken) throw new TypeError(`The ${name} of an event has no line breaks`);
  return text;
}

/** What a function sends, in its order. */
function sent(run: (events: EventSender) => void | Promise<void>): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => new SentEvents(run),
  };
}

interface Waiting {
  readonly text: string;
  readonly taken: () => void;
}

class SentEvents implements AsyncIterator<string, void> {
  readonly #abort = new AbortController();
  readonly #queue: Waiting[] = [];
  readonly #ended: Promise<void>;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(run: (events: EventSender) => void | Promise<void>) {
    const sender: EventSender = {
      send: (event) => this.#send(event),
      signal: this.#abort.signal,
    };
    this.#ended = this.#run(run, sender);
    this.#ended.catch(() => {}); // `next` rejects with it
  }

  async #run(
    run: (events: EventSender) => void | Promise<void>,
    sender: EventSender,
  ): Promise<void> {
    try {
      await run(sender);
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }

  async #send(event: ServerSentEvent | string): Promise<void> {
    const text = formatEvent(event);
    if (this.#abort.signal.aborted) return; // nobody listens any more
    await new Promise<void>((taken) => {
      this.#queue.push({ text, taken });
      this.#wake();
    });
  }

  async next(): Promise<IteratorResult<string, void>> {
    for (;;) {
      const first = this.#queue.shift();
      if (first !== undefined) {
        first.taken();
        return { done: false, value: first.text };
      }
      if (this.#abort.signal.aborted) return { done: true, value: undefined };
      if (this.#isOver) {
        this.#abort.abort();
        await this.#ended;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  return(): Promise<IteratorResult<string, void>> {
    this.#abort.abort();
    for (const { taken } of this.#queue.splice(0)) taken();
    this.#wake();
    return Promise.resolve({ done: true, value: undefined });
  }
}
