/** Routes as an app writes them, as the router takes them. */
import type { App } from "../../src/shared/app.ts";
import type { ResolvedRoute, RouteEntry } from "../../src/worker/compiled-route.ts";

export function entriesOf(routes: App["routes"]): RouteEntry[] {
  return Object.entries(routes ?? {}).map(([pattern, route], at) => (
    { id: `route-${at + 1}`, pattern, route: route as ResolvedRoute }
  ));
}
