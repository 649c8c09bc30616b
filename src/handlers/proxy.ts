/**
 * A reverse proxy: the request goes on to another server, and its answer comes back as it is, byte
 * for byte, both as streams with backpressure. It stands on node:http, since `fetch` would decode
 * bodies and follow redirects. Any thread.
 */
import {
  Agent as HttpAgent, type ClientRequest, type IncomingMessage, type InformationEvent,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { Context, FetchHandler, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { pairsOf } from "../shared/raw-fields.ts";
import { unusable } from "../worker/body-rules.ts";
import { endToEnd, listsOf, withOrigin } from "./forward-headers.ts";

export interface ProxyOptions {
  /** Taken off the beginning of the path, which then follows the target's. */
  readonly stripPrefix?: string;
  /** The client's `Host` goes on; else it is the target's. Default false. */
  readonly preserveHost?: boolean;
  /** Fields of the request that are set, or taken away with `null`. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /**
   * Milliseconds until there is a connection, then until the answer's head, and between pieces of
   * its body. Default 30,000.
   */
  readonly timeoutMs?: number;
  /** Connections to the target, for each worker. Default 256. */
  readonly connectionsMax?: number;
  /** Of connections to `https:` targets, as node:tls has them. */
  readonly tls?: AgentOptions;
}

interface Upstream {
  readonly target: URL;
  readonly options: ProxyOptions;
  readonly agent: HttpAgent;
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 256;
/** They can be sent again when a connection that was kept turns out to have ended. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * The handler that asks the target: an `http:` or `https:` URL, whose path comes before that of the
 * request. 502 if it cannot be asked or answers no HTTP, which it does also if it switches the
 * protocol; 504 if there is no connection or no answer in time; what fails later cuts the answer.
 * Rejects with a TypeError if someone else reads or has read the body. Throws a TypeError for
 * options that are none.
 */
export function proxy(target: string | URL, options: ProxyOptions = {}): FetchHandler {
  const upstream = upstreamOf(new URL(target), options);
  return async (request, context) => {
    const url = new URL(request.url);
    const path = pathAt(upstream, url);
    if (path === null) return undefined;
    if (request.bodyUsed || request.body?.locked === true) throw unusable();
    let answer: IncomingMessage;
    try {
      answer = await exchanged(upstream, path, url, request, context);
    } catch (cause) {
      if (context.signal.aborted) throw cause;
      throw cause instanceof TimedOut
        ? new HttpError(504, "Gateway timeout", { cause })
        : new HttpError(502, "Bad gateway", { cause });
    }
    return responseOf(answer, request, context);
  };
}

class TimedOut extends Error {}

function upstreamOf(target: URL, options: ProxyOptions): Upstream {
  const { timeoutMs = TIMEOUT_MS, connectionsMax = CONNECTIONS_MAX, stripPrefix, tls } = options;
  if (!/^https?:$/.test(target.protocol)) {
    throw new TypeError(`proxy: ${target.href} is no URL of http or https`);
  }
  if (target.search !== "" || target.hash !== "" || target.username !== "") {
    throw new TypeError("proxy: the target has no query, no fragment and no user");
  }
  if (stripPrefix !== undefined && !/^\/.*[^/]$/.test(stripPrefix)) {
    throw new TypeError("proxy: stripPrefix begins with a slash and does not end with one");
  }
  for (const [name, value] of Object.entries({ timeoutMs, connectionsMax })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new TypeError(`proxy: ${name} is a whole number above 0`);
    }
  }
  const kept = { keepAlive: true, maxSockets: connectionsMax };
  const agent = target.protocol === "https:"
    ? new HttpsAgent({ ...tls, ...kept })
    : new HttpAgent(kept);
  return { target, options, agent, timeoutMs };
}

/** Null: the path is not below the prefix, so the request is another handler's. */
function pathAt({ target, options }: Upstream, url: URL): string | null {
  const { stripPrefix: prefix = "" } = options;
  const { pathname, search } = url;
  const isBelow = pathname === prefix || pathname.startsWith(`${prefix}/`);
  if (prefix !== "" && !isBelow) return null;
  const rest = pathname.slice(prefix.length);
  return `${target.pathname.replace(/\/$/, "")}${rest === "" ? "/" : rest}${search}`;
}

/** Resolves to the answer when its head has come. */
async function exchanged(
  upstream: Upstream,
  path: string,
  url: URL,
  request: MillraceRequest,
  context: Context,
): Promise<IncomingMessage> {
  const { target, agent, timeoutMs } = upstream;
  const headers = headersFor(upstream, request, context, url);
  const begin = (): ClientRequest => {
    const make = target.protocol === "https:" ? httpsRequest : httpRequest;
    return make(target, { agent, path, method: request.method, headers, timeout: timeoutMs });
  };
  const sent = begin();
  try {
    return await answered(sent, timeoutMs, request, context);
  } catch (error) {
    const isStale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET";
    const isRepeatable = IDEMPOTENT.has(request.method) && request.body === null;
    if (!isStale || !isRepeatable || context.signal.aborted) throw error;
    // It was closed by the other end at the moment when it was used again.
    return await answered(begin(), timeoutMs, request, context);
  }
}

function headersFor(
  { options }: Upstream,
  request: MillraceRequest,
  context: Context,
  url: URL,
): Record<string, string | string[]> {
  const { preserveHost = false, headers = {} } = options;
  const own = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const fields = withOrigin(endToEnd(context.rawHeaders), context, url).filter(([name]) => {
    const lower = name.toLowerCase();
    // 100 was asked for of this server, which sends it when the body is read.
    if (lower === "expect" || own.has(lower)) return false;
    return lower !== "host" || preserveHost;
  });
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null) fields.push([name, value]);
  }
  const isChunked = request.body !== null && !request.headers.has("content-length");
  return { ...listsOf(fields), ...(isChunked && { "Transfer-Encoding": "chunked" }) };
}

