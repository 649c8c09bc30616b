/**
 * The handlers of an app by name: those of its `handlers`, and under its pattern what stands in its
 * `routes`. Tables of routes refer to them, since functions cannot be sent to a worker. Made once
 * per app. Thread: the engine's.
 */
import type { App, Handler, HandlerFactory, Route } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { freeId } from "../shared/route-rows.ts";
import type { HandlerFacts, TableRow } from "../shared/routes.ts";
import { builtInHandler, isBuiltIn } from "./built-in-handlers.ts";
import type { BodyRules } from "./body-rules.ts";
import {
  checkRoute, type Gate, isHandler, type ResolvedRoute, rulesOf, wrongClose,
} from "./compiled-route.ts";
import { isFactory, PerConnection } from "./per-connection.ts";
import { type ReadRow, readTable } from "./table-rows.ts";
import { invalidRoute } from "./route-pattern.ts";
import { toParts } from "./response.ts";
import { Router } from "./router.ts";

/** Of a name that is only looked up, or stands in an object of methods. */
const noRouter = (): Router => new Router([]);

/** How many names an error lists. */
const NAMES_SHOWN = 12;

export class HandlerRegistry {
  /** The rows of the app's own `table` and then of its `routes`, in their order. */
  readonly rows: readonly TableRow[];
  /** Of all handler objects that say something of bodies, those of `auth` too. */
  readonly bodyRules: readonly Partial<BodyRules>[];
  readonly #handlers = new Map<string, ResolvedRoute>();
  readonly #gates = new Map<string, Gate>();
  readonly #made = new Map<HandlerFactory, PerConnection>();
  readonly #tableLength: number;

