/** Precedence and values of routes. */
import t from "tap";
import { LightResponse } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";
import { entriesOf } from "../support/routes.ts";

const handler = (): undefined => undefined;
const answer = (text: string): Response => new LightResponse(text);

function router(...patterns: string[]): Router {
  return new Router(entriesOf(Object.fromEntries(patterns.map((pattern) => [pattern, handler]))));
}

/** What matches, as "pattern name=value". */
function matches(router: Router, path: string): string[] {
  return router.match(path).map(({ route, values }) => {
    const params = route.paramNames.map((name, at) => ` ${name}=${values[at]}`);
    return route.pattern + params.join("");
  });
}

t.test("patterns that differ in names alone have the same shape", async (t) => {
  const patterns = ["/a/:b/*", "/a/:c/*", "/a/:b", "/a/b/*", "/:a/b/*", "/%61/:b/*", "/a", "/a/"];
  const shapes = router(...patterns).routes.map(({ shape }) => shape);
  t.equal(shapes[1], shapes[0]);
  t.equal(shapes[5], shapes[0]);
  t.equal(new Set(shapes).size, patterns.length - 2);
});

t.test("exact before parameter before wildcard, segment by segment", async (t) => {
  const routes = router("/*", "/:a", "/x", "/x/*", "/:a/y", "/x/:b", "/x/y", "/:a/:b");
  t.strictSame(matches(routes, "/x"), ["/x", "/:a a=x", "/* *=x"]);
  t.strictSame(matches(routes, "/x/y"), [
    "/x/y", "/x/:b b=y", "/x/* *=y", "/:a/y a=x", "/:a/:b a=x b=y", "/* *=x/y",
  ]);
  t.strictSame(matches(routes, "/z/y"), ["/:a/y a=z", "/:a/:b a=z b=y", "/* *=z/y"]);
  t.strictSame(matches(routes, "/z/y/x"), ["/* *=z/y/x"]);
  t.strictSame(matches(router("/a"), "/b"), []);
});

t.test("case and trailing slash count", async (t) => {
  const routes = router("/a", "/b/", "/");
  t.strictSame(matches(routes, "/a"), ["/a"]);
  t.strictSame(matches(routes, "/A"), []);
  t.strictSame(matches(routes, "/a/"), []);
  t.strictSame(matches(routes, "/b"), []);
  t.strictSame(matches(routes, "/b/"), ["/b/"]);
  t.strictSame(matches(routes, "/"), ["/"]);
  t.strictSame(matches(routes, "//"), []);
});

t.test("a parameter is never empty, a wildcard may be", async (t) => {
  t.strictSame(matches(router("/u/:id"), "/u/"), []);
  t.strictSame(matches(router("/u/*"), "/u/"), ["/u/* *="]);
  t.strictSame(matches(router("/u/*"), "/u"), []);
  t.strictSame(matches(router("/*"), "/"), ["/* *="]);
});

t.test("segments are decoded once, an encoded slash stays", async (t) => {
  const routes = router("/u/:id", "/caf\u00e9", "/f/*");
  t.strictSame(matches(routes, "/u/a%20b"), ["/u/:id id=a b"]);
  t.strictSame(matches(routes, "/u/a%2Fb"), ["/u/:id id=a%2Fb"]);
  t.strictSame(matches(routes, "/u/%252F"), ["/u/:id id=%2F"]);
  t.strictSame(matches(routes, "/u/%zz"), ["/u/:id id=%zz"]);
  t.strictSame(matches(routes, "/caf%C3%A9"), ["/caf\u00e9"]);
  t.strictSame(matches(routes, "/f/a%2Fb/c%20d"), ["/f/* *=a%2Fb/c d"]);
});

t.test("names of the prototype are no routes", async (t) => {
  t.strictSame(matches(router("/a"), "/__proto__"), []);
  t.strictSame(matches(router("/a"), "/constructor"), []);
});

t.test("patterns that differ in names only are asked in their order", async (t) => {
  t.strictSame(matches(router("/:a", "/:b"), "/x"), ["/:a a=x", "/:b b=x"]);
});

t.test("values of every kind", async (t) => {
  const object = { handle: handler };
  const constant = answer("ok");
  const methods = { GET: handler, POST: constant, DELETE: object };
  const { routes } = new Router(entriesOf({
    "/a": handler,
    "/b": object,
    "/c": constant,
    "/d": methods,
    "/e": { POST: handler, HEAD: handler },
  }));
  t.strictSame(routes.map(({ id }) => id), [1, 2, 3, 4, 5].map((at) => `route-${at}`));
  const [a, b, c, d, e] = routes;
  t.equal(a!.any, handler);
  t.equal(a!.allow, "");
  t.equal(b!.any, object);
  t.equal(c!.constant, constant);
  t.equal(c!.allow, "GET, HEAD");
  t.equal(d!.any, null);
  t.equal(d!.methods!.get("POST"), constant);
  t.equal(d!.allow, "GET, HEAD, POST, DELETE, OPTIONS");
  t.equal(e!.allow, "POST, HEAD, OPTIONS");
  t.strictSame(new Router(entriesOf(undefined)).routes, []);
});

t.test("values that are none", async (t) => {
  const objects = [[], {}, { get: handler }, { GET: 1 }, { "A B": handler }];
  for (const value of [null, undefined, 7, "text", ...objects]) {
    const expected = { code: "ERR_MILLRACE_ROUTE_INVALID", message: /"\/x"/ };
    const entries = entriesOf({ "/x": value as never });
    t.throws(() => new Router(entries), expected, JSON.stringify(value));
  }
  t.throws(() => new Router(entriesOf({ x: handler })), { code: "ERR_MILLRACE_ROUTE_INVALID" });
});

t.test("a constant must be sendable any number of times", async (t) => {
  const used = new LightResponse("a");
  await used.text();
  for (const response of [new LightResponse(new ReadableStream()), used]) {
    const expected = { code: "ERR_MILLRACE_ROUTE_STREAM", message: /"\/x"/ };
    t.throws(() => new Router(entriesOf({ "/x": response as never })), expected);
    t.throws(() => new Router(entriesOf({ "/x": { GET: response as never } })), expected);
  }
  const bytes = new LightResponse(new Uint8Array(1));
  t.ok(new Router(entriesOf({ "/x": bytes as never, "/y": new LightResponse() as never })));
});

t.test("a look-up among many routes", async (t) => {
  const many = router(...Array.from({ length: 5000 }, (_, at) => `/r${at}/:id`));
  t.strictSame(matches(many, "/r4999/7"), ["/r4999/:id id=7"]);
});
