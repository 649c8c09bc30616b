/**
 * The steps that answer a target, in order: the handlers of the matching routes, then the app's
 * `fetch`, then 404. Made once per target and method. Thread: the engine's.
 */
import type { FetchHandler, HandlerObject } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { entryOf, type RouteMatch } from "./compiled-route.ts";
import { orderedSteps } from "./ordered-steps.ts";
import { toParts } from "./response.ts";
import type { Router } from "./router.ts";
import {
  fixedStep, handlerStep, type HandlerStep, routeStep, sharedSteps, type Step,
} from "./step.ts";

export {
  type ConstantStep, type FixedStep, type HandlerStep, isBare, type Step, withRequest,
} from "./step.ts";

/** What answers a request, in order; the last one always does. */
export class Plan {
  readonly steps: Step[] = [];
  /** Of each step, the values of its parameters: one per name in its `paramNames`. */
  readonly values: (readonly string[])[] = [];

  add(step: Step, values: readonly string[] = NO_VALUES): this {
    this.steps.push(step);
    this.values.push(values);
    return this;
  }

  /** Another one: its first `count` steps, and behind them those of `next`. */
  upTo(count: number, next: Plan): Plan {
    const joined = new Plan();
    joined.steps.push(...this.steps.slice(0, count), ...next.steps);
    joined.values.push(...this.values.slice(0, count), ...next.values);
    return joined;
  }

  /** Another one, in which each step is what `change` makes of it. */
  map(change: (step: Step) => Step): Plan {
    const changed = new Plan();
    changed.steps.push(...this.steps.map((step) => change(step)));
    changed.values.push(...this.values);
    return changed;
  }
}

const NO_VALUES: readonly string[] = [];
const fetchSteps = new WeakMap<Router, HandlerStep>();

/**
 * Adds the steps of routes that match alike, in the order of their table. Those that do not take
 * the method are passed over; if none takes it, the answer says what they do take, `allowed` too.
 * False: nothing behind them is ever asked.
 */
function addGroup(
  plan: Plan,
  group: readonly RouteMatch[],
  method: string,
  allowed: readonly string[],
): boolean {
  const taking = group.filter(({ route }) => entryOf(route, method) !== undefined);
  for (const { route, values } of taking) {
    const [step] = sharedSteps(route, method, () => [routeStep(route, method)] as const);
    plan.add(step, values);
    if (step.kind !== "handler") return false; // it answers whatever comes
  }
  if (taking.length > 0) return true;
  const taken = new Set([...allowed, ...group.flatMap(({ route }) => route.allow.split(", "))]);
  const kind = method === "OPTIONS" ? "options" : "not-allowed";
  plan.add(fixedStep(kind, group[0]!.route.pattern, [...taken].join(", ")));
  return false;
}

/** A route of the server's own, before all of the app. */
export interface OwnRoute {
  readonly route: string;
  readonly handler: HandlerObject;
}

/**
 * All steps for a path and a method; the last one always answers. Rows of the ordered table come
 * first. Those that do not take the method are passed over, and count when nothing else answers.
 */
export function planSteps(
  router: Router,
  fetch: FetchHandler | undefined,
  path: string,
  method: string,
  own?: OwnRoute,
): Plan {
  const plan = new Plan();
  if (path === "") return plan.add(fixedStep("malformed", "", ""));
  if (own !== undefined) plan.add({ ...handlerStep(own.handler, null), route: own.route });
  const ordered = orderedSteps(router.matchOrdered(path), method);
  for (const { step, values } of ordered.steps) plan.add(step, values);
  if (plan.steps.at(-1)?.kind === "constant") return plan;
  const matches = router.match(path);
  for (let at = 0; at < matches.length;) {
    const { shape } = matches[at]!.route;
    const group = matches.slice(at).filter(({ route }) => route.shape === shape);
    at += group.length; // those that match alike stand side by side
    if (!addGroup(plan, group, method, ordered.allowed)) return plan;
  }
  if (fetch !== undefined) plan.add(fetchStep(router, fetch));
  return plan.add(ordered.refusal ?? fixedStep("not-found", "", ""));
}

function fetchStep(router: Router, fetch: FetchHandler): HandlerStep {
  const known = fetchSteps.get(router);
  if (known !== undefined) return known;
  const step = handlerStep(fetch, null);
  fetchSteps.set(router, step);
  return step;
}

/** `OPTIONS *` concerns the server as a whole: what some path of the app may take. */
export function planServer(
  router: Router,
  fetch: FetchHandler | undefined,
  methods: readonly string[],
): Plan {
  const { routes } = router;
  const takesAll = fetch !== undefined || routes.some(({ any }) => any !== null);
  const taken = new Set(["OPTIONS", ...routes.flatMap(({ allow }) => allow.split(", "))]);
  const allowed = takesAll ? methods : methods.filter((method) => taken.has(method));
  return new Plan().add(fixedStep("options", "", allowed.join(", ")));
}

/**
 * CONNECT has no path, so only `fetch` sees it, to take it with `context.upgrade` or to refuse it
 * with an answer of its own: any other of success would open a tunnel that nobody serves.
 */
export function planTunnel(fetch: FetchHandler | undefined): Plan {
  const refused = fixedStep("not-implemented", "", "");
  if (fetch === undefined) return new Plan().add(refused);
  const handler: FetchHandler = async (request, context) => {
    const value: unknown = await fetch(request, context, context);
    const status = value === undefined ? 501 : (toParts(value)?.status ?? 200);
    if (status >= 300 || status === 101) return value as Response; // 101: of context.upgrade
    throw new MillraceError(
      "ERR_MILLRACE_RESPONSE_INVALID",
      `fetch answered CONNECT with ${status}, which would open a tunnel`,
    );
  };
  return new Plan().add(handlerStep(handler, null)).add(refused);
}
