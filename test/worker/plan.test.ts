/** The steps for a path and a method: routes by precedence, then fetch, then 404. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { isBare, planSteps } from "../../src/worker/plan.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";

const answer = (): Response => new LightResponse("x");
const kinds = (app: App, path: string, method = "GET"): string[] =>
  planSteps(new Router(app.routes), app.fetch, path, method).map(({ kind, route }) =>
    route === "" ? kind : `${kind} ${route}`
  );

t.test("the most specific route first, then fetch, then 404", async (t) => {
  const routes = { "/*": answer, "/a/:b": answer, "/a/b": answer };
  t.same(kinds({ routes, fetch: answer }, "/a/b"), [
    "handler /a/b", "handler /a/:b", "handler /*", "handler", "not-found",
  ]);
  t.same(kinds({ routes }, "/a/c"), ["handler /a/:b", "handler /*", "not-found"]);
  t.same(kinds({ fetch: answer }, "/"), ["handler", "not-found"]);
});

t.test("an object of methods answers for its path, whatever the method", async (t) => {
  const routes = { "/a": { GET: answer, POST: answer }, "/*": answer };
  t.same(kinds({ routes }, "/a", "HEAD"), ["handler /a", "handler /*", "not-found"]);
  t.same(kinds({ routes }, "/a", "OPTIONS"), ["options /a"]);
  t.same(kinds({ routes }, "/a", "DELETE"), ["not-allowed /a"]);
  const [step] = planSteps(new Router(routes), undefined, "/a", "DELETE");
  t.match(step, { allow: "GET, HEAD, POST, OPTIONS" });
});

t.test("a constant ends the steps, and answers GET and HEAD alone", async (t) => {
  const routes = { "/c": new LightResponse("constant"), "/*": answer };
  t.same(kinds({ routes }, "/c"), ["constant /c"]);
  t.same(kinds({ routes }, "/c", "HEAD"), ["constant /c"]);
  t.same(kinds({ routes }, "/c", "POST"), ["not-allowed /c"]);
});

t.test("OPTIONS * is the server's", async (t) => {
  t.same(kinds({ fetch: answer }, "*", "OPTIONS"), ["options", "not-found"]);
});

t.test("bare: an arrow function whose source begins with an empty parameter list", async (t) => {
  t.ok(isBare(() => 1));
  t.ok(isBare(async () => 1));
  const others: unknown[] = [
    (...all: unknown[]) => all,
    (request = 1) => request,
    ({ url } = { url: "" }) => url,
    // oxlint-disable-next-line prefer-arrow-callback -- `arguments` is the point
    function () {
      return arguments;
    },
    { method() {} }.method,
    // oxlint-disable-next-line no-extra-bind -- what `bind` returns has no source
    (() => 1).bind(null),
    "() => 1",
  ];
  for (const other of others) t.notOk(isBare(other), String(other));
});
