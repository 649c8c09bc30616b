/**
 * Cookies (RFC 6265bis): read from a request, written to the headers of an answer with defaults
 * that are safe. Any thread.
 */
import { parseCookie, stringifySetCookie } from "cookie";

export interface CookieOptions {
  /** Default "/". */
  readonly path?: string;
  /** Default: the host alone that sets it. */
  readonly domain?: string;
  /** Over TLS alone; browsers take localhost for it. Default true. */
  readonly secure?: boolean;
  /** Not to be seen by scripts. Default true. */
  readonly httpOnly?: boolean;
  /** Default "lax". `"none"` needs `secure`. */
  readonly sameSite?: "lax" | "none" | "strict";
  /** Seconds; 0 and less ends it. Default: it ends with the browser. */
  readonly maxAge?: number;
  readonly expires?: Date;
  /** Kept apart for each site that embeds this one. Default false. */
  readonly partitioned?: boolean;
}

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
  const { path = "/", secure = true, httpOnly = true, sameSite = "lax" } = options;
  checkRules(name, { ...options, path, secure, sameSite });
  const text = stringifySetCookie(name, value, { ...options, path, secure, httpOnly, sameSite });
  headers.append("set-cookie", text);
}

/** Ends a cookie: with the path and the domain that it was set with. */
export function deleteCookie(headers: Headers, name: string, options: CookieOptions = {}): void {
  setCookie(headers, name, "", { ...options, maxAge: 0, expires: new Date(0) });
}

/** RFC 6265bis 4.1.2 and 4.1.3: browsers drop what breaks these, and say nothing. */
function checkRules(name: string, options: CookieOptions): void {
  const { path, domain, secure, sameSite, partitioned } = options;
  if (sameSite === "none" && secure !== true) {
    throw new TypeError(`The cookie ${name}: sameSite "none" needs secure`);
  }
  if (partitioned === true && secure !== true) {
    throw new TypeError(`The cookie ${name}: partitioned needs secure`);
  }
  const prefix = /^__(host|secure)-/i.exec(name)?.[1]?.toLowerCase();
  if (prefix !== undefined && secure !== true) {
    throw new TypeError(`The cookie ${name}: its prefix needs secure`);
  }
  if (prefix === "host" && (path !== "/" || domain !== undefined)) {
    throw new TypeError(`The cookie ${name}: its prefix needs the path "/" and no domain`);
  }
}
