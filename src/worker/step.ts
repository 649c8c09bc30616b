/**
 * One step on the way to the answer of a target: a handler, a constant, or what the server answers
 * by itself. All targets that a route matches have the same step: of a thousand hot paths each
 * object of their own is a miss of the cache. Thread: the engine's.
 */
import type { FetchHandler, Handler, HandlerObject } from "../shared/app.ts";
import { type HandlerRules, type HandlerTimes, ownRules, ownTimes } from "./body-rules.ts";
import { type CompiledRoute, entryOf } from "./compiled-route.ts";

interface StepBase {
  /** Of its row in the table of routes; empty for `fetch`. */
  readonly id: string;
  /** The route's pattern, for messages; empty for `fetch`. */
  readonly route: string;
  readonly paramNames: readonly string[];
}

export interface HandlerStep extends StepBase {
  readonly kind: "handler";
  readonly handler: FetchHandler;
  /** `this` of a handler object; undefined for functions. */
  readonly owner: HandlerObject | undefined;
  /** It provably takes no argument: it is called without a Request having been made. */
  readonly isBare: boolean;
  /** What a handler object says of bodies and of time; null: nothing. */
  readonly rules: Partial<HandlerRules> | null;
  /** Of them the times; null: there is none. */
  readonly times: Partial<HandlerTimes> | null;
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

export function handlerStep(handler: Handler, route: CompiledRoute | null): HandlerStep {
  const isObject = typeof handler === "object";
  const rules = isObject ? ownRules(handler) : null;
  return {
    kind: "handler",
    id: route === null ? "" : route.id,
    route: route === null ? "" : route.pattern,
    paramNames: route === null ? NO_PARAMS : route.paramNames,
    handler: isObject ? handler.handle : handler,
    owner: isObject ? handler : undefined,
    isBare: !isObject && isBare(handler),
    rules,
    times: ownTimes(rules),
    mark: -1,
  };
}

export function fixedStep(kind: FixedStep["kind"], route: string, allow: string): FixedStep {
  return { kind, id: "", route, paramNames: NO_PARAMS, allow };
}

const ofRoutes = new WeakMap<CompiledRoute, Map<string, readonly Step[]>>();

/** Those of a route for a method: `make` is called when they are asked for first. */
export function sharedSteps<T extends readonly Step[]>(
  route: CompiledRoute,
  method: string,
  make: () => T,
): T {
  let byMethod = ofRoutes.get(route);
  if (byMethod === undefined) ofRoutes.set(route, (byMethod = new Map()));
  const known = byMethod.get(method) as T | undefined;
  if (known !== undefined) return known;
  const made = make();
  byMethod.set(method, made);
  return made;
}

/** The step of a route for a method that it takes. */
export function routeStep(route: CompiledRoute, method: string): Step {
  const entry = entryOf(route, method)!;
  if (typeof entry === "function" || "handle" in entry) return handlerStep(entry, route);
  return {
    kind: "constant",
    id: route.id,
    route: route.pattern,
    paramNames: NO_PARAMS,
    response: entry,
  };
}

/** The step as it is run where a hook has asked for the Request already. */
export function withRequest(step: Step): Step {
  return step.kind === "handler" ? { ...step, isBare: false } : step;
}
