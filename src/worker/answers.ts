/**
 * Answers on their way out: a Response becomes a reply record, or a stream of them, when all
 * earlier requests of its connection have been answered. Until then it stays an object here.
 * Thread: the engine's.
 */
import {
  FLAG_HEAD,
  FLAG_HTTP10,
  FLAG_KEEP_ALIVE,
  KIND_ABORT,
  REPLY_CLOSE,
  REPLY_OWN_DATE,
  REPLY_REASON,
  SLOT_NEXT_SEQUENCE,
  SLOT_WORDS,
} from "../shared/layout.ts";
import type { Log } from "../shared/app.ts";
import type { ResponseBody } from "./body.ts";
import type { Connections } from "./connections.ts";
import type { Exchange, ExchangeHost } from "./exchange.ts";
import { FIELD } from "./header-syntax.ts";
import { FRAMING, headerFlags, headerLines, type LightHeaders } from "./headers.ts";
import { BodyPump } from "./pump.ts";
import { PumpQueue } from "./pump-queue.ts";
import { RequestBody } from "./request-body.ts";
import type { ResponseParts } from "./response-parts.ts";
import { COPY_BYTES_MAX, type Rings } from "./rings.ts";

const REQUEST_FLAGS = FLAG_KEEP_ALIVE | FLAG_HTTP10 | FLAG_HEAD;
/** Every UTF-16 unit takes at most three bytes: below this no count is needed. */
const SAFE_TEXT_LENGTH = Math.floor(COPY_BYTES_MAX / 3);
/** The lines of a head; native's output buffer is made for it. */
const HEAD_LINES_MAX = 65_536;

export class Answers {
  readonly #rings: Rings;
  readonly #connections: Connections;
  readonly #log: Log;
  readonly #host: ExchangeHost;
  readonly #queue: PumpQueue = new PumpQueue();
  /** Answers that wait behind others, of all connections: mostly none. */
  #waiting = 0;

  constructor(rings: Rings, connections: Connections, log: Log, host: ExchangeHost) {
    this.#rings = rings;
    this.#connections = connections;
    this.#log = log;
    this.#host = host;
  }

