/**
 * Cross-origin resource sharing (WHATWG Fetch 3.2): answers preflight requests and says in other
 * answers who may read them. Around a handler, or before those that come behind it. Any thread.
 */
import type {
  Context, FetchHandler, Handler, HandlerObject, MillraceRequest,
} from "../shared/app.ts";
import { KNOWN_METHODS } from "../shared/methods.ts";
import { isToken } from "../shared/token.ts";
import { addVary } from "../shared/vary.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { checkFlags, checkKnown, checkTexts, wrongOption } from "../shared/option-checks.ts";
import { answerWith } from "./wrapping.ts";

/**
 * Which origins: `*`, one, a list, a pattern that is searched for in the `Origin` field (so anchor
 * it with ^ and $), or a function of that field.
 */
export type CorsOrigin =
  | string
  | readonly string[]
  | RegExp
  | ((origin: string, request: Request) => boolean | Promise<boolean>);

export interface CorsOptions {
  /** Default `"*"`. Compared with the whole origin, `https://example.com`. */
  readonly origin?: CorsOrigin;
  /** What a preflight may ask for. Default GET, HEAD, PUT, PATCH, POST, DELETE. */
  readonly methods?: readonly string[];
  /** Request fields that may be sent; default: those that the preflight asks for. */
  readonly allowedHeaders?: readonly string[];
  /** Response fields that scripts may read. Default: none beside those that are always. */
  readonly exposedHeaders?: readonly string[];
  /** Cookies and credentials may be sent. Not with `origin: "*"`. Default false. */
  readonly credentials?: boolean;
  /** Seconds that a preflight's answer may be kept. Default: the client's own, 5 in most. */
  readonly maxAgeSeconds?: number;
  /** Requests to private networks are allowed. Default false. */
  readonly privateNetwork?: boolean;
}

const NAMES: readonly (keyof CorsOptions)[] = [
  "origin", "methods", "allowedHeaders", "exposedHeaders", "credentials", "maxAgeSeconds",
  "privateNetwork",
];
const DEFAULT_METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"];
/** Those of answers (Fetch 3.3.3): what the options say is all that is permitted. */
const FIELDS = [
  "allow-origin", "allow-credentials", "allow-methods", "allow-headers", "allow-private-network",
  "expose-headers", "max-age",
].map((name) => `access-control-${name}`);

/**
 * Throws a TypeError for options that no client would understand. Without `handler` it goes on with
 * the next matching handler. A preflight is answered 204 without asking any; a preflight of an
 * origin that may not gets no permission, and a plain OPTIONS request goes on.
 */
export function cors(options?: CorsOptions, handler?: FetchHandler): FetchHandler;
export function cors(options: CorsOptions, handler: HandlerObject): HandlerObject;
export function cors(options: CorsOptions, handler: Handler): Handler;
export function cors(options: CorsOptions = {}, handler?: Handler): Handler {
  check(options);
  if (handler !== undefined && typeof handler !== "function") {
    return aroundObject("cors", handler, (handle) => cors(options, handle));
  }
  const allows = matcher(options.origin ?? "*");
  return async (request, context) => {
    const origin = request.headers.get("origin");
    const allowed = await permission(options, allows, origin, request);
    if (isPreflight(request)) return preflight(options, request, allowed);
    return await answer(options, handler, request, context, allowed);
  };
}

/** What stands in Access-Control-Allow-Origin; null: nothing. */
async function permission(
  { origin = "*" }: CorsOptions,
  allows: (origin: string, request: Request) => boolean | Promise<boolean>,
  asked: string | null,
  request: Request,
): Promise<string | null> {
  if (origin === "*") return "*";
  if (asked === null) return null;
  return (await allows(asked, request)) ? asked : null;
}

function matcher(origin: CorsOrigin): Exclude<CorsOrigin, string | RegExp | readonly string[]> {
  if (typeof origin === "function") return origin;
  // `search` does not look at `lastIndex`, where a global pattern remembers the request before.
  if (origin instanceof RegExp) return (asked) => asked.search(origin) >= 0;
  const list = typeof origin === "string" ? [origin] : origin;
  return (asked) => list.includes(asked);
}

function isPreflight(request: Request): boolean {
  const { headers } = request;
  return request.method === "OPTIONS" && headers.has("origin") &&
    headers.has("access-control-request-method");
}

