/**
 * Functions by name behind one route: `/action/:name` calls the one that the path names. Any
 * thread.
 */
import type { FetchHandler } from "../shared/app.ts";
import { checkKnown, wrongOption } from "../shared/option-checks.ts";

export interface ActionMapOptions {
  /** The parameter of the route that has the name. Default `name`. */
  readonly parameter?: string;
}

/**
 * Answers with what the named action answers; 404 for a name that is unknown or missing. Throws a
 * TypeError for what is no function, and for options that are none.
 */
export function actionMap(
  actions: Readonly<Record<string, FetchHandler>>,
  options: ActionMapOptions = {},
): FetchHandler {
  checkKnown("actionMap", options, ["parameter"]);
  const { parameter = "name" } = options;
  if (typeof parameter !== "string") throw wrongOption("actionMap: parameter is a string");
  const byName = new Map(Object.entries(actions));
  for (const [name, action] of byName) {
    if (typeof action !== "function") throw wrongOption(`actionMap: "${name}" is no function`);
  }
  return (request, context) => {
    const action = byName.get(request.params[parameter] ?? "");
    if (action === undefined) return new Response("Not Found", { status: 404 });
    return action(request, context, context);
  };
}
