/**
 * Where the answers of an app go that is called without a server: each becomes the Response that
 * its caller waits for, with the fields that a server would write. The body is made as it is read,
 * a little ahead, as a socket would take it. Any thread.
 */
import { STATUS_CODES } from "node:http";
import { MillraceError } from "../shared/errors.ts";
import { FLAG_HEAD } from "../shared/layout.ts";
import type { AnswerSink } from "../worker/answer-sink.ts";
import {
  chunkBytes, CONTENT_TYPES, discard, isDetached, type ResponseBody, TYPE_TEXT,
} from "../worker/body.ts";
import type { Exchange } from "../worker/exchange.ts";
import { FileBlob } from "../worker/file-blob.ts";
import { BURST, iteratorOf, UNCOPIED_BYTES_MIN } from "../worker/pump.ts";
import { ReplyBody } from "../worker/reply-body.ts";
import { ResponseParts } from "../worker/response-parts.ts";
import { bodyLength, declaredLength, isBodyless } from "../worker/response-rules.ts";
import { NO_TRAILERS, ResponseTrailers } from "../worker/response-trailers.ts";
import { StandardHeaders, StandardResponse } from "../worker/standard.ts";
import { needsSocket } from "./absent-server.ts";
import type { Refusal } from "./request-record.ts";

/** What answers ask of who calls the app. */
export interface FetchedAnswersHost {
  /** Its answer cannot be sent on. `isAnswered` tells whether some of it has been sent. */
  answerFailed(exchange: Exchange, error: unknown): void;
  /** Nothing more comes of it. */
  ended(exchange: Exchange, end: AnswerEnd): void;
}

export interface AnswerEnd {
  /** 0: there was none. */
  readonly status: number;
  readonly bytes: number;
  readonly isComplete: boolean;
}

/** The fields that say where a body ends, or what becomes of a connection: not the app's to say. */
const FRAMING = new Set([
  "content-length", "transfer-encoding", "connection", "keep-alive", "trailer",
]);

/** Of the registry of today, as native has them. */
const PHRASES: Readonly<Record<number, string | undefined>> = {
  ...STATUS_CODES, 413: "Content Too Large", 422: "Unprocessable Content",
};

interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}

/** Somebody waits for an answer, or reads it. */
interface Caller {
  resolve(response: Response): void;
  reject(error: unknown): void;
  status: number;
  bytes: number;
  iterator: AsyncIterator<unknown> | null;
  controller: ReadableStreamDefaultController<Uint8Array> | null;
}

export class FetchedAnswers implements AnswerSink {
  readonly #host: FetchedAnswersHost;
  readonly #callers = new Map<Exchange, Caller>();

  constructor(host: FetchedAnswersHost) {
    this.#host = host;
  }

