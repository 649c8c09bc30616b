/**
 * Writers of header fields that are easy to get wrong: each takes what it means and writes the
 * field as its RFC has it, into any Headers. Any thread.
 */
import contentDisposition from "content-disposition";
import { checkKnown } from "../shared/option-checks.ts";
import { KNOWN_METHODS } from "../shared/methods.ts";
import { isToken } from "../shared/token.ts";
import * as vary from "../shared/vary.ts";
import { isMediaType } from "./media-type.ts";
import { parameter, quoted } from "./parameters.ts";

export { type CookieOptions, cookiesOf, deleteCookie, setCookie } from "./cookies.ts";

/** RFC 9111 5.2.2, RFC 5861 and RFC 8246. Times are in seconds. */
export interface CacheControl {
  readonly public?: boolean;
  readonly private?: boolean;
  readonly noStore?: boolean;
  readonly noCache?: boolean;
  readonly noTransform?: boolean;
  readonly mustRevalidate?: boolean;
  readonly proxyRevalidate?: boolean;
  readonly mustUnderstand?: boolean;
  readonly immutable?: boolean;
  readonly maxAge?: number;
  readonly sMaxAge?: number;
  readonly staleWhileRevalidate?: number;
  readonly staleIfError?: number;
}

/** Those that are there or not. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ["public", "public"],
  ["private", "private"],
  ["noStore", "no-store"],
  ["noCache", "no-cache"],
  ["noTransform", "no-transform"],
  ["mustRevalidate", "must-revalidate"],
  ["proxyRevalidate", "proxy-revalidate"],
  ["mustUnderstand", "must-understand"],
  ["immutable", "immutable"],
]);

/** Those that are a time. */
const TIMES: ReadonlyMap<string, string> = new Map([
  ["maxAge", "max-age"],
  ["sMaxAge", "s-maxage"],
  ["staleWhileRevalidate", "stale-while-revalidate"],
  ["staleIfError", "stale-if-error"],
]);
const DIRECTIVES: readonly string[] = [...FLAGS.keys(), ...TIMES.keys()];

/** RFC 9111 1.2.2: what is more counts as this much. */
const SECONDS_MAX = 2 ** 31;
/** RFC 9110 8.8.3, but for what is not ASCII. */
const TAG = /^[\x21\x23-\x7e]*$/;
/** RFC 3986: what a URI may hold, but for the sign of a fragment. */
const REFERENCE = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;

/** RFC 7616 3.3: a sender must not quote them. */
const UNQUOTED_OF_DIGEST: ReadonlySet<string> = new Set(["algorithm", "stale"]);
const NO_NAMES: ReadonlySet<string> = new Set();

/** Throws a TypeError for directives that are none, or that exclude each other. */
export function setCacheControl(headers: Headers, control: CacheControl): void {
  checkKnown("Cache-Control", control, DIRECTIVES);
  const parts = Object.entries(control)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]: [string, unknown]) => directive(name, value));
  if (control.public === true && control.private === true) {
    throw new TypeError("Cache-Control is not both public and private");
  }
  if (parts.length > 0) headers.set("cache-control", parts.join(", "));
}

function directive(name: string, value: unknown): string {
  const time = TIMES.get(name);
  if (time !== undefined) return `${time}=${seconds(time, value)}`;
  if (value !== true) throw new TypeError(`Cache-Control: ${name} is true or false`);
  return FLAGS.get(name)!;
}

/** RFC 9110 8.8.3. `weak`: what it names means the same, and may differ in its bytes. */
export function setEntityTag(headers: Headers, tag: string, weak: boolean = false): void {
  if (typeof tag !== "string" || !TAG.test(tag)) {
    throw new TypeError(`"${tag}" is no entity tag: no spaces, no quotes`);
  }
  headers.set("etag", `${weak ? "W/" : ""}"${tag}"`);
}

/** RFC 9110 10.2.3: in so many seconds, or at that time. */
export function setRetryAfter(headers: Headers, when: number | Date): void {
  const value = when instanceof Date ? dateText(when) : String(seconds("Retry-After", when));
  headers.set("retry-after", value);
}

/** RFC 9110 8.8.2. */
export function setLastModified(headers: Headers, at: Date): void {
  headers.set("last-modified", dateText(at));
}

/** RFC 9111 5.3. */
export function setExpires(headers: Headers, at: Date): void {
  headers.set("expires", dateText(at));
}

