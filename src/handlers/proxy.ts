/**
 * A reverse proxy: the request goes on to another server, and its answer comes back as it is, byte
 * for byte, both as streams with backpressure. It stands on node:http, since `fetch` would decode
 * bodies and follow redirects. Any thread.
 */
import type { IncomingMessage } from "node:http";
import type { Context, FetchHandler, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { pairsOf } from "../shared/raw-fields.ts";
import { unusable } from "../worker/body-rules.ts";
import { endToEnd, forwardsLeft, viaOf } from "./forward-headers.ts";
import { AnswerBody, exchanged, TimedOut } from "./proxy-exchange.ts";
import { type ProxyOptions, targetOf } from "./proxy-options.ts";

export type { ProxyOptions } from "./proxy-options.ts";

/** Statuses whose answers have no body, as Fetch has it. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * The handler that asks the target: an `http:` or `https:` URL, whose path comes before that of the
 * request. 502 if it cannot be asked or answers no HTTP, which it does also if it switches the
 * protocol; 504 if there is no connection or no answer in time; what fails later cuts the answer.
 * Rejects with a TypeError if someone else reads or has read the body. Throws a TypeError for
 * options that are none.
 */
export function proxy(target: string | URL, options: ProxyOptions = {}): FetchHandler {
  const to = targetOf(target, options);
  return async (request, context) => {
    const path = pathAt(to.url, options.stripPrefix, new URL(request.url));
    if (path === null) return undefined;
    if (forwardsLeft(request) === 0) return ownAnswer(request);
    if (request.bodyUsed || request.body?.locked === true) throw unusable();
    let answer: IncomingMessage;
    try {
      answer = await exchanged(to, path, request, context);
    } catch (cause) {
      if (context.signal.aborted) throw cause;
      throw cause instanceof TimedOut
        ? new HttpError(504, "Gateway timeout", { cause })
        : new HttpError(502, "Bad gateway", { cause });
    }
    try {
      return responseOf(answer, to.timeoutMs, request, context);
    } catch (cause) {
      answer.destroy(); // it cannot be sent on, such as for what its reason phrase has
      throw new HttpError(502, "Bad gateway", { cause });
    }
  };
}

/** To a request that may not go on: this server is its last, and serves no TRACE by itself. */
function ownAnswer({ method }: MillraceRequest): Response {
  return new Response(null, { status: method === "OPTIONS" ? 204 : 501 });
}

/** Null: the path is not below the prefix, so the request is another handler's. */
function pathAt(target: URL, prefix: string = "", { pathname, search }: URL): string | null {
  const isBelow = pathname === prefix || pathname.startsWith(`${prefix}/`);
  if (prefix !== "" && !isBelow) return null;
  const rest = pathname.slice(prefix.length);
  return `${target.pathname.replace(/\/$/, "")}${rest === "" ? "/" : rest}${search}`;
}

function responseOf(
  answer: IncomingMessage,
  timeoutMs: number,
  request: MillraceRequest,
  context: Context,
): Response {
  const { statusCode = 502, statusMessage = "" } = answer;
  const headers = new Headers(endToEnd(pairsOf(answer.rawHeaders)));
  headers.append("via", viaOf(answer.httpVersion));
  const isEmpty = request.method === "HEAD" || EMPTY.has(statusCode);
  if (isEmpty) answer.resume();
  const trailers = answer.headers.trailer;
  if (trailers !== undefined) headers.set("trailer", trailers);
  const atEnd = (): void => {
    for (const trailer of endToEnd(pairsOf(answer.rawTrailers))) handOnTrailer(trailer, context);
  };
  const body = isEmpty ? null : bodyOf(answer, timeoutMs, atEnd);
  return new Response(body, { status: statusCode, statusText: statusMessage, headers });
}

/** What fails, fails the answer: where the target's ended in the middle this one is cut as well. */
function bodyOf(answer: IncomingMessage, timeoutMs: number, atEnd: () => void): ReadableStream {
  return new AnswerBody(answer, timeoutMs, atEnd) as unknown as ReadableStream;
}

/** One that was not announced, or may be none, is dropped: the answer is whole without it. */
function handOnTrailer(trailer: [name: string, value: string], context: Context): void {
  try {
    context.addTrailers([trailer]);
  } catch (error) {
    context.log.debug({ err: error }, "a trailer of the target could not be sent");
  }
}
