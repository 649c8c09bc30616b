/**
 * The tables of routes as the primary knows them: data, read as copies and replaced as a whole. A
 * change is prepared in every worker and committed when all could; one that refuses keeps the old
 * table everywhere. Changes run one after the other, and a worker that joins gets what has changed
 * before it serves. What was changed belongs to a generation: a new app begins with its own tables.
 * Thread: the primary's.
 */
import { checkCall, checkNames, type Fields, STOP_FIELDS } from "../options/calls.ts";
import { conditionsOf } from "../shared/conditions.ts";
import { freeId, readRow, readRows } from "../shared/route-rows.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ToWorker } from "../shared/messages.ts";
import type {
  AddRouteOptions, EditedTables, HandlerFacts, RemoveRouteOptions, RemoveRouteResult, RouteCall,
  RouteInfo, RouteRow, RoutesResult, TableFacts, TableOptions, TableRow,
} from "../shared/routes.ts";
import { type AcknowledgementHost, inTime } from "./acknowledgements.ts";
import { within } from "./within.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** What the worker has under a name that no app has given. */
const BUILT_IN: HandlerFacts = { kind: "function", methods: [], functionName: "" };

/** The options are an object; what is in it is checked where it is used. */
const NO_FIELDS: Fields = {};

const HAS_TABLES: ReadonlySet<string> = new Set(["serving", "draining"]);

/** What the tables ask of their server. */
export interface TablesHost extends AcknowledgementHost {
  /** The generation whose app counts. */
  generation(): number;
  readonly deadlineMs: number;
  /** How long a worker may take to prepare or commit a table: it may be busy with a handler. */
  readonly controlTimeoutMs: number;
  /** How long one that joins may take to catch up, in which it holds up all changes. */
  readonly initTimeoutMs: number;
  channels(): Iterable<WorkerChannel>;
  /** Its index; throws ERR_MILLRACE_LISTENER_UNKNOWN. */
  listenerIndex(key: string): number;
  /** Whether workers know the listener with the index, and an app or rows of its own. */
  hasOwnRoutes(index: number): boolean;
  /** Begins to stop it, and gives its id. Null: it may not be stopped. */
  stopListener(key: string): string | null;
}

/** Of one generation. */
interface Edition {
  readonly generation: number;
  /** By number of the table; empty until a worker has told. */
  readonly facts: Map<number, TableFacts>;
  /** Those that are no longer as the app has them. */
  readonly edited: Map<number, readonly TableRow[]>;
  version: number;
}

type Tables = Pick<ToWorker & { type: "routes" }, "table" | "version" | "step">;

export class RouteTables {
  readonly #host: TablesHost;
  #edition: Edition = editionOf(0);
  #last: Promise<unknown> = Promise.resolve();
  #version = 0;
  /** The version that a worker was given with its task. */
  readonly #given = new WeakMap<WorkerChannel, number>();

  constructor(host: TablesHost) {
    this.#host = host;
  }

  /** What a worker gets with its task. */
  taskOf(channel: WorkerChannel): EditedTables {
    const edition = this.#present();
    if (channel.generation !== edition.generation) return {};
    this.#given.set(channel, edition.version);
    return Object.fromEntries(edition.edited);
  }