function preflight(options: CorsOptions, request: Request, allowed: string | null): Response {
  const headers = new Headers();
  permit(options, headers, allowed);
  addVary(headers, "Access-Control-Request-Method");
  addVary(headers, "Access-Control-Request-Headers");
  if (allowed !== null) {
    const { methods = DEFAULT_METHODS, allowedHeaders, maxAgeSeconds } = options;
    headers.set("access-control-allow-methods", methods.join(", "));
    const fields = allowedHeaders?.join(", ") ??
      request.headers.get("access-control-request-headers");
    if (fields !== null && fields !== "") headers.set("access-control-allow-headers", fields);
    if (maxAgeSeconds !== undefined) headers.set("access-control-max-age", String(maxAgeSeconds));
    const isPrivate = request.headers.get("access-control-request-private-network") === "true";
    if (options.privateNetwork === true && isPrivate) {
      headers.set("access-control-allow-private-network", "true");
    }
  }
  return new Response(null, { status: 204, headers });
}

async function answer(
  options: CorsOptions,
  handler: FetchHandler | undefined,
  request: MillraceRequest,
  context: Context,
  allowed: string | null,
): Promise<Response | undefined> {
  return await answerWith(handler, request, context, (headers) => {
    permit(options, headers, allowed);
    const { exposedHeaders = [] } = options;
    if (allowed !== null && exposedHeaders.length > 0) {
      headers.set("access-control-expose-headers", exposedHeaders.join(", "));
    }
  });
}

/**
 * In place of what the answer permits by itself, such as that of another server. Also answers to
 * those who may not say that they depend on the origin, for the sake of caches.
 */
function permit(
  { origin = "*", credentials }: CorsOptions,
  headers: Headers,
  allowed: string | null,
): void {
  for (const field of FIELDS) headers.delete(field);
  if (origin !== "*") addVary(headers, "Origin");
  if (allowed === null) return;
  headers.set("access-control-allow-origin", allowed);
  if (credentials === true) headers.set("access-control-allow-credentials", "true");
}

function check(options: CorsOptions): void {
  checkKnown("cors", options, NAMES);
  checkFlags("cors", options, ["credentials", "privateNetwork"]);
  checkTexts("cors", options, ["methods", "allowedHeaders", "exposedHeaders"]);
  const { origin = "*", credentials, maxAgeSeconds, methods = DEFAULT_METHODS } = options;
  checkOrigins(origin);
  const unknown = methods.find((method) => !KNOWN_METHODS.includes(method));
  if (unknown !== undefined) throw wrongOption(`cors: "${unknown}" is no method`);
  if (methods.length === 0) throw wrongOption("cors: methods names none");
  const fields = [...(options.allowedHeaders ?? []), ...(options.exposedHeaders ?? [])];
  for (const name of fields) {
    if (!isToken(name)) throw wrongOption(`cors: "${name}" is no name of a header field`);
  }
  if (credentials === true && origin === "*") {
    throw wrongOption('cors: credentials need origins of their own, since "*" excludes them');
  }
  if (credentials === true && fields.includes("*")) {
    throw wrongOption('cors: "*" means nothing among fields where credentials may be sent');
  }
  if (maxAgeSeconds !== undefined && !(Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= -1)) {
    throw wrongOption("cors: maxAgeSeconds is a whole number of seconds, or -1");
  }
}

function checkOrigins(origin: CorsOrigin): void {
  if (typeof origin === "function" || origin instanceof RegExp || origin === "*") return;
  if (typeof origin === "string") {
    checkOrigin(origin);
    return;
  }
  if (!Array.isArray(origin)) {
    throw wrongOption('cors: origin is "*", an origin, a list of some, a pattern or a function');
  }
  checkTexts("cors", { origin }, ["origin"]);
  if (origin.includes("*")) throw wrongOption('cors: the origin "*" stands alone, in no list');
  for (const each of origin as string[]) checkOrigin(each);
}

/** As a client writes it: no path, no slash at the end. */
function checkOrigin(origin: string): void {
  if (origin === "null") return;
  const parsed = URL.canParse(origin) ? new URL(origin).origin : null;
  if (parsed !== origin) {
    const hint = parsed === null || parsed === "null" ? "" : `; "${parsed}" would be one`;
    throw wrongOption(`cors: "${origin}" is no origin such as "https://example.com"${hint}`);
  }
}
