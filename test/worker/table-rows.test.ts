/** Rows of an app's table taken apart, and that a mistake names its row. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { HandlerRegistry } from "../../src/worker/handler-registry.ts";
import { RouteTable } from "../../src/worker/route-table.ts";
import { readTable } from "../../src/worker/table-rows.ts";

const handler = (): string => "x";

t.test("data goes into the row, functions stay under its id", async (t) => {
  const match = (): boolean => true;
  const read = readTable([
    { path: "/a", handler: "named" },
    { handler },
    { id: "own", prefix: "/p", handler: "named", match },
    { id: "table-4", handler },
    { handler, disabled: true, method: "GET" },
  ]);
  t.match(read.map(({ row }) => row), [
    { id: "table-1", pattern: "/a", handler: "named" },
    { id: "table-2", pattern: "/*", handler: "table-2" },
    { id: "own", pattern: "/p/*", handler: "own" },
    { id: "table-4" },
    { id: "table-5", methods: ["GET"], disabled: true },
  ]);
  t.strictSame(structuredClone(read.map(({ row }) => row)), read.map(({ row }) => row));
  t.match(read[2]!.own, { handler: "named", gate: { match, auth: undefined } });
  t.equal(read[0]!.own, null);
  t.strictSame(readTable(undefined), []);
  const [first] = readTable([{ handler }, { id: "table-1", handler }]);
  t.equal(first!.row.id, "table-1x", "a name that is given stays whose it is");
});

t.test("a mistake in a table is an error at load that names the row", async (t) => {
  const ok = { path: "/a", handler };
  const handlers = { named: handler };
  const factory = { perConnection: () => ({ handle: handler }) };
  const both = { handle: handler, ...factory };
  const app = (...table: unknown[]): App => ({ table: table as never, handlers });
  for (const [table, message, code = "ROUTE_INVALID"] of [
    [[ok, 5], /Row 2 of the app's table is no object/],
    [[ok, { pth: "/a", handler }], /Row 2 .*"pth", .*did you mean path\?/],
    [[{ path: "/a", handlr: handler, handler }], /Row 1 .*did you mean handler\?/],
    [[ok, { ...ok, header: {} }], /Row 2 .*did you mean headers\?/],
    [[{ path: "/a" }], /Row 1 .*has no handler/],
    [[ok, { ...ok, regex: /a/ }], /Row 2 .*either path or regex/],
    [[ok, { regex: "(", handler }], /Row 2 .*regex: Invalid/],
    [[{ pattern: "/a", handler }], /Row 1 .*give a path/],
    [[{ ...ok, method: "get" }], /Row 1 .*capitals/],
    [[{ ...ok, id: "/a" }], /Row 1 .*id must be/],
    [[{ ...ok, id: "a" }, { ...ok, id: "a" }], /Row 2 of the app's table: another/],
    [[{ ...ok, auth: "x" }], /Row 1 .*auth is no handler/],
    [[{ ...ok, match: true }], /Row 1 .*match is no function/],
    [[ok, { ...ok, match: async () => true }], /Row 2 .*, "\/a": match is async/],
    [[{ ...ok, handler: { handle: handler, match: async () => false } }], /Row 1 .*match is async/],
    [[{ ...ok, handler: { handle: handler, match: 1 } }], /Row 1 .*match is no function/],
    [[{ ...ok, auth: { handle: handler, match: async () => false } }], /Row 1 .*of auth match is/],
    [[{ ...ok, auth: { handle: handler, buffered: 1 } }], /Row 1 .*of auth buffered must be/],
    [[ok, { ...ok, methods: ["GET", "PSOT"] }], /Row 2 .*method PSOT, did you mean POST/],
    [[ok, { ...ok, method: "FOO" }], /Row 2 .*no request has the method FOO/],
    [[ok, { ...ok, handler: { GET: handler, FOO: handler } }], /Row 2 .*the method FOO/],
    [[ok, { ...ok, handler: both }], /Row 2 .*perConnection beside handle/],
    [[ok, { ...ok, handler: { GET: both } }], /Row 2 .*perConnection beside handle/],
    [[ok, { ...ok, handler: { ...factory, match: () => true } }], /Row 2 .*perConnection beside/],
    [[ok, { ...ok, handler: { GET: { perConnection: 1 } } }], /Row 2 .*it is a function/],
    [[ok, { ...ok, auth: both }], /Row 2 .*perConnection beside handle/],
    [[ok, { ...ok, id: 5 }], /Row 2 .*id must be/],
    [[ok, { ...ok, handler: { handle: 5 } }], /Row 2 .*the handle of its handler is no function/],
    [[ok, { ...ok, handler: { handle: "named" } }], /Row 2 .*the handle of its handler is no/],
    [[ok, { ...ok, handler: [handler] }], /Row 2 .*its value is no handler/],
    [[ok, { ...ok, handler: { handle: handler, close: 5 } }], /Row 2 .*close is no function/],
    [[ok, { ...ok, handler: { ...factory, close: 5 } }], /Row 2 .*close is no function/],
    [[ok, { ...ok, handler: { GET: { ...factory, close: 5 } } }], /Row 2 .*close is no function/],
    [[ok, { ...ok, auth: { handle: handler, close: 5 } }], /Row 2 .*of auth close is no function/],
    [[ok, { ...ok, handler: 5 }], /Row 2 .*its value is no handler/],
    [[ok, { ...ok, handler: { get: handler } }], /Row 2 .*"get" is no method/],
    [[ok, { path: "/a/*/b", handler }], /Row 2 .*wildcard/],
    [[ok, { ...ok, handler: { handle: handler, buffered: 1 } }], /Row 2 .*buffered must be/],
    [[ok, { ...ok, handler: "nobody" }], /row 2.*"nobody"; there are/, "HANDLER_UNKNOWN"],
    [[ok, { ...ok, handler: "redirect:999:/x" }], /Row 2 /],
    [[ok, { ...ok, handler: "rewrite:x" }], /Row 2 .*names no path/],
    [[ok, { ...ok, handler: "rewrite:/x/*" }], /Row 2 .*the pattern has none/],
    [[{ ...ok, id: "named" }], /Row 1 .*the name of a handler too/, "HANDLER_DUPLICATE"],
  ] as [unknown[], RegExp, string?][]) {
    const load = (): unknown => {
      const own = app(...table);
      return new RouteTable(0, own, new HandlerRegistry(own), undefined, true);
    };
    t.throws(load, { code: `ERR_MILLRACE_${code}`, message }, String(message));
  }
  for (const fine of [
    { handle: handler, count: 0, matched: true, closed: false, buffer: [], bodies: "x" },
    Object.assign(new (class { handle = handler; })(), { bufferd: true }),
  ]) {
    t.doesNotThrow(() => new HandlerRegistry(app({ ...ok, handler: fine })), "members of its own");
  }
  t.throws(() => readTable({} as never), { message: /no array/ });
});
