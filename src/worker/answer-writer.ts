/**
 * Turns one answer, in its turn, into reply records: all at once if it is short, piece by piece
 * through a pump otherwise. Thread: the engine's.
 */
import { MillraceError } from "../shared/errors.ts";
import {
  FLAG_HEAD,
  FLAG_HTTP10,
  FLAG_KEEP_ALIVE,
  REPLY_CLOSE,
  REPLY_OWN_DATE,
  REPLY_OWN_DEFAULTS,
  REPLY_REASON,
} from "../shared/layout.ts";
import { discard, isDetached, type ResponseBody } from "./body.ts";
import type { Connections } from "./connections.ts";
import type { Exchange, ExchangeHost } from "./exchange.ts";
import { FileBlob } from "./file-blob.ts";
import { FIELD } from "./header-syntax.ts";
import { headerFlags, headerLines, type LightHeaders } from "./headers.ts";
import { BodyPump, type Outlet } from "./pump.ts";
import { PumpQueue } from "./pump-queue.ts";
import { RawParts } from "./raw-parts.ts";
import { ReplyBody } from "./reply-body.ts";
import { ResponseParts } from "./response-parts.ts";
import {
  bodyLength, declaredLength, HEAD_LINES_MAX, isBodyless, tooLong,
} from "./response-rules.ts";
import { NO_TRAILERS, ResponseTrailers } from "./response-trailers.ts";
import { COPY_BYTES_MAX, type Rings } from "./rings.ts";

/** What of a request's flags goes back with its reply. */
export const REQUEST_FLAGS: number = FLAG_KEEP_ALIVE | FLAG_HTTP10 | FLAG_HEAD;
/** Every UTF-16 unit takes at most three bytes: below this no count is needed. */
export const SAFE_TEXT_LENGTH: number = Math.floor(COPY_BYTES_MAX / 3);

/** Who decides about turns. */
export interface Turns {
  /** The answer is in the ring: its status, and the bytes of its body. */
  complete(exchange: Exchange, status: number, sent: number): void;
  /** The connection ends with it: nothing behind it is answered. */
  end(exchange: Exchange): void;
  /** It cannot be finished: the connection ends. */
  abort(exchange: Exchange): void;
  /** The connection has gone before all of it was sent. */
  lose(exchange: Exchange): void;
}

/** The head of one answer, as its record wants it. */
interface Head {
  flags: number;
  readonly status: number;
  readonly type: number;
  lines: string;
}

export class AnswerWriter {
  readonly #rings: Rings;
  readonly #connections: Connections;
  readonly #host: ExchangeHost;
  readonly #turns: Turns;
  readonly #queue: PumpQueue = new PumpQueue();

  constructor(
    rings: Rings,
    connections: Connections,
    host: ExchangeHost,
    turns: Turns,
  ) {
    this.#rings = rings;
    this.#connections = connections;
    this.#host = host;
    this.#turns = turns;
  }

  write(exchange: Exchange, given: ResponseParts, close: boolean): void {
    if (given.status < 200) {
      if (given.status === 0) this.#turns.abort(exchange); // Response.error()
      else if (given instanceof RawParts) this.#raw(exchange, given, close);
      else this.#switch(exchange, given, close);
      return;
    }
    let parts = given;
    if (parts.body instanceof FileBlob) {
      // First: what is read of it on its way is the same file, whatever its path names by then.
      const pinned = this.#pin(exchange, parts, parts.body);
      if (pinned === null) return;
      parts = pinned;
    }
    const { filter } = exchange.site;
    if (filter !== null) parts = filter.apply(parts, exchange);
    const head = this.#headOf(exchange, parts, close);
    const { body } = parts;
    if (head.lines.length > HEAD_LINES_MAX) {
      discard(body);
      this.#refuseHead(exchange, head.lines.length);
      return;
    }
    const { slot, generation } = exchange;
    const { flags, status, type, lines } = head;
    if (isBodyless(status) || (body === null && (flags & FLAG_HEAD) !== 0)) {
      discard(body);
      const length = emptyLength(status, parts.headers);
      this.#rings.respondEmpty(slot, generation, flags, status, type, lines, length);
      this.#complete(exchange, flags, status, 0);
      return;
    }
    if (this.#announceTrailers(exchange, parts, head)) {
      this.#stream(exchange, parts, head, -1, given.body);
      return;
    }
    const whole = body ?? "";
    if (typeof whole === "string" && fitsText(whole)) {
      this.#rings.respondText(slot, generation, flags, status, type, lines, whole);
      this.#complete(exchange, flags, status, this.#rings.textLength);
    } else if (whole instanceof Uint8Array && whole.length <= COPY_BYTES_MAX) {
      if (isDetached(whole)) {
        this.#refuse(exchange, new MillraceError("ERR_MILLRACE_BODY_CHANGED"));
        return;
      }
      this.#rings.respondBytes(slot, generation, flags, status, type, lines, whole);
      this.#complete(exchange, flags, status, whole.length);
    } else {
      const length = streamLength(whole, parts.headers);
      this.#stream(exchange, parts, head, length, given.body);
    }
  }

