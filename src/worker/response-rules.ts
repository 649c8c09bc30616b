/**
 * What an answer may say of itself: checked where a handler's error still becomes a 500, before
 * anything is written. Names and values have been checked by Headers, the status by Response.
 * Cost: an answer without headers is not looked at. Any thread.
 */
import type { ResponseBody } from "./body.ts";
import { MillraceError } from "../shared/errors.ts";
import { FIELD } from "./header-syntax.ts";
import { headerFlags, headerLines, LightHeaders } from "./headers.ts";
import type { ResponseParts } from "./response-parts.ts";

/** The lines of a head; native's output buffer is made for it. */
export const HEAD_LINES_MAX = 65_536;

/** RFC 9110 15.3.5, 15.3.6, 15.4.5: nothing follows the head. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Throws for what cannot be sent as it is. `isHead`: it answers HEAD. */
export function checkAnswer(parts: ResponseParts, isHead: boolean): void {
  const { headers } = parts;
  if (headers === null) return;
  const present = headerFlags(headers);
  if ((present & FIELD.contentLength) !== 0) checkLength(parts, headers, isHead);
  if ((present & FIELD.transferEncoding) !== 0) checkCoding(headers);
  const length = headerLines(headers).length + parts.statusText.length;
  if (length > HEAD_LINES_MAX) throw tooLong(length);
}

/** `length`: of the lines of a head. */
export function tooLong(length: number): MillraceError {
  return invalid(`its headers have ${length} bytes; ${HEAD_LINES_MAX} can be sent`);
}

function checkLength(parts: ResponseParts, headers: LightHeaders, isHead: boolean): void {
  const declared = declaredLength(headers);
  if (declared < 0) {
    throw invalid(`its Content-Length ${JSON.stringify(headers.get("content-length"))} is none`);
  }
  // It tells how long the body of a 200 to GET would be (RFC 9110 8.6).
  if (parts.status === 304) return;
  const length = isBodyless(parts.status) ? 0 : bodyLength(parts.body);
  if (length < 0 || length === declared || (isHead && length === 0)) return;
  throw invalid(`its Content-Length is ${declared}, its body has ${length} bytes`);
}

/** `chunked` is what the server would choose; any other coding it does not apply. */
function checkCoding(headers: LightHeaders): void {
  const coding = headers.get("transfer-encoding")!;
  if (coding.toLowerCase() === "chunked") return;
  throw invalid(`its Transfer-Encoding is ${JSON.stringify(coding)}; the server applies none`);
}

/** In bytes; -1: nobody knows it before all has been read. */
export function bodyLength(body: ResponseBody): number {
  if (body === null) return 0;
  if (typeof body === "string") return Buffer.byteLength(body);
  if (body instanceof Uint8Array) return body.length;
  return body instanceof Blob ? body.size : -1;
}

/** What Content-Length says; -1: it is absent or no number. */
export function declaredLength(headers: LightHeaders | null): number {
  if (headers === null || (headerFlags(headers) & FIELD.contentLength) === 0) return -1;
  const declared = headers.get("content-length") ?? "";
  return /^\d{1,15}$/.test(declared) ? Number(declared) : -1;
}

/**
 * The lines of an interim answer. A RangeError if the status is none of one, or is 101, which is
 * not an answer's but an upgrade's; a TypeError for headers that are not valid.
 */
export function interimLines(
  status: number,
  init: ConstructorParameters<typeof Headers>[0],
): string {
  if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
    throw new RangeError(`informational: the status is 100 or 102 to 199, not ${status}`);
  }
  const lines = headerLines(new LightHeaders(init));
  if (lines.length > HEAD_LINES_MAX) throw tooLong(lines.length);
  return lines;
}

function invalid(what: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_RESPONSE_HEADERS", `the answer cannot be sent: ${what}`);
}
