/**
 * The trailer fields of a request as Headers. They are never part of `request.headers`, and those
 * that change what a message means or where it goes are left out even here (RFC 9110 6.5.1): an app
 * that merges what it finds cannot be told so another host, length, user or coding. Any thread.
 */
import { type LightHeaders, headersFromRaw } from "./headers.ts";

const FORBIDDEN: ReadonlySet<string> = new Set([
  // Framing, routing and what belongs to the connection.
  "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer",
  "transfer-encoding", "upgrade",
  // How the request is to be treated.
  "cache-control", "expect", "max-forwards", "pragma", "prefer", "range", "forwarded",
  // Who asks.
  "authorization", "cookie", "proxy-authorization", "set-cookie",
  // How the content is to be read.
  "content-encoding", "content-range", "content-type",
]);

function isForbidden(lower: string): boolean {
  return FORBIDDEN.has(lower) || lower.startsWith("if-") || lower.startsWith("x-forwarded-");
}

/** `text` is "name LF value LF", field by field, as native gives it. */
export function trailersFrom(text: string): LightHeaders {
  const raw: string[] = [];
  const parts = text.split("\n");
  for (let i = 0; i + 1 < parts.length; i += 2) {
    if (!isForbidden(parts[i]!.toLowerCase())) raw.push(parts[i]!, parts[i + 1]!);
  }
  return headersFromRaw(raw);
}