  /** With the file that is there now, whose length counts; null: there is none. */
  #pin(exchange: Exchange, parts: ResponseParts, blob: FileBlob): ResponseParts | null {
    try {
      return withBody(parts, blob.pin());
    } catch (error) {
      this.#refuse(exchange, error);
      return null;
    }
  }

  #complete(exchange: Exchange, flags: number, status: number, sent: number): void {
    if ((flags & REPLY_CLOSE) !== 0) this.#turns.end(exchange);
    this.#turns.complete(exchange, status, sent);
  }

  /** The connection leaves HTTP, unless something has come between. */
  #switch(exchange: Exchange, parts: ResponseParts, close: boolean): void {
    const { slot, generation, method } = exchange;
    const { flags, lines } = this.#headOf(exchange, parts, close);
    if (lines.length > HEAD_LINES_MAX) {
      this.#refuseHead(exchange, lines.length);
      return;
    }
    let refusal: ResponseParts | null;
    try {
      refusal = this.#host.refuseSwitch(exchange, parts, flags);
    } catch (error) {
      this.#refuse(exchange, error);
      return;
    }
    if (refusal !== null) {
      this.write(exchange, refusal, close);
      return;
    }
    // RFC 9110 7.8: before 101, also where no body follows, which native does not look for.
    const isExpected = exchange.received === null && exchange.find("expect") !== undefined;
    if (isExpected) this.#rings.interim(slot, generation, 100, "");
    const status = method === "CONNECT" ? 200 : 101;
    this.#rings.upgrade(slot, generation, flags, status, lines);
    exchange.site.debug?.interim(exchange, status, lines);
    this.#turns.complete(exchange, status, 0);
    this.#host.switched(exchange, parts);
  }

  /** With what was added to it, such as cookies, it is more than can be sent: that is a 500. */
  #refuseHead(exchange: Exchange, length: number): void {
    exchange.jar = null; // else no answer could be sent
    this.#refuse(exchange, tooLong(length));
  }

  /** There can be another answer in its place: none of it has been written. */
  #refuse(exchange: Exchange, error: unknown): void {
    exchange.isAnswered = false;
    this.#host.answerFailed(exchange, error);
  }

  #headOf(exchange: Exchange, parts: ResponseParts, close: boolean): Head {
    const head: Head = {
      flags: (exchange.flags & REQUEST_FLAGS) | (close ? REPLY_CLOSE : 0),
      status: parts.status,
      type: Math.max(parts.contentType, 0),
      lines: "",
    };
    const { headers } = parts;
    if (headers !== null) {
      head.lines = headerLines(headers);
      applyFields(head, headers);
      const defaults = exchange.site.defaults;
      if (defaults.isIn(headers)) {
        head.flags |= REPLY_OWN_DEFAULTS;
        head.lines += defaults.linesBeside(headers);
      }
    }
    if (exchange.jar !== null) head.lines += exchange.jar.lines;
    if (parts.statusText !== "") {
      head.lines = `${parts.statusText}\r\n${head.lines}`;
      head.flags |= REPLY_REASON;
    }
    return head;
  }

  /** Whether the answer must be chunked because something may come behind its body. */
  #announceTrailers(exchange: Exchange, { headers }: ResponseParts, head: Head): boolean {
    const isNamed = headers !== null && (headerFlags(headers) & FIELD.trailer) !== 0;
    if (!isNamed && exchange.trailers === null) return false;
    // One that gives its length is not chunked, and HTTP/1.0 has no chunks.
    if ((head.flags & FLAG_HTTP10) !== 0 || declaredLength(headers) >= 0) return false;
    if (exchange.trailers === null || exchange.trailers === NO_TRAILERS) {
      exchange.trailers = new ResponseTrailers(); // the shared one stays empty
    }
    const names = exchange.trailers.announce(isNamed ? headers.get("trailer") : null);
    if (names === "") return false;
    head.lines += `Trailer: ${names}\r\n`;
    return true;
  }

  /** `given`: the body as the app gave it, which may have been encoded since. */
  #stream(
    exchange: Exchange,
    parts: ResponseParts,
    head: Head,
    length: number,
    given: ResponseBody,
  ): void {
    const reply = given instanceof ReplyBody ? given : null;
    const { slot, generation } = exchange;
    const { flags, status, type, lines } = head;
    const rings = this.#rings;
    const body = parts.body ?? "";
    const source = typeof body === "string" ? Buffer.from(body) : body;
    const isChunked = length < 0 && (flags & FLAG_HTTP10) === 0;
    let headAt = -1;
    if (isChunked) exchange.trailers ??= NO_TRAILERS;
    const begin = (): void => {
      exchange.body?.expectIfHeld?.();
      headAt = rings.head(slot, generation, flags, status, type, lines, length);
    };
    if ((flags & FLAG_HEAD) !== 0) {
      begin();
      discard(source);
      rings.end(slot, generation, isChunked);
      this.#complete(exchange, flags, status, 0);
      return;
    }
    const ended = (pump: BodyPump): void => {
      const last = reply !== null && reply.closes ? REPLY_CLOSE : 0;
      rings.end(slot, generation, isChunked, exchange.trailers?.lines, last);
      this.#complete(exchange, flags | last, status, pump.sent);
    };
    // While native has seen nothing of the answer there can be another one in its place.
    const retract = (): boolean => headAt >= 0 && rings.retract(headAt, slot, generation);
    // A limit of 0: each piece is sent, and has left, before the next one is asked for.
    const limit = source === reply && reply.isPaced ? 0 : exchange.site.settings.outputBytesMax;
    const outlet = { rings, slot, generation, isChunked, begin, limit };
    this.#pump(exchange, outlet, source, length, ended, retract);
  }

  #pump(
    exchange: Exchange,
    outlet: Outlet,
    source: object,
    length: number,
    ended: (pump: BodyPump) => void,
    retract: () => boolean,
  ): void {
    const state = this.#connections.of(exchange.slot, exchange.generation);
    this.#host.track(exchange);
    const pump = new BodyPump(this.#queue, outlet, (error) => {
      state.pump = null;
      if (error === undefined) {
        ended(pump);
        return;
      }
      if (error === null) {
        this.#turns.lose(exchange);
        return;
      }
      exchange.isAnswered = !retract();
      this.#host.answerFailed(exchange, error);
    });
    state.pump = pump;
    pump.start(source, length);
  }

  /** What the app writes is the whole message; where it ends is the app's to say. */
  #raw(exchange: Exchange, { bytes, sentStatus }: RawParts, close: boolean): void {
    const { slot, generation } = exchange;
    const rings = this.#rings;
    const flags = (exchange.flags & REQUEST_FLAGS) | (close ? REPLY_CLOSE : 0);
    const begin = (): void => {
      exchange.body?.expectIfHeld?.();
      rings.raw(slot, generation, flags, sentStatus);
    };
    const limit = exchange.site.settings.outputBytesMax;
    const outlet = { rings, slot, generation, isChunked: false, begin, limit };
    this.#pump(exchange, outlet, bytes, -1, (pump) => {
      const last = bytes.closes ? REPLY_CLOSE : 0;
      rings.end(slot, generation, false, "", last);
      this.#complete(exchange, flags | last, sentStatus, pump.sent);
    }, () => false);
  }
}

