/**
 * Tables of routes as data: handlers are functions, which no thread can give to another, so a row
 * names its handler. Public types, and what the threads say to each other of them. Types only.
 */
import type { OrderedFacts, RouteConditions } from "./conditions.ts";

/** What stands behind a name: `methods` is an object with one of the others per method. */
export type HandlerKind = "function" | "object" | "constant" | "methods";

/**
 * What `setRoutes` takes. What `routes()` gives may be edited and given back. A row with conditions
 * is one of the ordered table, which is asked before the patterns.
 */
export interface RouteRow extends RouteConditions {
  /** Of a row without conditions. */
  readonly pattern?: string;
  /**
   * A name of the app's `handlers`, or for what stands behind one of its rows a pattern of its
   * `routes` or an id of its `table`.
   */
  readonly handler: string;
  /** In capitals, one or several. Without it all that the handler takes. */
  readonly method?: string | readonly string[];
  /** The same as `method`; both together are an error. */
  readonly methods?: string | readonly string[];
  /** A name of its own, not beginning with a slash; made up if it is not given. */
  readonly id?: string;
  /** It stays in the table and answers nothing. */
  readonly disabled?: boolean;
}

/** One row of a table, as a copy: nothing done to it changes the table. */
export interface RouteInfo extends RouteConditions {
  id: string;
  /** Of a row of the ordered table its path, its prefix with `*`, or its expression. */
  pattern: string;
  /** In capitals; empty: every method. */
  methods: string[];
  handler: string;
  kind: HandlerKind;
  /** The `name` of the function; empty where there is none. */
  functionName: string;
  disabled: boolean;
  /** Its place in the table, from 0: it decides between rows of equal precedence. */
  position: number;
}

/** Which table: that of the server without it, of the listener with this id otherwise. */
export interface TableOptions {
  readonly listener?: string;
}

export interface AddRouteOptions extends TableOptions {
  readonly handler: string;
  readonly method?: string | readonly string[];
  readonly id?: string;
  /** Where it is put: 0 is the first place, -1 and no word the last. */
  readonly position?: number;
  readonly disabled?: boolean;
}

/** Other values are refused with ERR_MILLRACE_OPTION_INVALID before anything is removed. */
export interface RemoveRouteOptions extends TableOptions {
  /** Do not wait for running requests: they end by themselves. Default false. */
  readonly force?: boolean;
  /** Milliseconds after which nobody waits any more. Default: the option `deadlineMs`. */
  readonly deadlineMs?: number;
}

export interface RoutesResult {
  /** The listener that is being stopped because its last handler has gone; null: none. */
  readonly stopped: string | null;
}

export interface RemoveRouteResult extends RoutesResult {
  /** How many rows have gone. */
  readonly removed: number;
  /** Nothing of them runs any more; false: not waited for, or not over at the deadline. */
  readonly ended: boolean;
}

/** A row as workers get it. */
export interface TableRow {
  readonly id: string;
  readonly pattern: string;
  readonly methods: readonly string[];
  readonly handler: string;
  readonly disabled: boolean;
  /** Of a row of the ordered table; its pattern is only its name then. */
  readonly ordered?: OrderedFacts;
}

export interface HandlerFacts {
  readonly kind: HandlerKind;
  readonly methods: readonly string[];
  readonly functionName: string;
}

/** What a worker says of a table once its app is loaded. */
export interface TableFacts {
  /** 0: the server's; n: that of the listener with the index n - 1. */
  readonly table: number;
  readonly rows: readonly TableRow[];
  readonly handlers: Readonly<Record<string, HandlerFacts>>;
  /** There is a `fetch` behind the rows. */
  readonly hasFetch: boolean;
}

/** Tables that are no longer as the app has them, by their number. */
export type EditedTables = Readonly<Record<number, readonly TableRow[]>>;

/** A call of `context.server` that concerns routes. */
export type RouteCall =
  | { readonly kind: "read"; readonly listener?: string }
  | {
      readonly kind: "replace";
      readonly rows: readonly RouteRow[];
      readonly options: TableOptions;
    }
  | { readonly kind: "add"; readonly pattern: string; readonly options: AddRouteOptions }
  | { readonly kind: "remove"; readonly name: string; readonly options: RemoveRouteOptions }
  | { readonly kind: "disable" | "enable"; readonly name: string; readonly options: TableOptions };

/** The calls that `Server` and `context.server` share; without a listener the server's table. */
export interface RouteEdits {
  /**
   * Replaces the table as a whole, in all workers or, if a row cannot be, in none. A request that
   * is sent after it has resolved is answered by the new table.
   */
  setRoutes(rows: readonly RouteRow[], options?: TableOptions): Promise<RoutesResult>;
  addRoute(pattern: string, options: AddRouteOptions): Promise<RouteInfo>;
  /** By pattern or id; waits until no request runs in it. */
  removeRoute(patternOrId: string, options?: RemoveRouteOptions): Promise<RemoveRouteResult>;
  /** It stays in the table and gets no new requests. */
  disableRoute(patternOrId: string, options?: TableOptions): Promise<void>;
  enableRoute(patternOrId: string, options?: TableOptions): Promise<void>;
}
