/**
 * A request that goes through the routes again under another path, as a handler has said before it
 * declined. The steps of a path are kept: a rewrite that repeats costs no match. Thread: the
 * engine's.
 */
import { MillraceError } from "../shared/errors.ts";
import type { EnteredRoute } from "./entered-route.ts";
import type { Exchange } from "./exchange.ts";
import { type Plan, planSteps } from "./plan.ts";
import type { Router } from "./router.ts";

/** How often a request goes through the routes, the first time included. */
const PASSES_MAX = 16;
/** Paths may come from clients: beyond this many per table all are found anew. */
const PATHS_MAX = 1024;

/** What a handler has asked for; it counts when it declines. */
export interface Rewrite {
  readonly url: string;
  readonly path: string;
}

export class Rewrites {
  readonly #entered: EnteredRoute;
  readonly #plans = new WeakMap<Router, Map<string, Plan>>();

  constructor(entered: EnteredRoute) {
    this.#entered = entered;
  }

  /** The steps of the request so far, and then those of its new path, from the top. */
  restart(exchange: Exchange, { url, path }: Rewrite): void {
    const { request } = exchange;
    // Who holds the present one goes on to see the URL and parameters that it came with.
    void request?.url;
    void request?.params;
    exchange.restart(url, exchange.plan.upTo(exchange.at + 1, this.#planOf(exchange, path)));
  }

  #planOf({ target, method }: Exchange, path: string): Plan {
    const { router, table: { fetch } } = target;
    let plans = this.#plans.get(router);
    if (plans === undefined) this.#plans.set(router, (plans = new Map()));
    const key = `${method} ${path}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = planSteps(router, fetch, path, method);
      this.#entered.mark(plan.steps);
      if (plans.size >= PATHS_MAX) plans.clear();
      plans.set(key, plan);
    }
    return plan;
  }
}

/** `passes`: how often it has gone through the routes. Throws what keeps it from going again. */
export function rewriteOf(exchange: Exchange, location: string, passes: number): Rewrite {
  if (exchange.method === "CONNECT") {
    throw new MillraceError(
      "ERR_MILLRACE_REWRITE_INVALID",
      `${exchange.routeName} rewrites a CONNECT, which has no path`,
    );
  }
  if (typeof location !== "string" || !location.startsWith("/") || location.includes("#")) {
    throw new MillraceError(
      "ERR_MILLRACE_REWRITE_INVALID",
      `${exchange.routeName} rewrites to ${JSON.stringify(location)}, which is no path`,
    );
  }
  if (passes >= PASSES_MAX) {
    throw new MillraceError(
      "ERR_MILLRACE_REWRITE_LOOP",
      `${exchange.routeName} rewrites to ${location}: the request has been through the routes ` +
        `${PASSES_MAX} times`,
    );
  }
  const present = new URL(exchange.open().url);
  const url = new URL(present.origin + location);
  if (!location.includes("?")) url.search = present.search;
  return { url: url.href, path: url.pathname };
}