/** The fields that the server writes or has to know of. */
function applyFields(head: Head, headers: LightHeaders): void {
  const present = headerFlags(headers);
  if ((present & (FIELD.date | FIELD.connection | FIELD.upgrade)) === 0) return;
  if ((present & FIELD.date) !== 0) head.flags |= REPLY_OWN_DATE;
  const options: string[] = [];
  if ((present & FIELD.connection) !== 0) {
    for (const each of headers.get("connection")!.split(",")) {
      const option = each.trim().toLowerCase();
      if (option === "close") head.flags |= REPLY_CLOSE;
      // Whether the connection is kept is the server's to say, and what it goes over to, too.
      else if (option !== "" && option !== "keep-alive" && option !== "upgrade") {
        options.push(option);
      }
    }
  }
  if ((present & FIELD.upgrade) !== 0) {
    // As 426 needs it: RFC 9110 7.8 wants it named by Connection.
    options.push("Upgrade");
    head.lines += `Upgrade: ${headers.get("upgrade")}\r\n`;
  }
  if (options.length > 0) head.lines += `Connection: ${options.join(", ")}\r\n`;
}

function withBody(parts: ResponseParts, body: ResponseBody): ResponseParts {
  if (body === parts.body) return parts;
  const made = new ResponseParts(body, parts.contentType);
  made.status = parts.status;
  made.statusText = parts.statusText;
  made.headers = parts.headers;
  return made;
}

/** What an answer without a body says of its length; -1: nothing. */
function emptyLength(status: number, headers: LightHeaders | null): number {
  if (status === 204) return -1; // RFC 9110 8.6
  return status === 205 ? 0 : declaredLength(headers);
}

function fitsText(text: string): boolean {
  return text.length <= SAFE_TEXT_LENGTH ||
    (text.length <= COPY_BYTES_MAX && Buffer.byteLength(text) <= COPY_BYTES_MAX);
}

/** The length of a body that is sent in pieces, -1 if nobody knows it. */
function streamLength(body: ResponseBody, headers: LightHeaders | null): number {
  const length = bodyLength(body);
  return length < 0 ? declaredLength(headers) : length;
}
