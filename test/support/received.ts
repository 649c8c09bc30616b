/** A received request without a server: what the engine gives, made of a standard `RequestInit`. */
import type { BodyLimits } from "../../src/worker/body-rules.ts";
import { RequestCookies } from "../../src/worker/cookie-map.ts";
import { ReadyBody } from "../../src/worker/ready-body.ts";
import { type BodyFlow, RequestBody } from "../../src/worker/request-body.ts";
import type { BodySource, RequestSource } from "../../src/worker/request-source.ts";
import { LightRequest, requestFrom } from "../../src/worker/request.ts";

export interface Received {
  method?: string;
  url?: string;
  headers?: [string, string][];
  body?: string | Uint8Array;
  bytesMax?: number;
  /** The body has come with its head. */
  isReady?: boolean;
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
    body: body === undefined ? null : bodySource(body, received, note),
  };
}

export function received(parts: Received): LightRequest {
  return requestFrom(sourceOf(parts));
}

function bodySource(
  body: string | Uint8Array,
  { bytesMax = Infinity, isReady = false }: Received,
  note: <T>(name: string, value: T) => T,
): BodySource {
  const bytes = new Uint8Array(typeof body === "string" ? new TextEncoder().encode(body) : body);
  const owner = budgetOf({ bodyBytesMax: bytesMax });
  if (isReady) return new ReadyBody(Buffer.from(bytes), 0, bytes.byteLength, owner, false);
  const source = new RequestBody(bytes.byteLength, owner);
  for (let at = 0; at < bytes.byteLength; at += 5) {
    source.push(bytes, at, Math.min(5, bytes.byteLength - at));
  }
  source.end();
  return {
    length: bytes.byteLength,
    owner,
    bytes: () => note("bytes", source.bytes()),
    text: () => note("text", source.text()),
    stream: () => note("stream", source.stream()),
    handOver: (isHeld) => source.handOver(isHeld),
  };
}

export interface Budget extends BodyFlow {
  /** What is counted. */
  held: number;
  /** What was asked of the connection. */
  readonly calls: string[];
}

/** The limits of a body, its worker's budget and its connection, without any of them. */
export function budgetOf(parts: Partial<BodyLimits> & { budget?: number }): Budget {
  const { bodyBytesMax = Infinity, bodyStreamBytesMax = 0, budget = Infinity } = parts;
  const calls: string[] = [];
  const note = (name: string) => (): void => void calls.push(name);
  return {
    bodyLimits: { bodyBytesMax, bodyStreamBytesMax },
    held: 0,
    calls,
    hold(bytes) {
      this.held += bytes;
      return this.held <= budget;
    },
    pauseBody: note("pause"),
    resumeBody: note("resume"),
    expectBody: note("expect"),
  };
}