  /** Throws ERR_MILLRACE_ROUTE_INVALID, …_ROUTE_STREAM or …_HANDLER_UNKNOWN. */
  constructor(app: Pick<App, "routes" | "handlers" | "table">) {
    for (const [name, handler] of handlerEntries(app.handlers)) this.#addNamed(name, handler);
    const table = readTable(app.table).map((read, at) => this.#addRow(read, tablePlace(at)));
    this.#tableLength = table.length;
    const taken = new Set(table.map(({ id }) => id));
    const routes = Object.entries(app.routes ?? {}).map(([pattern, route], at) => {
      const id = taken.has(`route-${at + 1}`) ? freeId(taken) : `route-${at + 1}`;
      taken.add(id);
      const place = routesPlace(at);
      if (typeof route === "string") this.resolve(route, pattern, place);
      else this.#handlers.set(pattern, this.#named(route, pattern, place));
      const handler = typeof route === "string" ? route : pattern;
      return { id, pattern, methods: [], handler, disabled: false };
    });
    this.rows = [...table, ...routes];
    this.bodyRules = [...this.entries].map(rulesOf).filter((rules) => rules !== null);
  }

  /**
   * What the name stands for, in a row of a table with this router; throws
   * ERR_MILLRACE_HANDLER_UNKNOWN, naming the row: `place` is such as `2 of the routes`.
   */
  resolve(
    name: string,
    pattern: string,
    place: string,
    router: () => Router = noRouter,
  ): ResolvedRoute {
    const handler = this.#handlers.get(name);
    if (handler !== undefined) return handler;
    if (isBuiltIn(name)) return builtInHandler(name, pattern, router);
    const names = [...this.#handlers.keys()].slice(0, NAMES_SHOWN).map((each) => `"${each}"`);
    const known = names.length === 0 ? "there is none" : `there are ${names.join(", ")}`;
    throw new MillraceError(
      "ERR_MILLRACE_HANDLER_UNKNOWN",
      `The route "${pattern}" (row ${place}): no handler has the name "${name}"; ${known}.`,
    );
  }

  /** How errors call one of its own rows. */
  placeOf(at: number): string {
    const length = this.#tableLength;
    return at < length ? tablePlace(at) : routesPlace(at - length);
  }

  /** What a row of the app's `table` has beside the handler that is named so. */
  gateOf(name: string): Gate | undefined {
    return this.#gates.get(name);
  }

  get facts(): Record<string, HandlerFacts> {
    const all = [...this.#handlers].map(([name, handler]) => [name, factsOf(handler)] as const);
    return Object.fromEntries(all);
  }

  /** Every handler and constant, each once, whether a route leads to it or not. */
  get entries(): Set<Handler | Response> {
    const gates = [...this.#gates.values()].map(({ auth }) => auth);
    const handlers = [...this.#handlers.values()].flatMap(entriesOf);
    return new Set([...handlers, ...gates.filter((auth) => auth !== undefined)]);
  }

  /** A row that names its handler alone is data already. */
  #addRow({ row, own }: ReadRow, place: string): TableRow {
    const { id, pattern } = row;
    if (own === null) {
      inRow(place, () => this.resolve(row.handler, pattern, place));
      return row;
    }
    if (this.#handlers.has(id) || isBuiltIn(id)) {
      throw new MillraceError(
        "ERR_MILLRACE_HANDLER_DUPLICATE",
        `Row ${place}: its id "${id}" is the name of a handler too.`,
      );
    }
    const { handler, gate } = own;
    const route = inRow(place, () => (
      typeof handler === "string"
        ? this.resolve(handler, pattern, place)
        : this.#named(handler, pattern, place)
    ));
    this.#handlers.set(id, route);
    if (gate !== null) this.#gates.set(id, gate);
    return row;
  }

  #addNamed(name: string, handler: Route): void {
    if (typeof handler === "string") {
      throw invalidHandler(name, "it is the name of another one");
    }
    try {
      this.#handlers.set(name, checked(name, this.#withFactories(handler, name)));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      throw new MillraceError(error.code, `In the app's handlers: ${error.message}`);
    }
  }

  /** The value of a route with the names in it resolved: an object of methods may have some. */
  #named(route: Exclude<Route, string>, pattern: string, place: string): ResolvedRoute {
    const made = this.#withFactories(route, pattern);
    if (!isPerMethod(made)) return checked(pattern, made);
    const methods = Object.entries<unknown>(made).map(([method, value]) => {
      if (typeof value !== "string") return [method, value];
      const named = this.resolve(value, pattern, place);
      if (!isPerMethod(named)) return [method, named];
      throw invalidRoute(pattern, `its ${method} names "${value}", which is an object of methods`);
    });
    return checked(pattern, Object.fromEntries(methods) as ResolvedRoute);
  }

  #withFactories(route: Exclude<Route, string>, pattern: string): ResolvedRoute {
    if (isFactory(route)) return this.#madeOf(route, pattern);
    if (!isPerMethod(route)) return route as ResolvedRoute;
    const made = Object.entries<unknown>(route).map(([method, value]) => (
      [method, isFactory(value) ? this.#madeOf(value, pattern) : value]
    ));
    return Object.fromEntries(made) as ResolvedRoute;
  }

  /** The handler object that a factory is, one wherever it stands: a connection has one of it. */
  #madeOf(factory: HandlerFactory, pattern: string): PerConnection {
    const known = this.#made.get(factory);
    if (known !== undefined) return known;
    const wrong = wrongClose(factory);
    if (wrong !== null) throw invalidRoute(pattern, `of its handler object ${wrong}`);
    const made = new PerConnection(factory);
    this.#made.set(factory, made);
    return made;
  }
}

/** Pairs, so that a name that is given twice can be refused. */
export function handlerEntries(handlers: App["handlers"]): [string, Route][] {
  if (handlers === undefined) return [];
  if (typeof handlers !== "object" || handlers === null) {
    throw new MillraceError("ERR_MILLRACE_APP_SHAPE", "The app's `handlers` is no object");
  }
  const isList = Array.isArray(handlers);
  const entries = isList ? pairsOf(handlers) : Object.entries(handlers as Record<string, Route>);
  const seen = new Set<unknown>();
  for (const [name] of entries as [unknown, Route][]) {
    if (typeof name !== "string" || name === "" || name.startsWith("/")) {
      throw invalidHandler(String(name), "a name is not empty and begins with no slash");
    }
    if (isBuiltIn(name)) {
      const message = `The handler "${name}": there is one of this name in every app.`;
      throw new MillraceError("ERR_MILLRACE_HANDLER_DUPLICATE", message);
    }
    if (seen.has(name)) {
      const message = `Two handlers of the app have the name "${name}".`;
      throw new MillraceError("ERR_MILLRACE_HANDLER_DUPLICATE", message);
    }
    seen.add(name);
  }
  return entries;
}

function pairsOf(list: readonly unknown[]): [string, Route][] {
  const wrong = list.findIndex((each) => !Array.isArray(each) || each.length !== 2);
  if (wrong < 0) return list as [string, Route][];
  const message = `Entry ${wrong + 1} of the app's handlers is no pair of a name and a handler.`;
  throw new MillraceError("ERR_MILLRACE_ROUTE_INVALID", message);
}

/** How errors call a row of an app's `table`, from 0. */
function tablePlace(at: number): string {
  return `${at + 1} of the app's table`;
}

/** The same of its `routes`, and of rows that are given while the server runs. */
export function routesPlace(at: number): string {
  return `${at + 1} of the routes`;
}

/** Faults of what stands in a row are told with the row, since patterns may repeat. */
export function inRow<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code === "ERR_MILLRACE_HANDLER_UNKNOWN") {
      throw error;
    }
    throw new MillraceError(error.code, `Row ${place}: ${error.message}`);
  }
}

/** Checked as a route would be. */
function checked(pattern: string, handler: ResolvedRoute): ResolvedRoute {
  checkRoute(pattern, handler);
  return handler;
}

/** An object with a handler per method. With `handle` it was to be a handler object. */
export function isPerMethod(route: unknown): route is Readonly<Record<string, Handler | Response>> {
  const isObject = typeof route === "object" && route !== null && !Array.isArray(route);
  return isObject && !("handle" in route) && toParts(route) === null;
}

function entriesOf(handler: ResolvedRoute): (Handler | Response)[] {
  return isPerMethod(handler) ? Object.values(handler) : [handler];
}

function factsOf(handler: ResolvedRoute): HandlerFacts {
  if (typeof handler === "function") {
    return { kind: "function", methods: [], functionName: handler.name };
  }
  if (isHandler(handler)) {
    const { handle } = handler;
    return { kind: "object", methods: [], functionName: handle.name };
  }
  if (isPerMethod(handler)) {
    return { kind: "methods", methods: Object.keys(handler), functionName: "" };
  }
  return { kind: "constant", methods: ["GET", "HEAD"], functionName: "" };
}

function invalidHandler(name: string, why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_ROUTE_INVALID", `The handler "${name}": ${why}.`);
}
