/**
 * The methods of HTTP/1.1 that llhttp knows. Any thread.
 */

import { suggest } from "./suggest.ts";

/** By llhttp's numbers, of which those between belong to RTSP and HTTP/2. */
export const METHODS: readonly (string | undefined)[] = [
  "DELETE", "GET", "HEAD", "POST", "PUT", "CONNECT", "OPTIONS", "TRACE", "COPY", "LOCK", "MKCOL",
  "MOVE", "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT",
  "MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PATCH",
  "PURGE", "MKCALENDAR", "LINK", "UNLINK", "SOURCE", ...Array.from({ length: 12 }, () => undefined),
  "QUERY",
];

export const KNOWN_METHODS: readonly string[] = METHODS.filter((name) => name !== undefined);

/** Without those that reflect what a client sent or ask for a tunnel. */
export const DEFAULT_METHODS: readonly string[] =
  KNOWN_METHODS.filter((name) => name !== "TRACE" && name !== "CONNECT");

/** Why no request can have it; null: one can. A row that names it would never answer. */
export function unknownMethod(name: string): string | null {
  if (KNOWN_METHODS.includes(name)) return null;
  return `no request has the method ${name}${suggest(name, KNOWN_METHODS)}`;
}

/** A bit for each number, as native has it. A double holds them all exactly. */
export function methodBits(names: readonly string[]): number {
  let bits = 0;
  for (const [number, name] of METHODS.entries()) {
    if (name !== undefined && names.includes(name)) bits += 2 ** number;
  }
  return bits;
}
