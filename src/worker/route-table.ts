/**
 * A table of routes over the handlers of an app: the server's, or that of one listener. It is
 * replaced as a whole and in two steps, so that all workers change or none does: `prepare` finds
 * every fault and changes nothing, `commit` cannot fail. Thread: the engine's.
 */
import type { App, FetchHandler } from "../shared/app.ts";
import type { TableFacts, TableRow } from "../shared/routes.ts";
import { isHandler, type ResolvedRoute, type RouteEntry } from "./compiled-route.ts";
import { type HandlerRegistry, inRow, isPerMethod, routesPlace } from "./handler-registry.ts";
import { invalidRoute } from "./route-pattern.ts";
import { Router } from "./router.ts";

interface Prepared {
  readonly version: number;
  readonly rows: readonly TableRow[];
  readonly router: Router;
}

export class RouteTable {
  /** 0: the server's; n: that of the listener with the index n - 1. */
  readonly number: number;
  /** Whose hooks its requests have. */
  readonly app: App;
  readonly registry: HandlerRegistry;
  /** Asked where no route has answered. */
  readonly fetch: FetchHandler | undefined;
  #rows: readonly TableRow[];
  #router: Router;
  #prepared: Prepared | null = null;

  /** `rows`: in the place of what the app's `routes` say; its `fetch` is asked if `hasFetch`. */
  constructor(
    number: number,
    app: App,
    registry: HandlerRegistry,
    rows: readonly TableRow[] | undefined,
    hasFetch: boolean,
  ) {
    this.number = number;
    this.app = app;
    this.registry = registry;
    this.fetch = hasFetch ? app.fetch : undefined;
    this.#rows = rows ?? registry.rows;
    const placeOf = (at: number): string => registry.placeOf(at);
    this.#router = this.#compile(this.#rows, rows === undefined ? placeOf : routesPlace);
  }

  get router(): Router {
    return this.#router;
  }

  get facts(): TableFacts {
    const { number: table, registry: { facts: handlers }, fetch } = this;
    return { table, rows: this.#rows, handlers, hasFetch: fetch !== undefined };
  }

  /** All patterns, those of disabled rows included. */
  get patterns(): string[] {
    return this.#rows.map(({ pattern }) => pattern);
  }

  /** The name of the handler of a row; undefined: there is none of that id. */
  handlerOf(id: string): string | undefined {
    return this.#rows.find((row) => row.id === id)?.handler;
  }

  /** Whether a row leads to the handler of that name, be it disabled. */
  hasHandler(name: string): boolean {
    return this.#rows.some(({ handler }) => handler === name);
  }

  /** Throws what is wrong with a row, and then nothing has changed. */
  prepare(version: number, rows: readonly TableRow[]): void {
    this.#prepared = { version, rows, router: this.#compile(rows, routesPlace) };
  }

  /** False: it was not prepared, so nothing has changed. */
  commit(version: number): boolean {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared === null || prepared.version !== version) return false;
    this.#rows = prepared.rows;
    this.#router = prepared.router;
    return true;
  }

  /** `placeOf`: how errors call the rows. */
  #compile(rows: readonly TableRow[], placeOf: (at: number) => string): Router {
    const entries = rows.map((row, at) => {
      const place = placeOf(at);
      return inRow(place, () => this.#entry(row, place));
    });
    return new Router(entries.filter((_, at) => !rows[at]!.disabled));
  }

  /** Also of a disabled row: it can be enabled at any time. */
  #entry({ id, pattern, methods, handler, ordered }: TableRow, place: string): RouteEntry {
    const named = this.registry.resolve(handler, pattern, place, () => this.#router);
    const gate = this.registry.gateOf(handler);
    if (gate !== undefined && ordered === undefined) {
      const why = `"${handler}" asks before it answers, so only a row with conditions can name it`;
      throw invalidRoute(pattern, why);
    }
    const entry = { id, pattern, route: narrowed(pattern, named, methods), ordered, gate };
    void new Router([entry]); // whatever is wrong with it is said with the number of its row
    return entry;
  }
}

/** The handler for these methods alone; none: for all that it takes. */
function narrowed(
  pattern: string,
  route: ResolvedRoute,
  methods: readonly string[],
): ResolvedRoute {
  if (methods.length === 0) return route;
  if (isPerMethod(route)) {
    const lacking = methods.find((method) => !Object.hasOwn(route, method));
    if (lacking !== undefined) throw invalidRoute(pattern, `its handler has no ${lacking}`);
    return Object.fromEntries(methods.map((method) => [method, route[method]!]));
  }
  // As it would be without methods, `Allow` included.
  const isWhole = !isHandler(route) && methods.join() === "GET,HEAD";
  return isWhole ? route : Object.fromEntries(methods.map((method) => [method, route]));
}
