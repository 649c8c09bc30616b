/**
 * The rows of an app's `table`, taken apart: what is data goes into the table of routes, what is a
 * function stays here under the id of its row, by which the data names it. Thread: the engine's.
 */
import type { HandlerObject, Route, TableRoute } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { wrongMatch } from "../shared/match-result.ts";
import { checkNames, readOrdered } from "../shared/route-rows.ts";
import type { TableRow } from "../shared/routes.ts";
import { type Gate, isHandler, wrongHandler } from "./compiled-route.ts";

/** Beside those of rows that are data. */
const MEMBERS = ["auth", "match"];

export interface ReadRow {
  readonly row: TableRow;
  /** The row has functions of its own, and its `handler` is its id. */
  readonly own: { readonly handler: Route; readonly gate: Gate | null } | null;
}

/** Throws ERR_MILLRACE_ROUTE_INVALID, which names the row. */
export function readTable(table: readonly TableRoute[] | undefined): ReadRow[] {
  if (table === undefined) return [];
  if (!Array.isArray(table)) throw wrong("The app's `table` is no array of rows");
  const taken = new Set(table.map((row: TableRoute | null) => row?.id));
  const ids = new Set<string>();
  return table.map((given: TableRoute, at) => {
    const label = `Row ${at + 1} of the app's table`;
    const read = readTableRow(given, label, freeId(taken, at + 1));
    const { id } = read.row;
    if (ids.has(id)) throw wrong(`${label}: another row has the id "${id}" too`);
    ids.add(id);
    return read;
  });
}

function readTableRow(given: TableRoute, label: string, free: string): ReadRow {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw wrong(`${label} is no object`);
  }
  checkNames(given, label, MEMBERS);
  const { auth, match, handler, ...data } = given;
  const id = data.id ?? free;
  if (handler === undefined) throw wrong(`${label} has no handler`);
  const isOwn = typeof handler !== "string" || auth !== undefined || match !== undefined;
  const row = readOrdered({ ...data, id, handler: isOwn ? id : handler }, label);
  if (!isOwn) return { row, own: null };
  return { row, own: { handler, gate: gateOf(auth, match, `${label}, "${row.pattern}"`) } };
}

function gateOf(auth: unknown, match: unknown, where: string): Gate | null {
  if (auth === undefined && match === undefined) return null;
  if (auth !== undefined && !isHandler(auth)) throw wrong(`${where}: auth is no handler`);
  const why = wrongMatch({ match }) ?? (auth === undefined ? null : wrongHandler(auth, "auth"));
  if (why !== null) throw wrong(`${where}: ${why}`);
  return { auth, match: match as HandlerObject["match"] };
}

function freeId(taken: ReadonlySet<unknown>, number: number): string {
  let id = `table-${number}`;
  while (taken.has(id)) id += "x";
  return id;
}

function wrong(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_ROUTE_INVALID", message);
}