  /** Those that are not over. */
  get open(): Exchange[] {
    return [...this.#callers.keys()];
  }

  isOpen(exchange: Exchange): boolean {
    return this.#callers.has(exchange);
  }

  /** Before its handlers run. */
  expect(exchange: Exchange): Promise<Response> {
    return new Promise((resolve, reject) => {
      const caller = { status: 0, bytes: 0, iterator: null, controller: null };
      this.#callers.set(exchange, { resolve, reject, ...caller });
    });
  }

  answer(exchange: Exchange, given: ResponseParts, _close: boolean): void {
    if (exchange.isAnswered) return;
    exchange.isAnswered = true;
    const caller = this.#callers.get(exchange);
    if (caller === undefined || given.status < 200) {
      discard(given.body);
      this.abort(exchange);
      return;
    }
    const { filter } = exchange.site;
    const parts = filter === null ? given : filter.apply(given, exchange);
    let { body } = parts;
    try {
      if (body instanceof FileBlob) body = body.pin();
      else if (body instanceof Uint8Array && isDetached(body)) {
        throw new MillraceError("ERR_MILLRACE_BODY_CHANGED");
      }
    } catch (error) {
      exchange.isAnswered = false;
      this.#host.answerFailed(exchange, error);
      return;
    }
    const isHead = (exchange.flags & FLAG_HEAD) !== 0;
    const trailers = announced(exchange, parts, isHead);
    const length = trailers === "" ? lengthOf(parts, body, isHead) : -1;
    const cookies = exchange.jar?.toSetCookieHeaders() ?? [];
    const head = headOf(parts, length, exchange.site.settings.headers, cookies);
    if (trailers !== "") head.headers.set("trailer", trailers);
    if (isBodyless(parts.status) || isHead) {
      discard(body);
      this.#whole(exchange, caller, head, null);
    } else if (body === null || typeof body === "string" || body instanceof Uint8Array) {
      this.#whole(exchange, caller, head, Buffer.from(body ?? ""));
    } else {
      void this.#stream(exchange, caller, head, body, length);
    }
  }

  beginRaw(exchange: Exchange): never {
    const error = needsSocket("reply.raw()");
    exchange.isAnswered = true;
    this.refuse(exchange, error);
    throw error;
  }

  abort(exchange: Exchange): void {
    exchange.isAnswered = true;
    this.refuse(exchange, new TypeError("the app has ended the connection, not the answer"));
  }

  /** Its caller, or who reads its body, gets the error. */
  refuse(exchange: Exchange, error: unknown): void {
    exchange.isComplete = true;
    const caller = this.#callers.get(exchange);
    if (caller === undefined) return;
    if (caller.controller === null) caller.reject(error);
    else caller.controller.error(error);
    stopped(caller.iterator);
    this.#end(exchange, caller, false);
  }

  #end(exchange: Exchange, { status, bytes }: Caller, isComplete: boolean): void {
    if (!this.#callers.delete(exchange)) return;
    this.#host.ended(exchange, { status, bytes, isComplete });
  }

  #whole(exchange: Exchange, caller: Caller, head: Head, bytes: Uint8Array | null): void {
    caller.status = head.status;
    caller.bytes = bytes?.length ?? 0;
    exchange.isComplete = true;
    // The runtime's own: who gets it has it as from `fetch`.
    caller.resolve(new StandardResponse(bytes as Uint8Array<ArrayBuffer> | null, head));
    this.#end(exchange, caller, true);
  }

  /** Until the turn ends, a body that fails has another answer in its place, as in a server. */
  async #stream(
    exchange: Exchange,
    caller: Caller,
    head: Head,
    source: object,
    length: number,
  ): Promise<void> {
    if (length < 0) exchange.trailers ??= NO_TRAILERS;
    const isPaced = source instanceof ReplyBody && source.isPaced;
    const ahead = exchange.site.settings.outputBytesMax;
    let begun: Promise<Uint8Array | null>[];
    try {
      begun = await firstPieces(caller, source, length, isPaced ? 0 : ahead * BURST);
    } catch (error) {
      stopped(caller.iterator);
      caller.iterator = null;
      caller.bytes = 0;
      if (!this.isOpen(exchange)) return;
      exchange.isAnswered = false;
      this.#host.answerFailed(exchange, error);
      return;
    }
    if (!this.isOpen(exchange)) return;
    caller.status = head.status;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (caller.controller = controller),
      pull: async (controller) => {
        const piece = begun.shift() ?? nextPiece(caller, length);
        await this.#give(exchange, caller, controller, piece);
      },
      cancel: () => this.leave(exchange),
    }, new ByteLengthQueuingStrategy({ highWaterMark: ahead }));
    caller.resolve(new StandardResponse(stream, head));
  }

  async #give(
    exchange: Exchange,
    caller: Caller,
    controller: ReadableStreamDefaultController<Uint8Array>,
    next: Promise<Uint8Array | null>,
  ): Promise<void> {
    try {
      const piece = await next;
      if (!this.isOpen(exchange)) return;
      if (piece !== null) {
        controller.enqueue(piece);
        return;
      }
      exchange.isComplete = true;
      controller.close();
      this.#end(exchange, caller, true);
    } catch (error) {
      if (!this.isOpen(exchange)) return;
      controller.error(new TypeError("terminated", { cause: error }));
      stopped(caller.iterator);
      caller.iterator = null;
      this.#host.answerFailed(exchange, error);
    }
  }

  /** Its caller does not wait any more, or has stopped to read: `request.signal` aborts. */
  leave(exchange: Exchange, reason?: unknown): void {
    const caller = this.#callers.get(exchange);
    if (caller === undefined) return;
    stopped(caller.iterator);
    if (caller.controller === null) caller.reject(reason);
    else if (reason !== undefined) caller.controller.error(reason);
    this.#end(exchange, caller, false);
  }
}

