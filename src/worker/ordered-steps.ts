/**
 * The steps of rows of an ordered table: a row of which path and method decide all is a route as
 * any other, of the rest each step looks at the request before its handler runs.
 * Thread: the engine's.
 */
import type { HandlerObject } from "../shared/app.ts";
import { isMatch } from "../shared/match-result.ts";
import { entryOf } from "./compiled-route.ts";
import type { OrderedMatch, OrderedRoute } from "./ordered-routes.ts";
import {
  type FixedStep, fixedStep, handlerStep, type HandlerStep, routeStep, sharedSteps, type Step,
} from "./step.ts";

/** A step, and the values of its parameters. */
export interface MatchedStep {
  readonly step: Step;
  readonly values: readonly string[];
}

export interface OrderedSteps {
  readonly steps: MatchedStep[];
  /** What rows take that were passed over for the method. */
  readonly allowed: string[];
  /** The answer if nothing else answers; null: 404. */
  readonly refusal: FixedStep | null;
}

type Rules = HandlerStep["rules"];

export function orderedSteps(matches: readonly OrderedMatch[], method: string): OrderedSteps {
  const steps: MatchedStep[] = [];
  const allowed = new Set<string>();
  let passed: OrderedRoute | null = null;
  let isTaken = false;
  for (const { route, values } of matches) {
    if (entryOf(route, method) === undefined) {
      // What it asks of other requests does not make the method wrong for this one.
      if (!route.tellsMethods) continue;
      passed ??= route;
      for (const each of route.allow.split(", ")) allowed.add(each);
      continue;
    }
    isTaken ||= route.any === null;
    const added = sharedSteps(route, method, () => stepsOf(route, method));
    for (const step of added) steps.push({ step, values });
    if (added.at(-1)!.kind === "constant") break;
  }
  // Where a row that names the method has declined there is nothing: the method was right.
  const refusal = passed === null || isTaken ? null : refusalOf(passed, method, [...allowed]);
  return { steps, allowed: [...allowed], refusal };
}

function refusalOf(route: OrderedRoute, method: string, allowed: readonly string[]): FixedStep {
  const kind = method === "OPTIONS" ? "options" : "not-allowed";
  return fixedStep(kind, route.pattern, allowed.join(", "));
}

function stepsOf(route: OrderedRoute, method: string): Step[] {
  const step = routeStep(route, method);
  if (route.isFixed) return [step];
  // A constant is one to those whom the row takes only.
  const inner = step.kind === "constant" ? handlerStep(() => step.response, route) : step;
  const answering = conditional(inner as HandlerStep, route, route.gate?.match);
  if (route.gate?.auth === undefined) return [answering];
  const asking = conditional(handlerStep(route.gate.auth, route), route, undefined);
  return [{ ...asking, rules: askingRules(asking.rules, answering.rules) }, answering];
}

/**
 * What the handler of `auth` does not say of bodies: who may go on has the limits of the one that
 * answers, and who may not does not get the body collected for that.
 */
function askingRules(own: Rules, answering: Rules): Rules {
  if (answering === null) return own;
  const { decodeBodies, ...limits } = answering;
  // What is decoded for the first is so for both: it stays as it came if the second wants it so.
  const kept = decodeBodies === false ? { decodeBodies } : {};
  return { ...limits, ...kept, buffered: false, ...own };
}

/** The step for those requests alone that the row is for. */
function conditional(
  step: HandlerStep,
  { conditions, position, pattern }: OrderedRoute,
  match: HandlerObject["match"],
): HandlerStep {
  const { handler, owner: object } = step;
  const place = { routeName: `row ${position + 1} of the routes, "${pattern}",` };
  const owner: HandlerObject = {
    match: (request, context) => (
      (conditions === null || conditions.hold(request, context)) &&
      (match === undefined || isMatch(match(request, context), place)) &&
      (object?.match === undefined || isMatch(object.match(request, context), place))
    ),
    handle: (request, context) => handler.call(object, request, context, context),
  };
  return { ...step, handler: owner.handle, owner, isBare: false };
}