/**
 * Resolves when the answer's head has come. It may come before the body has gone: what is left of
 * that is not sent then.
 */
async function answered(
  sent: ClientRequest,
  timeoutMs: number,
  request: MillraceRequest,
  context: Context,
): Promise<IncomingMessage> {
  const { signal } = context;
  const body = request.body === null ? null : Readable.fromWeb(request.body);
  return await new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(waiting);
      signal.removeEventListener("abort", cut);
      body?.destroy();
    };
    // Rejects by itself: a request that waits for a connection emits nothing when it is destroyed.
    const fail = (error: Error): void => {
      over();
      reject(error);
      sent.destroy(error);
    };
    const late = (): void => fail(new TimedOut("the target has not answered in time"));
    const cut = (): void => fail(signal.reason as Error);
    const waiting = setTimeout(late, timeoutMs);
    signal.addEventListener("abort", cut, { once: true });
    sent.once("socket", () => clearTimeout(waiting)); // the connection has a timeout of its own
    sent.on("timeout", late);
    sent.on("error", reject);
    sent.once("close", () => {
      over();
      reject(new Error("the target has switched protocols")); // all else is an answer or an error
    });
    sent.on("information", (hint) => handOn(hint, context));
    sent.once("response", (answer) => {
      if (isFinal(answer)) resolve(answer);
      else fail(new Error(`the target has answered with status ${answer.statusCode}`));
    });
    body?.on("error", fail);
    if (signal.aborted) cut();
    else if (body === null) sent.end();
    else body.pipe(sent);
  });
}

/** node:http takes a 101 without an upgrade for the answer, and any number of three digits. */
function isFinal({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 599;
}

/** What cannot be sent is dropped: someone may have answered who did not wait for the target. */
function handOn({ statusCode, rawHeaders }: InformationEvent, context: Context): void {
  if (statusCode !== 103) return;
  try {
    context.informational(103, endToEnd(pairsOf(rawHeaders)));
  } catch (error) {
    context.log.debug({ err: error }, "early hints of the target could not be sent");
  }
}

function responseOf(
  answer: IncomingMessage,
  request: MillraceRequest,
  context: Context,
): Response {
  const { statusCode = 502, statusMessage = "" } = answer;
  const headers = new Headers(endToEnd(pairsOf(answer.rawHeaders)));
  headers.append("via", "1.1 millrace");
  const isEmpty = request.method === "HEAD" || statusCode === 204 || statusCode === 304;
  if (isEmpty) answer.resume();
  const trailers = answer.headers.trailer;
  if (trailers !== undefined) headers.set("trailer", trailers);
  const body = isEmpty ? null : (bodyOf(answer, context) as unknown as ReadableStream);
  return new Response(body, { status: statusCode, statusText: statusMessage, headers });
}

/** Ends with an error where the answer ended in the middle, so that this one is cut as well. */
async function* bodyOf(
  answer: IncomingMessage,
  context: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of answer) yield piece as Uint8Array;
  const trailers = endToEnd(pairsOf(answer.rawTrailers));
  if (trailers.length > 0) context.addTrailers(trailers);
}
