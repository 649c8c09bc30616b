/**
 * The steps that answer a target, in order: the handlers of the matching routes, then the app's
 * `fetch`, then 404. Made once per target and method. Thread: the engine's.
 */
import type { FetchHandler, Handler, HandlerObject } from "../shared/app.ts";
import { type BodyRules, ownRules } from "./body-rules.ts";
import { MillraceError } from "../shared/errors.ts";
import { toParts } from "./response.ts";
import type { CompiledRoute, Router, RouteMatch } from "./router.ts";

interface StepBase {
  /** Of its row in the table of routes; empty for `fetch`. */
  readonly id: string;
  /** The route's pattern, for messages; empty for `fetch`. */
  readonly route: string;
  readonly paramNames: readonly string[];
  readonly paramValues: readonly string[];
}

export interface HandlerStep extends StepBase {
  readonly kind: "handler";
  readonly handler: FetchHandler;
  /** `this` of a handler object; undefined for functions. */
  readonly owner: HandlerObject | undefined;
  /** It provably takes no argument: it is called without a Request having been made. */
  readonly isBare: boolean;
  /** What a handler object says of bodies; null: nothing. */
  readonly rules: Partial<BodyRules> | null;
  /** The number by which the primary knows its route (entered-route.ts); -1: not given yet. */
  mark: number;
}

export interface ConstantStep extends StepBase {
  readonly kind: "constant";
  readonly response: Response;
}

export interface FixedStep extends StepBase {
  readonly kind: "options" | "not-allowed" | "not-found" | "malformed" | "not-implemented";
  readonly allow: string;
}

export type Step = HandlerStep | ConstantStep | FixedStep;

const NO_PARAMS: readonly string[] = [];
// An arrow function whose source begins with an empty parameter list: `length` 0 proves nothing,
// for rest and default parameters and `arguments` have it too.
const EMPTY_PARAMETERS = /^(?:async\b\s*)?\(\s*\)\s*=>/;

export function isBare(handler: unknown): boolean {
  return (
    typeof handler === "function" &&
    handler.length === 0 &&
    EMPTY_PARAMETERS.test(Function.prototype.toString.call(handler))
  );
}

function handlerStep(handler: Handler, match: RouteMatch | null): HandlerStep {
  const isObject = typeof handler === "object";
  return {
    kind: "handler",
    id: match === null ? "" : match.route.id,
    route: match === null ? "" : match.route.pattern,
    paramNames: match === null ? NO_PARAMS : match.route.paramNames,
    paramValues: match === null ? NO_PARAMS : match.values,
    handler: isObject ? handler.handle : handler,
    owner: isObject ? handler : undefined,
    isBare: !isObject && isBare(handler),
    rules: isObject ? ownRules(handler) : null,
    mark: -1,
  };
}

function fixedStep(kind: FixedStep["kind"], route: string, allow: string): FixedStep {
  return { kind, id: "", route, paramNames: NO_PARAMS, paramValues: NO_PARAMS, allow };
}

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

/** The step of one matching route for a method that it takes. */
function routeStep(match: RouteMatch, method: string): Step {
  const { route } = match;
  const entry = entryOf(route, method)!;
  if (typeof entry === "function" || "handle" in entry) return handlerStep(entry, match);
  return {
    kind: "constant",
    id: route.id,
    route: route.pattern,
    paramNames: NO_PARAMS,
    paramValues: NO_PARAMS,
    response: entry,
  };
}

function entryOf(route: CompiledRoute, method: string): Handler | Response | undefined {
  if (route.any !== null) return route.any;
  if (route.constant !== null) {
    return method === "GET" || method === "HEAD" ? route.constant : undefined;
  }
  const methods = route.methods!;
  return methods.get(method) ?? (method === "HEAD" ? methods.get("GET") : undefined);
}

/** A route of the server's own, before all of the app. */
export interface OwnRoute {
  readonly route: string;
  readonly handler: HandlerObject;
}

/** All steps for a path and a method; the last one always answers. */
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
  const matches = router.match(path);
  for (let at = 0; at < matches.length;) {
    const { shape } = matches[at]!.route;
    const group = matches.slice(at).filter(({ route }) => route.shape === shape);
    at += group.length; // those that match alike stand side by side
    for (const step of groupSteps(group, method)) {
      steps.push(step);
      // It answers whatever comes: nothing behind it is ever asked.
      if (step.kind !== "handler") return steps;
    }
  }
  if (fetch !== undefined) steps.push(handlerStep(fetch, null));
  steps.push(fixedStep("not-found", "", ""));
  return steps;
}

/** The step as it is run where a hook has asked for the Request already. */
export function withRequest(step: Step): Step {
  return step.kind === "handler" ? { ...step, isBare: false } : step;
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
