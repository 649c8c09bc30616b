/**
 * A handler object around another one, as the wrappers of the toolbox make it: what the inner one
 * says of bodies and of time counts for the outer one, and what belongs to the worker's end is the
 * inner one's. Any thread.
 */
import type { FetchHandler, Handler, HandlerObject } from "../shared/app.ts";
import { isMatch } from "../shared/match-result.ts";
import { wrongOption } from "../shared/option-checks.ts";
import { ownRules } from "./body-rules.ts";
import { isHandler, wrongHandler } from "./compiled-route.ts";

/** Of each outer one the innermost. */
const inside = new WeakMap<object, HandlerObject>();

/**
 * `wrap` puts the wrapper around a function. The inner `match` is asked where the inner handler
 * would run, behind what the wrapper does before: what does not match declines. Throws a TypeError
 * for what is no handler object.
 */
export function aroundObject(
  who: string,
  handler: unknown,
  wrap: (handle: FetchHandler) => FetchHandler,
): HandlerObject {
  if (!isHandler(handler) || typeof handler === "function") {
    throw wrongOption(`${who}: its handler is a function, or an object with a function handle`);
  }
  const wrong = wrongHandler(handler, "its handler object");
  if (wrong !== null) throw wrongOption(`${who}: ${wrong}`);
  const handle = wrap((request, context) => {
    const place = { routeName: `the handler object in ${who}` };
    if (handler.match !== undefined && !isMatch(handler.match(request, context), place)) {
      return undefined;
    }
    return handler.handle(request, context, context);
  });
  const outer: HandlerObject = { ...ownRules(handler), handle };
  if (typeof handler.close === "function") outer.close = () => handler.close!();
  inside.set(outer, innermost(handler) as HandlerObject);
  return outer;
}

/** What is closed at the end, once, however many wrappers stand around it. */
export function innermost(handler: Handler | Response): Handler | Response {
  return inside.get(handler) ?? handler;
}
