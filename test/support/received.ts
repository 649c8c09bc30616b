/** A received request without a server: what the engine gives, made of a standard `RequestInit`. */
import { RequestCookies } from "../../src/worker/cookie-map.ts";
import type { BodySource, RequestSource } from "../../src/worker/request-source.ts";
import { LightRequest, requestFrom } from "../../src/worker/request.ts";

export interface Received {
  method?: string;
  url?: string;
  headers?: [string, string][];
  body?: string | Uint8Array;
  bytesMax?: number;
  params?: Record<string, string>;
  signal?: AbortSignal;
}

export interface ReceivedSource extends RequestSource {
  /** The calls of members that are called at most once. */
  readonly calls: string[];
}

export function sourceOf(received: Received): ReceivedSource {
  const { method = "GET", url = "http://a.test/", headers = [], body, params = {} } = received;
  const calls: string[] = [];
  const signal = received.signal ?? new AbortController().signal;
  let jar: RequestCookies | null = null;
  const note = <T>(name: string, value: T): T => {
    calls.push(name);
    return value;
  };
  return {
    calls,
    method,
    url: () => note("url", url),
    rawHeaders: () => note("rawHeaders", headers.flat()),
    params: () => note("params", { ...params }),
    signal: () => note("signal", signal),
    cookies: (fields) => (jar ??= new RequestCookies(fields.get("cookie"))),
    body: body === undefined ? null : bodySource(body, received.bytesMax, note),
  };
}

export function received(parts: Received): LightRequest {
  return requestFrom(sourceOf(parts));
}

function bodySource(
  body: string | Uint8Array,
  bytesMax: number | undefined,
  note: <T>(name: string, value: T) => T,
): BodySource {
  const bytes = new Uint8Array(typeof body === "string" ? new TextEncoder().encode(body) : body);
  return {
    length: bytes.byteLength,
    ...(bytesMax === undefined ? {} : { bytesMax }),
    bytes: () => note("bytes", Promise.resolve(new Uint8Array(bytes))),
    text: () => note("text", Promise.resolve(new TextDecoder().decode(bytes))),
    stream: () => note("stream", inPieces(bytes)),
  };
}

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.byteLength) controller.enqueue(bytes.slice(at, (at += 5)));
      else controller.close();
    },
  });
}
