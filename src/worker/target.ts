/**
 * What is known of a request target: its path as `new URL(request.url).pathname` has it, and the
 * steps that answer it, per method. Native numbers hot targets; this is kept per number, so that a
 * repeated path costs neither a string nor a match. Thread: the engine's.
 */
import { HttpError } from "../shared/errors.ts";
import { Plan, type Step } from "./plan.ts";
import type { Router } from "./router.ts";
import type { RouteTable } from "./route-table.ts";

/** Characters that the WHATWG parser leaves alone in a path; "%" and "." need a closer look. */
const PLAIN_PATH = /^\/[A-Za-z0-9\-_~!$&'()*+,;=:@/[\]|%.]*$/;
/** Dot segments, also escaped ones, which the parser resolves. */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;
/** What the parser leaves alone in a query. */
const PLAIN_QUERY = /^[A-Za-z0-9\-_~!$&()*+,;=:@/[\]|%.?`{}^\\]*$/;
/** Hosts that need no lower case, no IDNA, no port removed; numbers may be IPv4 in disguise. */
const HOSTS_MAX = 256;

const NO_PLAN = new Plan();

export class Target {
  readonly version: number;
  /**
   * The method that was asked for last, its plan, the first step, and the value of that one's first
   * parameter. Of many targets each object of their own on the way to a handler is a miss of the
   * cache: mostly there is none but this.
   */
  method = -1;
  plan: Plan = NO_PLAN;
  first: Step | null = null;
  value = "";
  /** Where its path is looked up, and whose hooks its requests have. */
  readonly table: RouteTable;
  /** Of the table when the target was made: all steps of a request are of one version of it. */
  readonly router: Router;
  /** As the client sent it, without the query. */
  readonly raw: string;
  /** As the URL has it. */
  readonly path: string;
  /** By llhttp's number of the method; made when first needed. */
  readonly plans: (Plan | undefined)[] = [];

  constructor(version: number, raw: string, table: RouteTable) {
    this.version = version;
    this.table = table;
    this.router = table.router;
    this.raw = raw;
    this.path = canonicalPath(raw);
  }
}

export function isPlainPath(raw: string): boolean {
  return PLAIN_PATH.test(raw) && !DOT_SEGMENT.test(raw);
}

/** The path that router and handler both see. */
export function canonicalPath(raw: string): string {
  if (isPlainPath(raw)) return raw;
  return raw === "*" || raw === "" ? raw : new URL(`http://host${raw}`).pathname;
}

/** The path of a target in absolute-form; empty if it is no URL: its host may be none. */
export function pathOfUrl(text: string): string {
  return URL.canParse(text) ? new URL(text).pathname : "";
}

const origins = new Map<string, string>();

/**
 * `http://host[:port]` as the WHATWG parser writes it. A few hosts that HTTP allows are none to it,
 * as `xn--a` or `1.2.3.4.5`: such a request has no URL, and to make one up would be to lie to
 * handlers that look at its host. Throws an HttpError that answers 400.
 */
export function originOf(scheme: string, host: string): string {
  const key = `${scheme}//${host}`;
  const known = origins.get(key);
  if (known !== undefined) return known;
  const url = `${key}/`;
  if (!URL.canParse(url)) throw new HttpError(400, "malformed Host", { close: true });
  const origin = new URL(url).origin;
  // Hosts come from outside: a flood of them only costs the cache its use.
  if (origins.size >= HOSTS_MAX) origins.clear();
  origins.set(key, origin);
  return origin;
}

/** The URL of a request: the fast way only where no byte needs a change. `query` has its mark. */
export function requestUrl(origin: string, target: string, query: string, path: string): string {
  if (path === target && PLAIN_QUERY.test(query)) return origin + path + query;
  return new URL(origin + target + query).href;
}
