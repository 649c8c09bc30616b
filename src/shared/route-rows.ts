/**
 * Rows of a table of routes as a user writes them, checked and completed. What a row means, as
 * whether there is such a handler, only the workers know, which have the app. Pure.
 */
import { CONDITIONS, type OrderedFacts, patternOf, readConditions } from "./conditions.ts";
import { MillraceError } from "./errors.ts";
import { unknownMethod } from "./methods.ts";
import type { RouteRow, TableRow } from "./routes.ts";
import { suggest } from "./suggest.ts";

/** `kind`, `functionName` and `position` come with what `routes()` gives; the place counts. */
const MEMBERS: readonly string[] = [
  "id", "pattern", "handler", "method", "methods", "disabled", "kind", "functionName", "position",
  ...CONDITIONS,
];
/** Of rows of an app's `table` alone. */
const FUNCTIONS: ReadonlySet<string> = new Set(["auth", "match"]);

const METHOD = /^[A-Z][A-Z-]*$/;

/** Throws ERR_MILLRACE_ROUTE_INVALID, which names the row. */
export function readRows(value: unknown): TableRow[] {
  if (!Array.isArray(value)) throw wrong("A table of routes is an array of rows");
  const given: unknown[] = Array.from(value); // a hole is no row either
  const rows = given.map((row, at) => readRow(row, `Row ${at + 1} of the routes`));
  const ids = new Set<string>();
  for (const [at, { id }] of rows.entries()) {
    if (id === "") continue;
    if (ids.has(id)) throw wrong(`Row ${at + 1} of the routes: another row has the id "${id}" too`);
    ids.add(id);
  }
  for (const row of rows) if (row.id === "") row.id = freeId(ids);
  return rows;
}

/** A row whose id may be given later. */
type NewRow = { -readonly [member in keyof TableRow]: TableRow[member] };

/** One row beside others; its id is empty if it has none of its own. */
export function readRow(value: unknown, label: string): NewRow {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(`${label} is no object`);
  }
  const row = value as Partial<Record<keyof RouteRow, unknown>>;
  checkNames(row, label);
  const isOrdered = CONDITIONS.some((name) => row[name] !== undefined);
  return isOrdered ? readOrdered(row, label) : readPattern(row, label);
}

/** A row of an ordered table: without conditions it takes every request. */
export function readOrdered(row: Partial<Record<keyof RouteRow, unknown>>, label: string): NewRow {
  let ordered: OrderedFacts;
  try {
    ordered = readConditions(row);
  } catch (error) {
    throw wrong(`${label}: ${(error as Error).message}`);
  }
  const pattern = patternOf(ordered);
  // What `routes()` gives has it too.
  if (row.pattern !== undefined && row.pattern !== pattern) {
    throw wrong(`${label} has a pattern, which stands in no row with conditions: give a path`);
  }
  return { ...readCommon(row, pattern, label), ordered };
}

function readPattern(row: Partial<Record<keyof RouteRow, unknown>>, label: string): NewRow {
  const { pattern } = row;
  if (typeof pattern !== "string") throw wrong(`${label} has no pattern that is a string`);
  return readCommon(row, pattern, label);
}

/** A name that rows do not have is told with the one that may have been meant. */
export function checkNames(row: object, label: string, more: readonly string[] = []): void {
  const known = [...MEMBERS, ...more];
  const unknown = Object.keys(row).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw wrong(FUNCTIONS.has(unknown)
    ? `${label} has "${unknown}", which only rows of an app's table can have: it is a function`
    : `${label} has "${unknown}", which rows do not have${suggest(unknown, known)}`);
}

function readCommon(
  row: Partial<Record<keyof RouteRow, unknown>>,
  pattern: string,
  label: string,
): NewRow {
  const { handler, id = "", disabled = false } = row;
  const where = `${label}, "${pattern}"`;
  if (typeof id !== "string" || (row.id !== undefined && id === "") || id.startsWith("/")) {
    throw wrong(`${where}: id must be a string that is not empty and begins with no slash`);
  }
  if (typeof handler !== "string" || handler === "") {
    throw wrong(`${where}: handler must be the name of one`);
  }
  if (typeof disabled !== "boolean") throw wrong(`${where}: disabled must be true or false`);
  return { id, pattern, methods: methodsOf(row, where), handler, disabled };
}

/** An id that no row has. */
export function freeId(ids: Set<string>): string {
  for (let number = 1;; number++) {
    const id = `route-${number}`;
    if (ids.has(id)) continue;
    ids.add(id);
    return id;
  }
}

function methodsOf(
  { method, methods }: { readonly method?: unknown; readonly methods?: unknown },
  where: string,
): string[] {
  if (method !== undefined && methods !== undefined) {
    throw wrong(`${where}: give either method or methods`);
  }
  const given = method === undefined ? methods : method;
  const list: unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  for (const each of list) {
    if (typeof each !== "string" || !METHOD.test(each)) {
      throw wrong(`${where}: a method is written in capitals, not ${JSON.stringify(each)}`);
    }
    const why = unknownMethod(each);
    if (why !== null) throw wrong(`${where}: ${why}`);
  }
  return [...new Set(list as string[])];
}

function wrong(why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_ROUTE_INVALID", `${why}.`);
}
