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
import { type FixedStep, fixedStep, handlerStep, routeStep, type Step } from "./step.ts";

export {
  type ConstantStep, type FixedStep, type HandlerStep, isBare, type Step, withRequest,
} from "./step.ts";

/**
 * The steps of routes that match alike, in the order of their table. Those that do not take the
 * method are passed over; if none takes it, the answer says what they do take.
 */
function groupSteps(group: readonly RouteMatch[], method: string): Step[] {
  const taking = group.filter(({ route }) => entryOf(route, method) !== undefined);
  if (taking.length > 0) return taking.map((match) => routeStep(match, method));
  const allowed = new Set(group.flatMap(({ route }) => route.allow.split(", ")));
  const kind = method === "OPTIONS" ? "options" : "not-allowed";
  return [fixedStep(kind, group[0]!.route.pattern, [...allowed].join(", "))];
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
): Step[] {
  if (path === "") return [fixedStep("malformed", "", "")];
  const steps: Step[] = [];
  if (own !== undefined) steps.push({ ...handlerStep(own.handler, null), route: own.route });
  const ordered = orderedSteps(router.matchOrdered(path), method);
  steps.push(...ordered.steps);
  if (ordered.steps.at(-1)?.kind === "constant") return steps;
  const matches = router.match(path);
  for (let at = 0; at < matches.length;) {
    const { shape } = matches[at]!.route;
    const group = matches.slice(at).filter(({ route }) => route.shape === shape);
    at += group.length; // those that match alike stand side by side
    for (const step of groupSteps(group, method)) {
      steps.push(isRefusal(step) ? withAllowed(step, ordered.allowed) : step);
      // It answers whatever comes: nothing behind it is ever asked.
      if (step.kind !== "handler") return steps;
    }
  }
  if (fetch !== undefined) steps.push(handlerStep(fetch, null));
  steps.push(ordered.refusal ?? fixedStep("not-found", "", ""));
  return steps;
}

function isRefusal(step: Step): step is FixedStep {
  return step.kind === "not-allowed" || step.kind === "options";
}

/** What rows of the ordered table take of the path is allowed, too. */
function withAllowed(step: FixedStep, allowed: readonly string[]): FixedStep {
  return { ...step, allow: [...new Set([...allowed, ...step.allow.split(", ")])].join(", ") };
}

/** `OPTIONS *` concerns the server as a whole: what some path of the app may take. */
export function planServer(
  router: Router,
  fetch: FetchHandler | undefined,
  methods: readonly string[],
): Step[] {
  const { routes } = router;
  const takesAll = fetch !== undefined || routes.some(({ any }) => any !== null);
  const taken = new Set(["OPTIONS", ...routes.flatMap(({ allow }) => allow.split(", "))]);
  const allowed = takesAll ? methods : methods.filter((method) => taken.has(method));
  return [fixedStep("options", "", allowed.join(", "))];
}

/**
 * CONNECT has no path, so only `fetch` sees it, to take it with `context.upgrade` or to refuse it
 * with an answer of its own: any other of success would open a tunnel that nobody serves.
 */
export function planTunnel(fetch: FetchHandler | undefined): Step[] {
  const refused = fixedStep("not-implemented", "", "");
  if (fetch === undefined) return [refused];
  const handler: FetchHandler = async (request, context) => {
    const value: unknown = await fetch(request, context, context);
    const status = value === undefined ? 501 : (toParts(value)?.status ?? 200);
    if (status >= 300 || status === 101) return value as Response; // 101: of context.upgrade
    throw new MillraceError(
      "ERR_MILLRACE_RESPONSE_INVALID",
      `fetch answered CONNECT with ${status}, which would open a tunnel`,
    );
  };
  return [handlerStep(handler, null), refused];
}
