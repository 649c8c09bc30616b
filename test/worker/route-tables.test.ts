/** Which table serves a listener, and what becomes of changes and of rows that have gone. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { MillraceError } from "../../src/shared/errors.ts";
import type { TableRow } from "../../src/shared/routes.ts";
import type { Exchange } from "../../src/worker/exchange.ts";
import { labelled, RouteTables, withLabel } from "../../src/worker/route-tables.ts";

const APP: App = { routes: { "/a": () => "a" }, handlers: { h: () => "h" }, fetch: () => "f" };
const LABEL = { label: "The listener" };
const NONE = { ...LABEL, app: undefined, rows: undefined };

function row(id: string, pattern = "/a", handler = "h"): TableRow {
  return { id, pattern, handler, methods: [], disabled: false };
}

t.test("a listener has its own table, or the server's", async (t) => {
  const other: App = { fetch: () => "other" };
  const tables = new RouteTables(APP, [
    NONE,
    { ...LABEL, app: other, rows: undefined },
    { ...LABEL, app: undefined, rows: [row("x", "/x")] },
    { ...LABEL, app: APP, rows: [row("y", "/y")] },
  ]);
  t.equal(tables.ofListener(0), tables.server);
  t.match(tables.facts.map(({ table, rows, hasFetch }) => [table, rows.length, hasFetch]), [
    [0, 1, true], [2, 0, true], [3, 1, false], [4, 1, true],
  ]);
  t.equal(tables.ofListener(1).app, other);
  t.equal(tables.ofListener(2).app, APP);
  t.equal(tables.ofListener(3).registry, tables.server.registry, "an app has one registry");
  t.strictSame(tables.apps, [APP, other]);
  t.strictSame([tables.labelOf(APP), tables.labelOf(other)], [null, "The listener"]);
  t.equal(tables.ofListener(77), tables.server);
  t.strictSame(tables.patterns, ["/a", "/x", "/y"]);
  tables.setListener(1, undefined);
  t.equal(tables.ofListener(1), tables.server, "whoever has the index next");
});

t.test("tables that were edited take the place of what the app says", async (t) => {
  const listeners = [{ ...LABEL, app: APP, rows: undefined }];
  const tables = new RouteTables(APP, listeners, { 0: [], 1: [row("q", "/q")] });
  t.strictSame(tables.patterns, ["/q"]);
  const code = "ERR_MILLRACE_HANDLER_UNKNOWN";
  t.throws(() => new RouteTables(APP, [], { 0: [row("q", "/q", "gone")] }), { code });
  const own = { ...LABEL, app: undefined, rows: [row("q", "/q", "gone")] };
  t.throws(() => new RouteTables(APP, [own]), { code, message: /^The listener: .*"gone"/ });
  const message = /^The listener: two/;
  t.match(withLabel("The listener", new MillraceError(code, "two")), { code, message });
  const other = new Error("other");
  t.equal(withLabel("The listener", other), other);
  t.equal(labelled("The listener", () => 5), 5);
});

t.test("a commit tells the engine, a table that does not exist nobody", async (t) => {
  const tables = new RouteTables(APP, []);
  let changes = 0;
  tables.attach({ routesChanged: () => changes++, running: () => [] });
  const message = { type: "routes", id: 1, table: 0, version: 4 } as const;
  tables.change({ ...message, step: { kind: "prepare", rows: [row("x", "/x")] } });
  t.equal(changes, 0);
  tables.change({ ...message, step: { kind: "commit" } });
  tables.change({ ...message, step: { kind: "commit" } });
  t.equal(changes, 1);
  t.strictSame(tables.patterns, ["/x"]);
  tables.change({ ...message, table: 9, step: { kind: "prepare", rows: [] } });
  tables.change({ ...message, table: 9, step: { kind: "commit" } });
  t.equal(changes, 1);
});

t.test("rows run while a request is in one of them, or waits behind it for next()", async (t) => {
  const tables = new RouteTables(APP, [{ ...LABEL, app: APP, rows: undefined }]);
  const exchange = (id: string, at: number, listener = 5): Exchange => (
    {
      plan: { steps: [{ id }, { id: "later" }] },
      at,
      target: { table: tables.ofListener(listener) },
    } as unknown as Exchange
  );
  let running: Exchange[] = [exchange("x", 0), exchange("y", 1)];
  tables.attach({ routesChanged: () => {}, running: () => running });
  const wait = (rows: string[]): Promise<void> => tables.ended(0, rows);
  await wait(["z"]);
  running = [exchange("x", 0, 0), exchange("later", 0, 0)];
  await wait(["x"]); // of another table
  running = [exchange("y", 0)];
  await wait(["later"]); // not reached yet
  running = [exchange("x", 1)];
  let isOver = false;
  const waiting = wait(["x"]).then(() => (isOver = true));
  const behind = wait(["later"]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(isOver, false);
  running = [];
  await Promise.all([waiting, behind]);
  t.equal(isOver, true);
});
