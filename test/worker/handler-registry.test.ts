/** Handlers by name: where names come from, what they may stand for, and what is refused. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { handlerEntries, HandlerRegistry, isPerMethod } from "../../src/worker/handler-registry.ts";
import { LightResponse } from "../../src/worker/response.ts";

const handle = (): string => "x";
const constant = new LightResponse("c") as unknown as Response;

t.test("names of `handlers`, and the patterns of `routes`", async (t) => {
  const object = { handle, bodyBytesMax: 7, close: () => {} };
  const registry = new HandlerRegistry({
    handlers: { one: handle, two: { handle }, three: constant, four: { GET: handle } },
    routes: { "/a": "one", "/b": object, "/c": { PUT: "two", GET: "three" } },
  });
  t.equal(registry.resolve("one", "/x", "1 of the routes"), handle);
  t.equal(registry.resolve("/b", "/x", "1 of the routes"), object);
  t.strictSame(registry.rows.map(({ id, pattern, handler }) => [id, pattern, handler]), [
    ["route-1", "/a", "one"], ["route-2", "/b", "/b"], ["route-3", "/c", "/c"],
  ]);
  t.strictSame(registry.facts, {
    one: { kind: "function", methods: [], functionName: "handle" },
    two: { kind: "object", methods: [], functionName: "handle" },
    three: { kind: "constant", methods: ["GET", "HEAD"], functionName: "" },
    four: { kind: "methods", methods: ["GET"], functionName: "" },
    "/b": { kind: "object", methods: [], functionName: "handle" },
    "/c": { kind: "methods", methods: ["PUT", "GET"], functionName: "" },
  });
  t.strictSame(registry.bodyRules, [{ bodyBytesMax: 7 }]);
  // What two names and two routes share is one entry, so that it is closed once.
  t.equal([...registry.entries].filter((entry) => entry === handle).length, 1);
  t.equal([...registry.entries].filter((entry) => entry === object).length, 1);
  t.notOk(registry.facts["/a"], "a row that names its handler is no name itself");
});

t.test("a factory is one handler wherever it stands", async (t) => {
  const factory = { perConnection: () => ({ handle }), close: () => {}, bodyBytesMax: 7 };
  const registry = new HandlerRegistry({
    handlers: { one: factory, methods: { GET: factory } },
    table: [{ path: "/t", handler: factory }],
    routes: { "/a": factory, "/b": { GET: factory, POST: factory, PUT: "one" } },
  });
  const resolve = (name: string): unknown => registry.resolve(name, "/x", "1 of the routes");
  const made = resolve("one");
  t.strictSame([...registry.entries], [made], "so it is closed once");
  t.equal(registry.bodyRules.length, 1);
  for (const name of ["table-1", "/a"]) t.equal(resolve(name), made);
  t.strictSame(resolve("/b"), { GET: made, POST: made, PUT: made });
});

t.test("an unknown name says which row has it and what there is", async (t) => {
  const code = "ERR_MILLRACE_HANDLER_UNKNOWN";
  const refuse = (app: App, message: RegExp): void => {
    t.throws(() => new HandlerRegistry(app), { code, message });
  };
  const handlers = { one: handle };
  const wanted = /"\/b" \(row 2 of the routes\).*"ona".*"one", "\/a"/;
  refuse({ handlers, routes: { "/a": handle, "/b": "ona" } }, wanted);
  refuse({ routes: { "/b": { GET: "ona" } } }, /"\/b" \(row 1 of the routes\).*there is none/);
  refuse({ routes: { "/b": "toString" } }, /"toString"/);
});

t.test("names that are none, given twice, and values that are none", async (t) => {
  const invalid = "ERR_MILLRACE_ROUTE_INVALID";
  for (const [handlers, code] of [
    [{ "": handle }, invalid],
    [{ "/a": handle }, invalid],
    [{ a: 5 }, invalid],
    [{ a: "b", b: handle }, invalid],
    [{ a: { get: handle } }, invalid],
    [{ a: { handle, bodyBytesMax: -1 } }, invalid],
    [[[5, handle]], invalid],
    [[["a", handle], ["a", handle]], "ERR_MILLRACE_HANDLER_DUPLICATE"],
    [{ a: new LightResponse(new ReadableStream()) }, "ERR_MILLRACE_ROUTE_STREAM"],
    [5, "ERR_MILLRACE_APP_SHAPE"],
    [null, "ERR_MILLRACE_APP_SHAPE"],
  ] as const) {
    const app = { handlers } as unknown as App;
    t.throws(() => new HandlerRegistry(app), { code }, JSON.stringify(handlers));
  }
  for (const entry of [5, null, "ab", {}, [], ["a", handle, 1], ["a"], () => {}]) {
    const handlers = [["b", handle], entry] as unknown as App["handlers"];
    t.throws(() => handlerEntries(handlers), {
      code: invalid, message: /^Entry 2 of the app's handlers is no pair of a name and a handler/,
    }, JSON.stringify(entry));
  }
  const methods = { methods: { GET: handle } };
  t.throws(() => new HandlerRegistry({ handlers: methods, routes: { "/": { PUT: "methods" } } }), {
    code: invalid, message: /its PUT names "methods", which is an object of methods/,
  });
  t.strictSame(handlerEntries([["a", handle], ["b", handle]]).map(([name]) => name), ["a", "b"]);
  t.strictSame(handlerEntries(undefined), []);
});

t.test("what is an object of methods", async (t) => {
  t.equal(isPerMethod({ GET: handle }), true);
  for (const value of [handle, { handle }, constant, "x", null, [], undefined]) {
    t.equal(isPerMethod(value), false);
  }
});
