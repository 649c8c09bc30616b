/**
 * The helper `redirect` of the public surface: unlike `Response.redirect` it takes a relative
 * location (RFC 9110 10.2.2); and what stands for a location where routes are data. Pure; makes
 * whatever `Response` is in the thread that calls it.
 */

/** `https://` and `https:///path`, and the same with `http`. */
const SHORT = /^(https?):\/\/(?:\/(.*))?$/s;

/**
 * A redirect to `location`, with a line of text for who does not follow it. Default 302. Throws a
 * RangeError for a status that is no redirect, and a TypeError for a location with line ends, which
 * can hardly be meant.
 */
export function redirect(location: string | URL, status: number = 302): Response {
  if (![301, 302, 303, 307, 308].includes(status)) {
    throw new RangeError(`redirect: ${status} is no status of a redirect`);
  }
  const to = checkedLocation(location);
  return new Response(`Redirecting to ${to}\n`, { status, headers: { location: to } });
}

/** As it stands in a header field. Throws a TypeError for line ends. */
export function checkedLocation(location: string | URL): string {
  const text = String(location);
  if (/[\0\r\n]/.test(text)) throw new TypeError("redirect: a location has no line ends");
  return escapedLocation(text);
}

/** As it stands in a header field: whatever cannot, CR and LF included, is percent-encoded. */
export function escapedLocation(location: string): string {
  return location.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/**
 * The location that is meant for a request with this URL: `https://` is the same URL by https,
 * `https:///path` another path of the same host. A port is left out: the other scheme has its own.
 * Anything else is what it is.
 */
export function locationFrom(location: string, url: string): string {
  const short = SHORT.exec(location);
  if (short === null) return location;
  const [, scheme, path] = short;
  const target = new URL(url);
  const rest = path === undefined ? target.pathname + target.search : `/${path}`;
  return `${scheme}://${target.hostname}${rest}`;
}

/** Whether `locationFrom` makes another one of it for each request. */
export function isShortLocation(location: string): boolean {
  return SHORT.test(location);
}

/** A colon in the first segment stands behind a scheme: RFC 3986 4.2. */
const NO_SCHEME = /^(?![a-z][a-z\d+.-]*:)[^/?#]*:/i;
/** What a wildcard may stand for: digits in a port, in a host they could be a wrong address. */
const PARTS = ["a", "1"];

/** Whether it can be where to go, relative or with a wildcard too. */
export function isLocation(location: string): boolean {
  if (location === "" || NO_SCHEME.test(location)) return false;
  const base = "http://host/";
  const escaped = escapedLocation(locationFrom(location, base));
  return PARTS.some((part) => URL.canParse(escaped.replace("*", part), base));
}
