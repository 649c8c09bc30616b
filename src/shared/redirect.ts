/**
 * The helper `redirect` of the public surface: unlike `Response.redirect` it takes a relative
 * location (RFC 9110 10.2.2). Pure; makes whatever `Response` is in the thread that calls it.
 */

/** A redirect to `location`. Default 302. Throws a RangeError for a status that is no redirect. */
export function redirect(location: string | URL, status: number = 302): Response {
  if (![301, 302, 303, 307, 308].includes(status)) {
    throw new RangeError(`redirect: ${status} is no status of a redirect`);
  }
  return new Response(null, { status, headers: { location: String(location) } });
}
