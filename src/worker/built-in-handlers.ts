/**
 * Handlers that every app has under their names without giving them, for rows that are data:
 * `continue` passes the request on, `options` says what its path takes, `redirect:…` sends it
 * elsewhere, `rewrite:…` through the routes again. Thread: the engine's.
 */
import type { FetchHandler, Handler, HandlerObject, MillraceRequest } from "../shared/app.ts";
import { isLocation, isShortLocation, locationFrom, redirect } from "../shared/redirect.ts";
import { invalidRoute } from "./route-pattern.ts";
import type { Router } from "./router.ts";

/** What a handler that takes every method is said to take. */
const ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const REDIRECT = /^redirect:(?:(\d+):)?(.*)$/s;

/** Nobody else may have such a name. */
export function isBuiltIn(name: string): boolean {
  return name === "continue" || name === "options" || /^(?:redirect|rewrite):/.test(name);
}

/** Throws ERR_MILLRACE_ROUTE_INVALID. `router`: of the table that the row is in. */
export function builtInHandler(
  name: string,
  pattern: string,
  router: () => Router,
): Handler {
  if (name === "continue") return () => undefined;
  if (name === "options") return new OptionsHandler(router);
  return name.startsWith("rewrite:")
    ? rewriteHandler(name.slice("rewrite:".length), pattern)
    : redirectHandler(name, pattern);
}

/**
 * `redirect:/new`, `redirect:301:https://host/*`: `*` stands for what the wildcard has matched.
 * `redirect:301:https://` is the same URL by https, `redirect:https:///login` a path of the host.
 */
function redirectHandler(name: string, pattern: string): FetchHandler {
  const [, code = "302", location = ""] = REDIRECT.exec(name)!;
  const status = Number(code);
  if (location.includes("*") && !pattern.endsWith("*")) {
    throw invalidRoute(pattern, `"${name}" has a wildcard, and the pattern has none`);
  }
  try {
    redirect(locationFrom(location, "http://host/"), status);
  } catch (cause) {
    throw invalidRoute(pattern, `"${name}": ${(cause as Error).message}`);
  }
  if (!isLocation(location)) throw invalidRoute(pattern, `"${name}" names no location`);
  if (!location.includes("*")) {
    return isShortLocation(location)
      ? ({ url }) => redirect(locationFrom(location, url), status)
      : () => redirect(location, status);
  }
  const locationOf = wildcardLocation(location, pattern);
  return ({ url }) => redirect(locationFrom(locationOf(url), url), status);
}

/** `rewrite:/new/*`: what stands there is said as that of a redirect. */
function rewriteHandler(location: string, pattern: string): FetchHandler {
  if (!location.startsWith("/") || location.includes("#")) {
    throw invalidRoute(pattern, `"rewrite:${location}" names no path`);
  }
  if (!location.includes("*")) return (_request, context) => context.rewrite(location);
  if (!pattern.endsWith("*")) {
    throw invalidRoute(pattern, `"rewrite:${location}" has a wildcard, and the pattern has none`);
  }
  const locationOf = wildcardLocation(location, pattern);
  return ({ url }, context) => context.rewrite(locationOf(url));
}

/** Behind a scheme and a host, if there are any, the path has begun and has not ended. */
const IN_PATH = /^(?:[a-z][a-z\d+.-]*:)?(?:\/\/[^/?#]*\/|\/(?!\/))[^?#]*$/i;
/** What may end a part of a query, or begin a host or a scheme. Escapes stay as they came. */
const MARKS = /[^A-Za-z0-9\-._~/%]/g;

/**
 * Of the URL of a request, the location with what the wildcard stands for. As a part of a path that
 * goes over byte for byte: decoded and encoded anew it could be another path. Without slashes in
 * front, which could make a host of what a client has sent.
 */
function wildcardLocation(location: string, pattern: string): (url: string) => string {
  const [before = "", ...behind] = location.split("*");
  const end = behind.join("*");
  const isInPath = IN_PATH.test(before);
  // However the segments before it are spelled, a path that matches has as many as the pattern.
  const count = pattern.split("/").length - 1;
  return (url) => {
    const rest = new URL(url).pathname.split("/").slice(count).join("/").replace(/^\/+/, "");
    return before + (isInPath ? rest : rest.replace(MARKS, encodeURIComponent)) + end;
  };
}

/**
 * Says what the other rows take that match the path and of which anybody may be told; declines
 * where there are none.
 */
class OptionsHandler implements HandlerObject {
  readonly #router: () => Router;

  constructor(router: () => Router) {
    this.#router = router;
  }

  handle({ method, url }: MillraceRequest): Response | undefined {
    if (method !== "OPTIONS") return undefined;
    const told = this.#router().told(new URL(url).pathname);
    const others = told.filter(({ any, methods }) => (
      !(any instanceof OptionsHandler || methods?.get("OPTIONS") instanceof OptionsHandler)
    ));
    if (others.length === 0) return undefined;
    const taken = others.flatMap(({ allow }) => (allow === "" ? ANY : allow.split(", ")));
    const allow = [...new Set([...taken, "OPTIONS"])].join(", ");
    return new Response(null, { status: 204, headers: { allow } });
  }
}
