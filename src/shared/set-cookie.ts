/**
 * The value of a `Set-Cookie` field (RFC 6265bis), with defaults that are safe. Any thread.
 */
import { stringifySetCookie } from "cookie";
import type { CookieOptions } from "./cookies.ts";

/** RFC 6265bis 5.7: name and value together. */
const PAIR_BYTES_MAX = 4096;
const ATTRIBUTES_BYTES_MAX = 2560; // a path and a domain of 1,024 each, and the rest

const FLAGS = ["secure", "httpOnly", "partitioned"] as const;

/** U+FFFD stands for half a character. Throws a TypeError for what no browser would keep. */
export function setCookieText(name: string, value: string, options: CookieOptions): string {
  const { path = "/", secure = true, httpOnly = true, sameSite = "lax" } = options;
  const sent = { ...options, path, secure, httpOnly, sameSite };
  if (typeof value !== "string" && typeof value !== "number") {
    throw new TypeError(`The cookie ${name}: its value is a string or a number`);
  }
  checkRules(name, sent);
  const text = stringifySetCookie(name, value, { ...sent, encode });
  const end = text.indexOf(";");
  const length = (end < 0 ? text.length : end) - 1; // without the "="
  if (length > PAIR_BYTES_MAX || text.length > PAIR_BYTES_MAX + ATTRIBUTES_BYTES_MAX) {
    throw new TypeError(`The cookie ${name.slice(0, 64)} is longer than a browser keeps: ` +
      `${PAIR_BYTES_MAX} bytes of name and encoded value`);
  }
  return text;
}

function encode(value: string): string {
  return encodeURIComponent(String.prototype.toWellFormed.call(value)); // a number as well
}

/** The one that ends it. */
export function endCookieText(name: string, options: CookieOptions): string {
  return setCookieText(name, "", { ...options, maxAge: 0, expires: new Date(0) });
}

/** RFC 6265bis 4.1.2 and 4.1.3: browsers drop what breaks these, and say nothing. */
function checkRules(name: string, options: CookieOptions): void {
  const { path, domain, secure, sameSite, partitioned } = options;
  for (const flag of FLAGS) {
    if (typeof (options[flag] ?? false) === "boolean") continue;
    throw new TypeError(`The cookie ${name}: ${flag} is true or false`);
  }
  // Taken whatever its case, as browsers do.
  if (String(sameSite).toLowerCase() === "none" && secure !== true) {
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
