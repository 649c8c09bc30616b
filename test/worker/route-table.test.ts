/** A table of routes: what its rows make of handlers, and that a change is whole or none. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import type { TableRow } from "../../src/shared/routes.ts";
import { HandlerRegistry } from "../../src/worker/handler-registry.ts";
import { planSteps } from "../../src/worker/plan.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { RouteTable } from "../../src/worker/route-table.ts";

const one = (): string => "1";
const two = (): string => "2";
const constant = new LightResponse("c") as unknown as Response;
const APP: App = {
  routes: { "/a": one, "/m": { GET: one, PUT: two } },
  handlers: { one, two, constant },
  fetch: two,
};

function table(rows?: readonly TableRow[], app: App = APP): RouteTable {
  return new RouteTable(0, app, new HandlerRegistry(app), rows, true);
}

function row(pattern: string, handler: string, rest: Partial<TableRow> = {}): TableRow {
  return { id: `${pattern} ${handler}`, pattern, handler, methods: [], disabled: false, ...rest };
}

/** Kind, row and what it allows, for each step of the path. */
function steps(from: RouteTable, path: string, method = "GET"): string[] {
  return planSteps(from.router, from.fetch, path, method).steps.map((step) => {
    const allow = "allow" in step ? ` ${step.allow}` : "";
    return `${step.kind} ${step.id}${allow}`.trimEnd();
  });
}

t.test("without rows it is the app's", async (t) => {
  const own = table();
  t.strictSame(steps(own, "/a"), ["handler route-1", "handler", "not-found"]);
  t.strictSame(own.patterns, ["/a", "/m"]);
  t.match(own.facts, { table: 0, hasFetch: true, rows: [{ id: "route-1" }, { id: "route-2" }] });
  t.equal(new RouteTable(3, APP, own.registry, [], false).facts.hasFetch, false);
});

t.test("methods of a row narrow what its handler takes", async (t) => {
  const own = table([
    row("/f", "one", { methods: ["PUT", "GET"] }),
    row("/m", "/m", { methods: ["PUT"] }),
    row("/c", "constant", { methods: ["GET", "HEAD"] }),
    row("/g", "constant", { methods: ["GET"] }),
  ]);
  t.strictSame(steps(own, "/f", "DELETE"), ["not-allowed  PUT, GET, HEAD, OPTIONS"]);
  t.strictSame(steps(own, "/f", "HEAD")[0], "handler /f one");
  t.strictSame(steps(own, "/m", "GET"), ["not-allowed  PUT, OPTIONS"]);
  t.strictSame(steps(own, "/c", "PUT"), ["not-allowed  GET, HEAD"], "as it was without methods");
  t.strictSame(steps(own, "/g", "HEAD"), ["constant /g constant"]);
});

t.test("rows that match alike are asked in the order of the table", async (t) => {
  const own = table([
    row("/x/:a", "one", { methods: ["GET"] }),
    row("/x/:b", "two", { methods: ["GET"] }),
    row("/x/:c", "two", { methods: ["PUT"] }),
    row("/x/*", "one"),
  ]);
  t.strictSame(steps(own, "/x/1"), [
    "handler /x/:a one", "handler /x/:b two", "handler /x/* one", "handler", "not-found",
  ]);
  t.strictSame(steps(own, "/x/1", "PUT").slice(0, 2), ["handler /x/:c two", "handler /x/* one"]);
  t.strictSame(steps(own, "/x/1", "POST"), ["not-allowed  GET, HEAD, OPTIONS, PUT"]);
  t.strictSame(steps(own, "/x/1", "OPTIONS"), ["options  GET, HEAD, OPTIONS, PUT"]);
});

t.test("a mistake names the row where the app has it, or the table that was given", async (t) => {
  const ok = { path: "/ok", handler: one };
  const load = (...parts: unknown[]): unknown => {
    const [rows, routes] = parts as [App["table"], App["routes"]];
    return table(undefined, { table: rows!, routes: routes!, handlers: { one } });
  };
  for (const [rows, routes, message] of [
    [[ok, { path: "/a?b", handler: one }], {}, /^Row 2 of the app's table: .*no query/],
    [[ok, { ...ok, methods: ["POST"], handler: { GET: one } }], {},
      /^Row 2 of the app's table: .*has no POST/],
    [[ok, { path: "/a", handler: "none" }], {}, /"\/a" \(row 2 of the app's table\): no handler/],
    [[ok, ok], { "/x": one, y: one }, /^Row 2 of the routes: The route "y"/],
    [[ok, ok], { "/x": one, "/y": "none" }, /"\/y" \(row 2 of the routes\): no handler/],
  ] as const) {
    t.throws(() => load(rows, routes), { message }, String(message));
  }
  const given = [row("/a", "one"), row("/b", "one"), row("y", "one")];
  t.throws(() => table(given), { message: /^Row 3 of the routes: The route "y"/ });
  t.throws(() => table().prepare(1, given), { message: /^Row 3 of the routes: The route "y"/ });
});

t.test("a disabled row answers nothing, but must be right", async (t) => {
  const own = table([row("/a", "one", { disabled: true }), row("/a", "two")]);
  t.strictSame(steps(own, "/a")[0], "handler /a two");
  t.strictSame(own.patterns, ["/a", "/a"]);
  t.throws(() => table([row("/a", "none", { disabled: true })]), { message: /row 1.*"none"/ });
});

t.test("a change is whole or none", async (t) => {
  const own = table();
  const before = own.router;
  for (const [wrong, code, message] of [
    [row("/b", "none"), "ERR_MILLRACE_HANDLER_UNKNOWN",
      /"\/b" \(row 2 of the routes\): no handler.*"none"/],
    [row("b", "one"), "ERR_MILLRACE_ROUTE_INVALID", /^Row 2 .*"b": a pattern begins/],
    [row("/m", "/m", { methods: ["POST"] }), "ERR_MILLRACE_ROUTE_INVALID", /^Row 2.*has no POST/],
    [row("/f", "one", { methods: ["get"] }), "ERR_MILLRACE_ROUTE_INVALID", /^Row 2.*capitals/],
    [row("/f/*/g", "one"), "ERR_MILLRACE_ROUTE_INVALID", /^Row 2.*wildcard/],
  ] as const) {
    t.throws(() => own.prepare(1, [row("/z", "one"), wrong]), { code, message });
    t.equal(own.router, before);
    t.equal(own.commit(1), false, "nothing was prepared");
  }
  own.prepare(2, [row("/z", "one")]);
  t.equal(own.router, before);
  t.equal(own.commit(1), false, "another change");
  t.equal(own.commit(2), false, "and the prepared one is gone with it");
  own.prepare(3, [row("/z", "one")]);
  t.equal(own.commit(3), true);
  t.strictSame(steps(own, "/a"), ["handler", "not-found"]);
  t.strictSame(steps(own, "/z")[0], "handler /z one");
  t.equal(own.commit(3), false);
});
