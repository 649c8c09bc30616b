/**
 * The check of `headers`: fields that are added to every answer which does not have them. Pure;
 * used in the primary, before a worker exists.
 */
import { isToken } from "../shared/token.ts";
import { where } from "./checks.ts";
import type { Check } from "./checks.ts";

/** What one listener's lines may have; native's output buffer has room for them beside a head. */
const BYTES_MAX = 8192;
/** No control characters but tabs within, and nothing that is no byte. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Each answer's own: the server writes them, or the answer says what it is made of. */
const REFUSED = new Set([
  "connection", "content-encoding", "content-length", "content-range", "content-type", "date",
  "keep-alive", "set-cookie", "trailer", "transfer-encoding", "upgrade",
]);

export const defaultHeaders: Check = where(
  isHeaders,
  `an object of header names and values, of at most ${BYTES_MAX} bytes, each name once, and not ` +
    [...REFUSED].join(", "),
);

function isHeaders(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const names = new Set(entries.map(([name]) => name.toLowerCase()));
  if (names.size !== entries.length) return false;
  if (!entries.every(([name, text]) => isField(name, text))) return false;
  return entries.reduce((sum, [name, text]) => sum + name.length + text.length + 4, 0) <= BYTES_MAX;
}

function isField(name: string, text: unknown): boolean {
  if (!isToken(name) || REFUSED.has(name.toLowerCase())) return false;
  return typeof text === "string" && VALUE.test(text);
}
