/**
 * What concerns the site itself: paths to go back to, and requests that no other site has made its
 * visitors send. Any thread.
 */

/** A host that exists nowhere: what leads away from it leads away from the site. */
const HERE = "http://here.invalid";
const PATH_LENGTH_MAX = 2048;
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** The path, query and fragment, if that is what the text is; null: it leads elsewhere. */
export function pathOnSite(text: string | null): string | null {
  if (text === null || !text.startsWith("/") || text.length > PATH_LENGTH_MAX) return null;
  let url: URL;
  try {
    url = new URL(text, HERE);
  } catch {
    return null;
  }
  if (url.origin !== HERE) return null;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // What was "/.//host" is "//host" now: to a browser that is another site.
  return path.startsWith("//") ? null : path;
}

/**
 * Whether another site has had a browser send what may change something. Browsers say so in
 * `Sec-Fetch-Site`, older ones in `Origin`; who sends neither is no browser that has cookies. Pages
 * of any site may open a WebSocket here and read from it, so asking for one counts as a change.
 */
export function isForged(request: Request): boolean {
  if (SAFE.has(request.method) && !request.headers.has("upgrade")) return false;
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = request.headers.get("origin");
  if (origin === null) return false;
  // By host alone: behind a proxy that ends TLS the schemes differ.
  return !URL.canParse(origin) || new URL(origin).host !== new URL(request.url).host;
}