  /**
   * The short way for an answer that needs no Exchange: text, no headers of its own, in its turn.
   * False: it has not been taken.
   */
  tryText(
    slot: number,
    generation: number,
    sequence: number,
    flags: number,
    parts: ResponseParts,
  ): boolean {
    const body = parts.body;
    const at = slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE;
    const slots = this.#rings.slots;
    if (
      typeof body !== "string" ||
      parts.headers !== null ||
      parts.contentType < 0 ||
      parts.statusText !== "" ||
      parts.status === 0 ||
      body.length > SAFE_TEXT_LENGTH ||
      slots[at] !== sequence
    ) {
      return false;
    }
    const { status, contentType } = parts;
    const kept = flags & REQUEST_FLAGS;
    this.#rings.respondText(slot, generation, kept, status, contentType, "", body);
    slots[at] = sequence + 1;
    if (this.#waiting > 0) this.#next(slot, generation);
    return true;
  }

  /** Answers a request, once; a later answer is discarded. `close`: the connection ends with it. */
  answer(exchange: Exchange, parts: ResponseParts, close: boolean): void {
    if (exchange.isAnswered) return;
    exchange.isAnswered = true;
    const { slot, generation, sequence } = exchange;
    if (!this.#connections.isOpen(slot, generation)) {
      discard(parts.body);
      this.#finish(exchange);
      return;
    }
    if (this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE] === sequence) {
      this.#write(exchange, parts, close);
      return;
    }
    this.#waiting++;
    this.#connections
      .of(slot, generation)
      .waiting.set(sequence, () => {
        if (this.#connections.isOpen(slot, generation)) this.#write(exchange, parts, close);
        else discard(parts.body);
      });
  }

  /** Closes the connection without an answer. */
  abort(exchange: Exchange): void {
    exchange.isAnswered = true;
    exchange.isComplete = true;
    this.#rings.signal(KIND_ABORT, exchange.slot, exchange.generation);
    this.#finish(exchange);
  }

  /** The connection has gone: nobody waits any more for what stands behind other answers. */
  dropWaiting(waiting: Map<number, () => void>): void {
    this.#waiting -= waiting.size;
    for (const write of waiting.values()) write();
    waiting.clear();
  }

  #write(exchange: Exchange, parts: ResponseParts, close: boolean): void {
    let flags = (exchange.flags & REQUEST_FLAGS) | (close ? REPLY_CLOSE : 0);
    let lines = "";
    const { headers } = parts;
    if (headers !== null) {
      lines = headerLines(headers);
      flags |= flagsOf(headers);
    }
    if (parts.status === 0) {
      this.abort(exchange); // Response.error()
      return;
    }
    if (parts.statusText !== "") {
      lines = `${parts.statusText}\r\n${lines}`;
      flags |= REPLY_REASON;
    }
    if (lines.length > HEAD_LINES_MAX) {
      this.#log.error(`${exchange.routeName} answered with ${lines.length} bytes of headers`);
      discard(parts.body);
      this.abort(exchange);
      return;
    }
    if (parts.body === null && (flags & FLAG_HEAD) !== 0 && headers !== null) {
      const length = declaredLength(headers);
      if (length > 0) {
        this.#headOnly(exchange, parts, flags, lines, length);
        return;
      }
    }
    const body = parts.body ?? "";
    if (typeof body === "string" && fitsText(body)) {
      const { status, contentType } = parts;
      this.#rings.respondText(
        exchange.slot, exchange.generation, flags, status, Math.max(contentType, 0), lines, body,
      );
      this.#complete(exchange);
    } else if (body instanceof Uint8Array && body.length <= COPY_BYTES_MAX) {
      const { status, contentType } = parts;
      this.#rings.respondBytes(
        exchange.slot, exchange.generation, flags, status, Math.max(contentType, 0), lines, body,
      );
      this.#complete(exchange);
    } else {
      this.#stream(exchange, parts, flags, lines);
    }
  }

  /** To HEAD: the length of the body that GET would have is the handler's to say. */
  #headOnly(
    exchange: Exchange,
    parts: ResponseParts,
    flags: number,
    lines: string,
    length: number,
  ): void {
    const { slot, generation } = exchange;
    const type = Math.max(parts.contentType, 0);
    this.#rings.head(slot, generation, flags, parts.status, type, lines, length);
    this.#rings.end(slot, generation, false);
    this.#complete(exchange);
  }

  #stream(exchange: Exchange, parts: ResponseParts, flags: number, lines: string): void {
    const { slot, generation } = exchange;
    const rings = this.#rings;
    const source = typeof parts.body === "string" ? Buffer.from(parts.body) : parts.body!;
    const length = lengthOf(source, parts.headers);
    const type = Math.max(parts.contentType, 0);
    const isChunked = length < 0 && (flags & FLAG_HTTP10) === 0;
    const { status } = parts;
    const begin = (): void => {
      rings.head(slot, generation, flags, status, type, lines, length);
    };
    if ((flags & FLAG_HEAD) !== 0 || [204, 205, 304].includes(status)) {
      begin();
      discard(source);
      rings.end(slot, generation, isChunked);
      this.#complete(exchange);
      return;
    }
    const state = this.#connections.of(slot, generation);
    state.pending.add(exchange);
    const limit = this.#host.settingsOf(exchange.listener).outputBytesMax;
    const outlet = { rings, slot, generation, isChunked, begin, limit };
    const pump = new BodyPump(this.#queue, outlet, (error) => {
      state.pump = null;
      if (error === undefined) {
        rings.end(slot, generation, isChunked);
        this.#complete(exchange);
        return;
      }
      if (error !== null) {
        this.#log.error({ err: error }, `the body of ${exchange.routeName} failed`);
      }
      this.abort(exchange);
    });
    state.pump = pump;
    pump.start(source, length);
  }

  /** The answer is in the ring: the next one of the connection has its turn. */
  #complete(exchange: Exchange): void {
    const { slot, generation, sequence } = exchange;
    this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE] = sequence + 1;
    exchange.isComplete = true;
    this.#finish(exchange);
    if (this.#waiting > 0) this.#next(slot, generation);
  }

  #finish(exchange: Exchange): void {
    const state = this.#connections.find(exchange.slot, exchange.generation);
    if (exchange.body instanceof RequestBody) {
      exchange.body.drop();
      // What still comes is nobody's, and must not hold the slab of an idle connection.
      if (state !== undefined && state.reading === exchange) state.reading = null;
    }
    state?.pending.delete(exchange);
  }

  #next(slot: number, generation: number): void {
    const state = this.#connections.find(slot, generation);
    if (state === undefined || state.waiting.size === 0) return;
    const sequence = this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE]!;
    const write = state.waiting.get(sequence);
    if (write === undefined) return;
    state.waiting.delete(sequence);
    this.#waiting--;
    write();
  }
}

function fitsText(text: string): boolean {
  return text.length <= SAFE_TEXT_LENGTH ||
    (text.length <= COPY_BYTES_MAX && Buffer.byteLength(text) <= COPY_BYTES_MAX);
}

function flagsOf(headers: LightHeaders): number {
  const present = headerFlags(headers);
  let flags = (present & FIELD.date) === 0 ? 0 : REPLY_OWN_DATE;
  if ((present & FRAMING & FIELD.connection) !== 0) {
    const wanted = headers.get("connection") ?? "";
    if (/(?:^|,)\s*close\s*(?:,|$)/i.test(wanted)) flags |= REPLY_CLOSE;
  }
  return flags;
}

/** The length of a body that is sent in pieces, -1 if nobody knows it. */
function lengthOf(
  body: Exclude<ResponseBody, null | string>,
  headers: LightHeaders | null,
): number {
  if (body instanceof Uint8Array) return body.length;
  if (body instanceof Blob) return body.size;
  return headers === null ? -1 : declaredLength(headers);
}

function declaredLength(headers: LightHeaders): number {
  if ((headerFlags(headers) & FIELD.contentLength) === 0) return -1;
  const declared = headers.get("content-length") ?? "";
  return /^\d{1,15}$/.test(declared) ? Number(declared) : -1;
}

/** Tells a producer that nobody wants what it makes. */
export function discard(body: unknown): void {
  if (body instanceof ReadableStream) {
    body.cancel().catch(() => {}); // a locked stream is its reader's
    return;
  }
  if (typeof body !== "object" || body === null) return;
  const { destroy } = body as { destroy?: unknown };
  if (typeof destroy === "function") destroy.call(body);
}