/**
 * RFC 6266. The name of a file may be any text; paths are cut to their last part, and U+FFFD stands
 * for half a character.
 */
export function setContentDisposition(
  headers: Headers,
  type: "attachment" | "inline",
  filename?: string,
): void {
  if (filename !== undefined && typeof filename !== "string") {
    throw new TypeError("The name of a file is text");
  }
  headers.set("content-disposition", contentDisposition(filename?.toWellFormed(), { type }));
}

/** RFC 9110 8.3, with parameters such as `charset`. */
export function setContentType(
  headers: Headers,
  type: string,
  parameters: Readonly<Record<string, string>> = {},
): void {
  if (!isMediaType(type)) throw new TypeError(`"${type}" is no media type`);
  const pairs = Object.entries(parameters).map(([name, value]) => `; ${parameter(name, value)}`);
  headers.set("content-type", type + pairs.join(""));
}

/** RFC 9110 8.5. */
export function setContentLanguage(headers: Headers, ...languages: readonly string[]): void {
  const wrong = languages.findIndex((language) => !LANGUAGE.test(language));
  if (wrong >= 0) throw new TypeError(`"${languages[wrong]}" is no language tag`);
  if (languages.length === 0) throw new TypeError("Content-Language names one language at least");
  headers.set("content-language", languages.join(", "));
}

/** RFC 9110 8.4: how the body has been encoded; it is sent as it is. */
export function setContentEncoding(headers: Headers, ...codings: readonly string[]): void {
  // `identity` is a word of Accept-Encoding alone (RFC 9110 8.4.1).
  const wrong = codings.findIndex((coding) => !isName(coding) || /^identity$/i.test(coding));
  if (wrong >= 0) throw new TypeError(`"${codings[wrong]}" is no content coding`);
  if (codings.length === 0) throw new TypeError("Content-Encoding names one coding at least");
  headers.set("content-encoding", codings.join(", "));
}

/** RFC 9110 8.7: where the same content is to be had; may be relative to the request. */
export function setContentLocation(headers: Headers, location: string | URL): void {
  const text = String(location);
  if (!REFERENCE.test(text) || !URL.canParse(text, "http://host/")) {
    throw new TypeError(`"${text}" is no reference to a URL without a fragment`);
  }
  headers.set("content-location", text);
}

/** RFC 9110 10.2.1. */
export function setAllow(headers: Headers, ...methods: readonly string[]): void {
  const wrong = methods.findIndex((method) => !KNOWN_METHODS.includes(method));
  if (wrong >= 0) throw new TypeError(`"${methods[wrong]}" is no method`);
  headers.set("allow", methods.join(", "));
}

/** RFC 9110 11.6.1: one more challenge. What RFC 7616 3.3 wants unquoted of `Digest` is so. */
export function addChallenge(
  headers: Headers,
  scheme: string,
  parameters: Readonly<Record<string, string>> = {},
): void {
  if (!isName(scheme)) throw new TypeError(`"${scheme}" is no authentication scheme`);
  const bare = /^digest$/i.test(scheme) ? UNQUOTED_OF_DIGEST : NO_NAMES;
  const pairs = Object.entries(parameters).map(([name, value]) => {
    if (!bare.has(name.toLowerCase())) return quoted(name, value);
    if (!isName(value)) throw new TypeError(`"${value}" is no ${name} of a ${scheme} challenge`);
    return parameter(name, value);
  });
  headers.append("www-authenticate", [scheme, pairs.join(", ")].join(" ").trim());
}

/** RFC 9110 12.5.5: one more name, unless it is there, or `*`, already. */
export function addVary(headers: Headers, name: string): void {
  const names = typeof name === "string" ? name.split(",").map((each) => each.trim()) : [];
  if (names.length === 0 || !names.every(isName)) {
    throw new TypeError(`"${name}" is no name of a header field, and no list of some`);
  }
  for (const each of names) vary.addVary(headers, each);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && isToken(value);
}

function seconds(name: string, value: unknown): number {
  if (!(Number.isInteger(value) && (value as number) >= 0)) {
    throw new TypeError(`${name} is a whole number of seconds, not ${String(value)}`);
  }
  return Math.min(value as number, SECONDS_MAX);
}

function dateText(at: Date): string {
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError("That is no date");
  return at.toUTCString();
}
