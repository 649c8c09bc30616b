/** Media types, as `Content-Type` has them (RFC 9110 8.3.1). Pure. */
import { isToken } from "../shared/token.ts";

/** Of a body, without parameters. Ranges such as `text/*` are what `Accept` has. */
export function isMediaType(text: unknown): boolean {
  if (typeof text !== "string") return false;
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => isToken(part) && part !== "*");
}
