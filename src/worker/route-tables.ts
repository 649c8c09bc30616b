/**
 * The tables of routes of one worker, by number, and which of them serves a listener: its own if it
 * has one, and then only that, else the server's. Also what the primary does to them, and who still
 * runs in a row that has been removed. Thread: the engine's.
 */
import type { App } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ToWorker } from "../shared/messages.ts";
import type { EditedTables, TableFacts, TableRow } from "../shared/routes.ts";
import { inAppFile } from "./app-files.ts";
import type { Exchange } from "./exchange.ts";
import { HandlerRegistry } from "./handler-registry.ts";
import { RouteTable } from "./route-table.ts";

/** How soon running requests of a removed row are looked at again: no request pays for it. */
const ENDED_CHECK_MS = 10;

/** The app and rows that a listener has for itself. */
export interface OwnRoutes {
  /** How errors call the listener. */
  readonly label: string;
  readonly app: App | undefined;
  readonly rows: readonly TableRow[] | undefined;
}

/** What changes of tables ask of the engine. */
export interface TablesHost {
  /** Every target is resolved anew. */
  routesChanged(): void;
  /** Requests with a handler that is not done, or an answer that is still being sent. */
  running(): Iterable<Exchange>;
}

export type RoutesMessage = Extract<ToWorker, { readonly type: "routes" }>;

export class RouteTables {
  readonly server: RouteTable;
  readonly #registries = new WeakMap<App, HandlerRegistry>();
  readonly #labels = new WeakMap<App, string>();
  readonly #own: (RouteTable | undefined)[] = [];
  #host: TablesHost | null = null;

  /** Throws what is wrong with an app's routes, or with a row. */
  constructor(app: App, listeners: readonly OwnRoutes[], edited: EditedTables = {}) {
    this.server = inAppFile(app, () =>
      new RouteTable(0, app, this.registryOf(app), edited[0], true));
    listeners.forEach((own, index) => {
      this.#own[index] = this.make(index, own, edited[index + 1]);
    });
  }

  /** Throws what is wrong with its rows; undefined: it has none of its own. */
  make(
    index: number,
    { label, app, rows }: OwnRoutes,
    edited?: readonly TableRow[],
  ): RouteTable | undefined {
    if (app === undefined && rows === undefined) return undefined;
    const used = app ?? this.server.app;
    if (used !== this.server.app) this.#labels.set(used, label);
    // The server's `fetch` answers for its own table only.
    const hasFetch = app !== undefined;
    const make = (): RouteTable =>
      new RouteTable(index + 1, used, this.registryOf(used), edited ?? rows, hasFetch);
    // Rows are not the app's.
    return labelled(label, () => (rows === undefined ? inAppFile(used, make) : make()));
  }

  /** Undefined: the listener with the index is served by the server's table. */
  setListener(index: number, table: RouteTable | undefined): void {
    this.#own[index] = table;
  }

  own(index: number): RouteTable | undefined {
    return this.#own[index];
  }

  ofListener(index: number): RouteTable {
    return this.#own[index] ?? this.server;
  }

  /** Whether a row of the table leads to the handler of that name, be it disabled. */
  has(table: number, handler: string): boolean {
    const found = table === 0 ? this.server : this.#own[table - 1];
    return found?.hasHandler(handler) === true;
  }

  get all(): RouteTable[] {
    return [this.server, ...this.#own.filter((table) => table !== undefined)];
  }

  get apps(): App[] {
    return [...new Set(this.all.map((table) => table.app))];
  }

  get facts(): TableFacts[] {
    return this.all.map((table) => table.facts);
  }

  get patterns(): string[] {
    return this.all.flatMap((table) => table.patterns);
  }

  /** How errors call the listener of an app; null: it is the server's. */
  labelOf(app: App): string | null {
    return this.#labels.get(app) ?? null;
  }

  attach(host: TablesHost): void {
    this.#host = host;
  }

  /** Throws what is wrong with a row. */
  change({ table, version, step }: RoutesMessage): void {
    const changed = table === 0 ? this.server : this.#own[table - 1];
    if (step.kind === "prepare") changed?.prepare(version, step.rows);
    else if (changed?.commit(version) === true) this.#host?.routesChanged();
  }

  /** Settles when nothing runs in these rows of a table. */
  async ended(table: number, ids: readonly string[]): Promise<void> {
    const rows = new Set(ids);
    while (this.#isRunning(table, rows)) {
      await new Promise((resolve) => setTimeout(resolve, ENDED_CHECK_MS));
    }
  }

  #isRunning(table: number, rows: ReadonlySet<string>): boolean {
    for (const { target, plan, at } of this.#host?.running() ?? []) {
      // Also rows before the present one: their handlers may wait for `next()`.
      const isOf = plan.steps.some(({ id }, index) => index <= at && rows.has(id));
      if (isOf && target.table.number === table) return true;
    }
    return false;
  }

  /** Made once per app. */
  registryOf(app: App): HandlerRegistry {
    let registry = this.#registries.get(app);
    if (registry === undefined) this.#registries.set(app, (registry = new HandlerRegistry(app)));
    return registry;
  }
}

/** How errors call a listener. */
export function labelOf({ id }: { readonly id: string }): string {
  return `The listener "${id}"`;
}

/** Errors in what belongs to a listener say which one it is. */
export function labelled<T>(label: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw withLabel(label, error);
  }
}

export function withLabel(label: string, error: unknown): unknown {
  if (!(error instanceof MillraceError)) return error;
  const { code, message, cause } = error;
  return new MillraceError(code, `${label}: ${message}`, cause === undefined ? {} : { cause });
}
