/**
 * Cookies (RFC 6265bis): read from a request, written to the headers of an answer with defaults
 * that are safe. Any thread.
 */
import { parseCookie } from "cookie";
import type { CookieOptions } from "../shared/cookies.ts";
import { endCookieText, setCookieText } from "../shared/set-cookie.ts";

export type { CookieOptions } from "../shared/cookies.ts";

/** By name, decoded; the first of two with one name, which has the longer path. */
export function cookiesOf(request: Request): Record<string, string> {
  const text = request.headers.get("cookie");
  if (text === null) return {};
  return Object.assign(Object.create(null) as object, parseCookie(text)) as Record<string, string>;
}

/** One more `Set-Cookie`. Throws a TypeError for what no browser would keep. */
export function setCookie(
  headers: Headers,
  name: string,
  value: string,
  options: CookieOptions = {},
): void {
  headers.append("set-cookie", setCookieText(name, value, options));
}

/** Ends a cookie: with the path and the domain that it was set with. */
export function deleteCookie(headers: Headers, name: string, options: CookieOptions = {}): void {
  headers.append("set-cookie", endCookieText(name, options));
}
