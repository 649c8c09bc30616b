/**
 * Responses that are not ours: the runtime's own, as `fetch` gives them, those of another fetch
 * library, and whatever has the same members. Any thread.
 */
import { types } from "node:util";
import { isAsyncIterable, type ResponseBody } from "./body.ts";
import { dropStaleOfAnswer } from "./decoded.ts";
import { LightHeaders } from "./headers.ts";
import { ResponseParts, settleParts, TYPE_IN_HEADERS } from "./response-parts.ts";

interface Walking {
  readonly status: number;
  readonly statusText?: unknown;
  readonly headers: Headers;
  readonly body?: unknown;
  readonly bodyUsed?: unknown;
  readonly type?: unknown;
}

/** The parts of something with the members of a Response; null if it does not have them. */
export function toForeignParts(value: object): ResponseParts | null {
  if (!walksLikeResponse(value)) return null;
  const body = (value.body ?? null) as ResponseBody;
  if (!isBody(body)) return null;
  const parts = new ResponseParts(body, TYPE_IN_HEADERS);
  parts.status = value.status;
  parts.statusText = typeof value.statusText === "string" ? value.statusText : "";
  parts.headers = new LightHeaders(value.headers);
  parts.bodyUsed = value.bodyUsed === true;
  if (isFetched(value)) dropStaleOfAnswer(parts.headers, body !== null);
  return settleParts(parts);
}

function walksLikeResponse(value: object): value is Walking {
  const { status, headers } = value as Partial<Walking>;
  if (!isStatus(status) || typeof headers !== "object" || headers === null) return false;
  return typeof headers.get === "function" && Symbol.iterator in headers;
}

/** 0 is that of `Response.error()`. */
function isStatus(status: unknown): boolean {
  const inRange = (status as number) >= 200 && (status as number) <= 599;
  return Number.isInteger(status) && (inRange || status === 0);
}

function isBody(body: unknown): boolean {
  if (body === null || typeof body === "string" || types.isUint8Array(body)) return true;
  return body instanceof Blob || body instanceof ReadableStream || isAsyncIterable(body);
}

/** What `fetch` has answered has a type of its own; what an app has made is "default". */
function isFetched({ type }: Walking): boolean {
  return type === "basic" || type === "cors";
}
