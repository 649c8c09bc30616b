/**
 * The routes of an app. A look-up gives every route that matches, those of the ordered table in its
 * order, those of patterns the most specific first, for a handler may decline. It runs once per
 * distinct path, its result is kept by the engine: clear rather than fast, but its cost does not
 * grow with the number of routes beside the path. Runs on the thread of the engine.
 */
import {
  type CompiledRoute, compileRoute, type RouteEntry, type RouteMatch,
} from "./compiled-route.ts";
import { type OrderedMatch, orderedRoute, OrderedRoutes } from "./ordered-routes.ts";
import { decodeSegment, parsePattern } from "./route-pattern.ts";
import { insert, makeNode, type Node, visit } from "./route-tree.ts";

export class Router {
  readonly routes: CompiledRoute[];
  readonly #ordered = new OrderedRoutes();
  readonly #root: Node<CompiledRoute> = makeNode();

  constructor(entries: readonly RouteEntry[]) {
    this.routes = entries.map((entry, position) => {
      const { ordered, gate } = entry;
      if (ordered !== undefined) {
        const route = orderedRoute(compileRoute(entry, []), ordered, gate ?? null, position);
        this.#ordered.add(route);
        return route;
      }
      const segments = parsePattern(entry.pattern);
      const compiled = compileRoute(entry, segments);
      insert(this.#root, segments, compiled);
      return compiled;
    });
  }

  /** Those that whoever asks for the path may be told of, in the order in which they are asked. */
  told(pathname: string): CompiledRoute[] {
    const ordered = this.matchOrdered(pathname).map(({ route }) => route);
    const open = ordered.filter(({ tellsMethods }) => tellsMethods);
    return [...open, ...this.match(pathname).map(({ route }) => route)];
  }

  /** Of the ordered table, in its order: they are asked before those of patterns. */
  matchOrdered(pathname: string): OrderedMatch[] {
    return this.#ordered.match(pathname);
  }

  /** All whose pattern matches the path of a URL, by precedence: exact, parameter, wildcard. */
  match(pathname: string): RouteMatch[] {
    const found: RouteMatch[] = [];
    const segments = pathname.slice(1).split("/").map(decodeSegment);
    visit(this.#root, segments, (route, values) => found.push({ route, values }));
    return found;
  }
}