/** Tells a producer that nobody wants more. */
function stopped(iterator: AsyncIterator<unknown> | null): void {
  try {
    Promise.resolve(iterator?.return?.()).catch(() => {});
  } catch {
    // The producer's own clean-up has failed; there is nobody left to tell.
  }
}

/**
 * What comes within the turn, up to `bytesMax` or a piece that is sent at once: so much a server
 * holds back until the turn ends. The last one may not be there yet. Rejects if one fails.
 */
async function firstPieces(
  caller: Caller,
  source: object,
  length: number,
  bytesMax: number,
): Promise<Promise<Uint8Array | null>[]> {
  // Before the source is asked: what it puts off itself comes in a later turn.
  const turn = new Promise<null>((resolve) => setImmediate(resolve, null));
  caller.iterator = iteratorOf(source);
  const pieces: Promise<Uint8Array | null>[] = [];
  let held = 0;
  do {
    const next = nextPiece(caller, length);
    next.catch(() => {}); // it is for who reads it, which may be later
    pieces.push(next);
    const piece = await Promise.race([next, turn]);
    if (piece === null || piece.length >= UNCOPIED_BYTES_MIN) break;
    held += piece.length;
  } while (held < bytesMax);
  return pieces;
}

/** Null: the end. Rejects if there is more or less of it than its length says. */
async function nextPiece(caller: Caller, length: number): Promise<Uint8Array | null> {
  for (;;) {
    const { done, value } = await caller.iterator!.next();
    if (done === true) break;
    // A copy: a generator may fill its buffer again.
    const bytes = chunkBytes(value);
    if (isDetached(bytes)) throw new MillraceError("ERR_MILLRACE_BODY_CHANGED");
    const piece = new Uint8Array(bytes);
    caller.bytes += piece.length;
    if (length >= 0 && caller.bytes > length) {
      throw new Error(`the body is longer than its Content-Length of ${length}`);
    }
    if (piece.length > 0) return piece;
  }
  if (caller.bytes >= length) return null;
  const got = `${caller.bytes} of ${length} bytes`;
  throw new Error(`the body is shorter than its Content-Length: ${got}`);
}

/** What the head says of it; -1: nothing. */
function lengthOf(
  { status, headers }: ResponseParts,
  body: ResponseBody,
  isHead: boolean,
): number {
  if (isBodyless(status) || (body === null && isHead)) {
    if (status === 204) return -1;
    return status === 205 ? 0 : declaredLength(headers);
  }
  const length = bodyLength(body);
  return length < 0 ? declaredLength(headers) : length;
}

/** The names of trailers. Nobody sees them, but what may be added is checked as in a server. */
function announced(
  exchange: Exchange,
  { status, headers, body }: ResponseParts,
  isHead: boolean,
): string {
  if (isBodyless(status) || (body === null && isHead) || declaredLength(headers) >= 0) return "";
  const named = headers?.get("trailer") ?? null;
  if (named === null && exchange.trailers === null) return "";
  if (exchange.trailers === null || exchange.trailers === NO_TRAILERS) {
    exchange.trailers = new ResponseTrailers();
  }
  return exchange.trailers.announce(named);
}

/** The answer to what no handler is asked about. */
export function refusedResponse(
  { status, reason }: Refusal,
  defaults: Readonly<Record<string, string>>,
  isHead: boolean,
): Response {
  const text = `${reason}\n`;
  const parts = new ResponseParts(text, TYPE_TEXT);
  parts.status = status;
  return new StandardResponse(isHead ? null : text, headOf(parts, text.length, defaults, []));
}

function headOf(
  parts: ResponseParts,
  length: number,
  defaults: Readonly<Record<string, string>>,
  cookies: readonly string[],
): Head {
  const { status, statusText, contentType, headers: own } = parts;
  const headers = new StandardHeaders();
  if (contentType > 0) headers.append("content-type", CONTENT_TYPES[contentType]!);
  for (const [name, value] of own ?? []) if (!FRAMING.has(name)) headers.append(name, value);
  for (const [name, value] of Object.entries(defaults)) {
    if (!headers.has(name)) headers.append(name, value);
  }
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  if (length >= 0) headers.set("content-length", String(length));
  if (!headers.has("date")) headers.set("date", new Date().toUTCString());
  return { status, statusText: statusText || (PHRASES[status] ?? ""), headers };
}
