/** Rows of a table of routes: what is completed, and what is refused with the name of its row. */
import t from "tap";
import { freeId, readRow, readRows } from "../../src/shared/route-rows.ts";

const ROW = { pattern: "/a", handler: "h" };

t.test("rows are completed", async (t) => {
  t.strictSame(readRows([ROW, { ...ROW, id: "route-2", method: "GET", disabled: true }, ROW]), [
    { id: "route-1", pattern: "/a", methods: [], handler: "h", disabled: false },
    { id: "route-2", pattern: "/a", methods: ["GET"], handler: "h", disabled: true },
    { id: "route-3", pattern: "/a", methods: [], handler: "h", disabled: false },
  ]);
  const several = [{ ...ROW, methods: ["GET", "M-SEARCH", "GET"] }];
  t.strictSame(readRows(several)[0]?.methods, ["GET", "M-SEARCH"]);
  t.strictSame(readRows([{ ...ROW, method: ["PUT"] }])[0]?.methods, ["PUT"]);
  const read = { ...ROW, id: "x", methods: [], kind: "function", functionName: "f", position: 7 };
  t.match(readRow(read, "it"), { id: "x", pattern: "/a" });
  t.strictSame(readRows([]), []);
  t.equal(freeId(new Set(["route-1", "route-3"])), "route-2");
});

t.test("what is no row is named", async (t) => {
  for (const [rows, message] of [
    [{}, /is an array/],
    [undefined, /is an array/],
    [[ROW, 5], /Row 2 of the routes is no object/],
    [[ROW, null], /Row 2 of the routes is no object/],
    [Object.assign([], { 1: ROW }), /Row 1 of the routes is no object/],
    [[[ROW]], /Row 1 of the routes is no object/],
    [[{ ...ROW, handel: "x" }], /Row 1 of the routes has "handel"/],
    [[{ handler: "h" }], /Row 1 of the routes has no pattern/],
    [[{ pattern: "/a" }], /Row 1 of the routes, "\/a": handler/],
    [[{ pattern: "/a", handler: () => "x" }], /handler must be the name/],
    [[{ ...ROW, handler: "" }], /handler must be the name/],
    [[{ ...ROW, id: "" }], /id must be/],
    [[{ ...ROW, id: "/a" }], /id must be/],
    [[{ ...ROW, id: 5 }], /id must be/],
    [[{ pattern: "/a", handler: 5, id: 5 }], /Row 1 of the routes, "\/a": id must be/],
    [[{ ...ROW, id: "x" }, { ...ROW, id: "x" }], /Row 2 of the routes: another row has the id "x"/],
    [[{ ...ROW, disabled: 1 }], /disabled must be/],
    [[{ ...ROW, method: "get" }], /in capitals, not "get"/],
    [[{ ...ROW, methods: ["GET", 5] }], /in capitals, not 5/],
    [[{ ...ROW, method: null }], /Row 1 .*in capitals, not null/],
    [[{ ...ROW, methods: null }], /Row 1 .*in capitals, not null/],
    [[{ prefix: null, handler: "h" }], /Row 1 of the routes: prefix must be a string/],
    [[ROW, { path: null, handler: "h" }], /Row 2 of the routes: path must be a string/],
    [[ROW, { ...ROW, methods: ["GET", "FOO"] }], /Row 2 .*, "\/a": no request has the method FOO/],
    [[{ ...ROW, method: "GET", methods: [] }], /either method or methods/],
  ] as const) {
    t.throws(() => readRows(rows), { code: "ERR_MILLRACE_ROUTE_INVALID", message });
  }
});