  /** Before a worker serves: it gets what has changed since its task was made. */
  async admit(channel: WorkerChannel): Promise<void> {
    this.#learn(channel);
    await this.#inTurn(async () => {
      const edition = this.#present();
      const isCurrent = (this.#given.get(channel) ?? 0) === edition.version;
      if (channel.generation !== edition.generation || isCurrent) return;
      const told = new Map([[channel, this.#bring(channel, edition)]]);
      await inTime(told, "routes", this.#host.initTimeoutMs, this.#host, "it cannot serve");
    });
  }

  async #bring(channel: WorkerChannel, { edited, version }: Edition): Promise<void> {
    for (const [table, rows] of edited) {
      await channel.send({ type: "routes", table, version, step: { kind: "prepare", rows } });
      await channel.send({ type: "routes", table, version, step: { kind: "commit" } });
    }
  }

  /** The listener with this index is removed, and its table with it. */
  forget(index: number): void {
    this.expect(index);
    for (const channel of this.#host.channels()) channel.forgetTable(index + 1);
  }

  /** Every worker has the table of the listener with this index: what is known is another's. */
  expect(index: number): void {
    const { facts, edited } = this.#present();
    facts.delete(index + 1);
    edited.delete(index + 1);
  }

  /** Copies: what is done to them changes nothing. */
  read(listener?: string): RouteInfo[] {
    const { rows, facts } = this.#table(listener);
    return rows.map((row, position) => infoOf(row, facts, position));
  }

  async replace(rows: readonly RouteRow[], options: TableOptions = {}): Promise<RoutesResult> {
    checkCall("setRoutes", NO_FIELDS, options);
    const { stopped } = await this.#edit(options.listener, () => readRows(rows));
    return { stopped };
  }

  /** What lacks is told as of a row: `options` may be none where nobody checks types. */
  async add(pattern: string, options: Partial<AddRouteOptions> = {}): Promise<RouteInfo> {
    checkCall("addRoute", NO_FIELDS, options);
    const { listener, position = -1, ...rest } = options;
    let id = "";
    await this.#edit(listener, (rows) => {
      const row = readRow({ ...rest, pattern }, "The new row");
      const ids = new Set(rows.map((each) => each.id));
      if (ids.has(row.id)) throw invalid(`another row has the id "${row.id}" already`);
      row.id ||= freeId(ids);
      ({ id } = row);
      return rows.toSpliced(placeOf(position, rows.length), 0, row);
    });
    return this.read(listener).find((each) => each.id === id)!;
  }

  async remove(name: string, options: RemoveRouteOptions = {}): Promise<RemoveRouteResult> {
    checkCall("removeRoute", STOP_FIELDS, options);
    checkNames("removeRoute", [...Object.keys(STOP_FIELDS), "listener"], options);
    const { listener, force = false, deadlineMs = this.#host.deadlineMs } = options;
    let gone: TableRow[] = [];
    const { table, stopped, channels } = await this.#edit(listener, (rows) => {
      gone = found(rows, name);
      return rows.filter((row) => !gone.includes(row));
    });
    if (force) return { removed: gone.length, ended: false, stopped };
    const ids = gone.map(({ id }) => id);
    const ended = Promise.all(channels.map((channel) => (
      channel.send({ type: "awaitRoutes", table, rows: ids })
    )));
    const isOver = await within(ended.then(() => true), deadlineMs, false);
    return { removed: gone.length, ended: isOver, stopped };
  }

