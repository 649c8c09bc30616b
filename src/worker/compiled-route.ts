/**
 * Rows of a table of routes made ready: what a row may have for its handler, which methods it takes
 * and what `Allow` says of them. Any thread.
 */
import type { Handler, HandlerObject } from "../shared/app.ts";
import type { OrderedFacts } from "../shared/conditions.ts";
import { MillraceError } from "../shared/errors.ts";
import { wrongMatch } from "../shared/match-result.ts";
import { unknownMethod } from "../shared/methods.ts";
import { isToken } from "../shared/token.ts";
import { type BodyRules, ownRules, wrongRule } from "./body-rules.ts";
import { toParts } from "./response.ts";
import { invalidRoute, paramNames, type Segment } from "./route-pattern.ts";

const NO_FACTORY = "cannot have perConnection beside handle or match, and it is a function";

/** A row of a table of routes, with its handler in the place of the name. */
export interface RouteEntry {
  readonly id: string;
  readonly pattern: string;
  readonly route: ResolvedRoute;
  /** Of a row of the ordered table. */
  readonly ordered?: OrderedFacts | undefined;
  readonly gate?: Gate | undefined;
}

/** What a row of an app's `table` has beside its handler and its data. */
export interface Gate {
  /** Asked before `match` and the handler: it answers whoever may not go on. */
  readonly auth: Handler | undefined;
  readonly match: HandlerObject["match"];
}

/** A route in which no name is left. */
export type ResolvedRoute =
  | Handler
  | Response
  | { readonly [method: string]: Handler | Response };

export interface CompiledRoute {
  /** Of its row. */
  readonly id: string;
  readonly pattern: string;
  /** The pattern without the names of its parameters: routes with the same one match alike. */
  readonly shape: string;
  /** The wildcard is named "*". */
  readonly paramNames: string[];
  /** Exactly one of these three is not null. */
  readonly any: Handler | null;
  readonly methods: Map<string, Handler | Response> | null;
  readonly constant: Response | null;
  /** The value of `Allow`; empty: every method. */
  readonly allow: string;
}

export interface RouteMatch {
  readonly route: CompiledRoute;
  /** One per name in `paramNames`. */
  readonly values: string[];
}

/** Throws ERR_MILLRACE_ROUTE_INVALID or …_ROUTE_STREAM. */
export function checkRoute(pattern: string, route: unknown): void {
  compileRoute({ id: "", pattern, route: route as ResolvedRoute }, []);
}

/** Throws the same. */
export function compileRoute(entry: RouteEntry, segments: readonly Segment[]): CompiledRoute {
  const { id, pattern } = entry;
  const route: unknown = entry.route;
  const compiled = { id, pattern, shape: shapeOf(segments), paramNames: paramNames(segments) };
  checkFactory(pattern, route);
  if (isHandler(route)) {
    checkHandler(pattern, route);
    return { any: route, methods: null, constant: null, allow: "", ...compiled };
  }
  if (isConstant(pattern, route)) {
    return { any: null, methods: null, constant: route, allow: "GET, HEAD", ...compiled };
  }
  if (typeof route !== "object" || route === null || Array.isArray(route)) {
    throw invalidRoute(pattern, "its value is no handler, no Response and no object of methods");
  }
  if ("handle" in route) throw invalidRoute(pattern, "the handle of its handler is no function");
  const methods = compileMethods(pattern, route as Record<string, unknown>);
  return { any: null, methods, constant: null, allow: allowOf(methods), ...compiled };
}

/** What it has for the method; HEAD is GET without the body. */
export function entryOf(route: CompiledRoute, method: string): Handler | Response | undefined {
  if (route.any !== null) return route.any;
  if (route.constant !== null) {
    return method === "GET" || method === "HEAD" ? route.constant : undefined;
  }
  const methods = route.methods!;
  return methods.get(method) ?? (method === "HEAD" ? methods.get("GET") : undefined);
}

function shapeOf(segments: readonly Segment[]): string {
  // A segment of a path has no slash, so the signs of the other kinds cannot be mistaken.
  const signs = { param: "/:", rest: "/*" } as const;
  return segments.map((each) => each.kind === "exact" ? `//${each.text}` : signs[each.kind]).join();
}

function compileMethods(
  pattern: string,
  route: Record<string, unknown>,
): Map<string, Handler | Response> {
  const methods = new Map<string, Handler | Response>();
  for (const [method, value] of Object.entries(route)) {
    if (!isToken(method) || method !== method.toUpperCase()) {
      throw invalidRoute(pattern, `"${method}" is no method: they are written in capitals`);
    }
    const unknown = unknownMethod(method);
    if (unknown !== null) throw invalidRoute(pattern, unknown);
    checkFactory(pattern, value);
    if (!isHandler(value) && !isConstant(pattern, value)) {
      throw invalidRoute(pattern, `the value of ${method} is no handler and no Response`);
    }
    if (isHandler(value)) checkHandler(pattern, value);
    methods.set(method, value);
  }
  if (methods.size === 0) throw invalidRoute(pattern, "its object has no methods");
  return methods;
}

function isHandlerObject(entry: Handler | Response): entry is HandlerObject {
  return typeof entry === "object" && entry !== null && "handle" in entry;
}

/** Those that can be have been made handler objects by now. */
function checkFactory(pattern: string, route: unknown): void {
  if (typeof route !== "object" || route === null || !("perConnection" in route)) return;
  throw invalidRoute(pattern, `its handler ${NO_FACTORY}`);
}

function checkHandler(pattern: string, handler: Handler): void {
  const wrong = wrongHandler(handler, "its handler object");
  if (wrong !== null) throw invalidRoute(pattern, wrong);
}

/** Why it can be no handler, beside having no `handle`; null: it can. */
export function wrongHandler(handler: Handler, what: string): string | null {
  if (typeof handler !== "object") return null;
  if ("perConnection" in handler) return `${what} ${NO_FACTORY}`;
  const wrong = wrongRule(handler) ?? wrongMatch(handler) ?? wrongClose(handler);
  return wrong === null ? null : `of ${what} ${wrong}`;
}

/** Why its `close` can be none; null: it can, or there is none. */
export function wrongClose({ close }: { readonly close?: unknown }): string | null {
  const isNone = close === undefined || close === null;
  return isNone || typeof close === "function" ? null : "close is no function";
}

/** Null: it says nothing of bodies. */
export function rulesOf(entry: Handler | Response): Partial<BodyRules> | null {
  return isHandlerObject(entry) ? ownRules(entry) : null;
}

/** HEAD comes with GET, and OPTIONS by itself. */
function allowOf(methods: ReadonlyMap<string, unknown>): string {
  const allowed = new Set<string>();
  for (const method of methods.keys()) {
    allowed.add(method);
    if (method === "GET") allowed.add("HEAD");
  }
  return [...allowed.add("OPTIONS")].join(", ");
}

export function isHandler(value: unknown): value is Handler {
  if (typeof value === "function") return true;
  return (
    typeof value === "object" && value !== null && "handle" in value &&
    typeof value.handle === "function"
  );
}

/** Whether it is a Response; one that could be sent only once is refused. */
function isConstant(pattern: string, value: unknown): value is Response {
  const parts = toParts(value);
  if (parts === null) return false;
  const { body, bodyUsed } = parts;
  if (bodyUsed || !(body === null || typeof body === "string" || body instanceof Uint8Array)) {
    throw new MillraceError(
      "ERR_MILLRACE_ROUTE_STREAM",
      `The route "${pattern}" is a constant Response: its body must be a string or bytes.`,
    );
  }
  return true;
}
