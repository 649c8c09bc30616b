/**
 * The server's own routes, before all of the app: of the metrics and of the probes. A path may be
 * one thing to one listener and another to the next. Thread: the engine's.
 */
import type { HandlerObject } from "../shared/app.ts";
import type { OwnRoute } from "./plan.ts";

/** All of them by path. Two of one path are asked in turn; what neither matches is the app's. */
export function joinRoutes(...tables: readonly Map<string, OwnRoute>[]): Map<string, OwnRoute> {
  const joined = new Map<string, OwnRoute>();
  for (const table of tables) {
    for (const [path, { handler }] of table) {
      const other = joined.get(path)?.handler;
      const both = other === undefined ? handler : inTurn(other, handler);
      joined.set(path, { route: path, handler: both });
    }
  }
  return joined;
}

function inTurn(first: HandlerObject, second: HandlerObject): HandlerObject {
  return {
    match: (request, context) =>
      first.match!(request, context) || second.match!(request, context),
    handle: (request, context) =>
      (first.match!(request, context) ? first : second).handle(request, context, context),
  };
}