  async setDisabled(name: string, disabled: boolean, options: TableOptions = {}): Promise<void> {
    checkCall(disabled ? "disableRoute" : "enableRoute", NO_FIELDS, options);
    await this.#edit(options.listener, (rows) => {
      const changed = found(rows, name);
      return rows.map((row) => (changed.includes(row) ? { ...row, disabled } : row));
    });
  }

  /** A call of `context.server`. */
  async call(request: RouteCall): Promise<unknown> {
    switch (request.kind) {
      case "read":
        return this.read(request.listener);
      case "replace":
        return await this.replace(request.rows, request.options);
      case "add":
        return await this.add(request.pattern, request.options);
      case "remove":
        return await this.remove(request.name, request.options);
      case "disable":
      case "enable":
        return await this.setDisabled(request.name, request.kind === "disable", request.options);
    }
  }

  #edit(
    listener: string | undefined,
    change: (rows: readonly TableRow[]) => readonly TableRow[],
  ): Promise<RoutesResult & { table: number; channels: WorkerChannel[] }> {
    return this.#inTurn(async () => {
      const { edition, table, rows, facts } = this.#table(listener);
      const after = change(rows);
      const channels = await this.#change(edition, facts, after);
      const isEmpty = rows.length > 0 && after.length === 0 && !facts.hasFetch;
      const stopped = table > 0 && isEmpty ? this.#host.stopListener(listener!) : null;
      return { stopped, table, channels };
    });
  }

  async #change(
    edition: Edition,
    facts: TableFacts,
    rows: readonly TableRow[],
  ): Promise<WorkerChannel[]> {
    const { table } = facts;
    const version = ++this.#version;
    const channels = [...this.#host.channels()].filter(({ state, generation }) => (
      // One that drains may have requests that it has received already.
      HAS_TABLES.has(state) && generation === edition.generation
    ));
    await this.#tellAll(channels, { table, version, step: { kind: "prepare", rows } });
    if (edition.facts.get(table) !== facts) {
      const message = "The listener was removed before its routes were changed";
      throw new MillraceError("ERR_MILLRACE_LISTENER_UNKNOWN", message);
    }
    // From here on it counts, also for a worker whose task is made now.
    edition.edited.set(table, rows);
    edition.version = version;
    await this.#tellAll(channels, { table, version, step: { kind: "commit" } });
    return channels;
  }

  /** Rejects with the first refusal, or names those that have not answered in time. */
  async #tellAll(channels: readonly WorkerChannel[], message: Tables): Promise<void> {
    const told = new Map(channels.map((channel) => [
      channel, channel.send({ type: "routes", ...message }),
    ]));
    const after = message.step.kind === "prepare"
      ? "the routes are as they were"
      : "the new routes are in force elsewhere, and there as soon as it goes on";
    await inTime(told, "routes", this.#host.controlTimeoutMs, this.#host, after);
  }

  #table(listener: string | undefined): {
    edition: Edition; table: number; rows: readonly TableRow[]; facts: TableFacts;
  } {
    const edition = this.#present();
    const table = listener === undefined ? 0 : this.#host.listenerIndex(listener) + 1;
    if (!edition.facts.has(table)) [...this.#host.channels()].forEach((each) => this.#learn(each));
    const isOwn = table === 0 || this.#host.hasOwnRoutes(table - 1);
    const facts = isOwn ? edition.facts.get(table) : undefined;
    if (facts === undefined) {
      throw new MillraceError("ERR_MILLRACE_ROUTE_UNKNOWN", table === 0
        ? "No worker has loaded the app yet, so there are no routes"
        : `The listener "${listener!}" has no routes of its own: the server's are its`);
    }
    return { edition, table, rows: edition.edited.get(table) ?? facts.rows, facts };
  }

  /** A new generation has nothing of what the one before it was told. */
  #present(): Edition {
    const generation = this.#host.generation();
    if (this.#edition.generation !== generation) this.#edition = editionOf(generation);
    return this.#edition;
  }

  #learn(channel: WorkerChannel): void {
    const { facts, generation } = this.#present();
    if (channel.generation !== generation) return;
    for (const [table, each] of channel.tables) {
      if (!facts.has(table)) facts.set(table, each);
    }
  }

  /** One change after the other; what fails does not keep the next one from its turn. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function editionOf(generation: number): Edition {
  return { generation, facts: new Map(), edited: new Map(), version: 0 };
}

function infoOf(row: TableRow, { handlers }: TableFacts, position: number): RouteInfo {
  const { id, pattern, handler, disabled } = row;
  const { kind, methods, functionName } = handlers[handler] ?? BUILT_IN;
  const taken = row.methods.length > 0 ? row.methods : methods;
  return {
    id, pattern, methods: [...taken], handler, kind, functionName, disabled, position,
    ...(row.ordered && conditionsOf(row.ordered)),
  };
}

/** The rows with this pattern, which begins with a slash, or the one with this id. */
function found(rows: readonly TableRow[], name: string): TableRow[] {
  const matching = rows.filter(({ id, pattern }) => id === name || pattern === name);
  if (matching.length > 0) return matching;
  const message = `No route of the table has the pattern or id "${name}"`;
  throw new MillraceError("ERR_MILLRACE_ROUTE_UNKNOWN", message);
}

/** As `splice` counts, but -1 is the end. */
function placeOf(position: number, length: number): number {
  if (!Number.isInteger(position) || position < -1) {
    throw invalid(`position must be an integer from -1 on, not ${position}`);
  }
  return position === -1 ? length : Math.min(position, length);
}

function invalid(why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_ROUTE_INVALID", `Routes: ${why}.`);
}
