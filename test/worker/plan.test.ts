/** The steps for a path and a method: routes by precedence, then fetch, then 404. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { isBare, planServer, planSteps, planTunnel } from "../../src/worker/plan.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";
import { entriesOf } from "../support/routes.ts";

const answer = (): Response => new LightResponse("x");
const kinds = (app: App, path: string, method = "GET"): string[] =>
  planSteps(new Router(entriesOf(app.routes)), app.fetch, path, method).steps
    .map(({ kind, route }) => route === "" ? kind : `${kind} ${route}`);

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
  const { steps: [step] } = planSteps(new Router(entriesOf(routes)), undefined, "/a", "DELETE");
  t.match(step, { allow: "GET, HEAD, POST, OPTIONS" });
});

t.test("a constant ends the steps, and answers GET and HEAD alone", async (t) => {
  const routes = { "/c": new LightResponse("constant"), "/*": answer };
  t.same(kinds({ routes }, "/c"), ["constant /c"]);
  t.same(kinds({ routes }, "/c", "HEAD"), ["constant /c"]);
  t.same(kinds({ routes }, "/c", "POST"), ["not-allowed /c"]);
});

t.test("OPTIONS * says what some path of the app may take", async (t) => {
  const allowed = (app: App): unknown =>
    planServer(new Router(entriesOf(app.routes)), app.fetch, ["GET", "HEAD", "PUT", "OPTIONS"])
      .steps.map(({ kind, ...step }) => [kind, "allow" in step && step.allow]);
  t.same(allowed({ fetch: answer }), [["options", "GET, HEAD, PUT, OPTIONS"]]);
  t.same(allowed({ routes: { "/": answer } }), [["options", "GET, HEAD, PUT, OPTIONS"]]);
  const routes = { "/": { PUT: answer, POST: answer }, "/c": new LightResponse("c") };
  t.same(allowed({ routes }), [["options", "GET, HEAD, PUT, OPTIONS"]]);
  t.same(allowed({ routes: { "/": { PUT: answer } } }), [["options", "PUT, OPTIONS"]]);
});

t.test("CONNECT is for fetch, which may only refuse it", async (t) => {
  t.same(planTunnel(undefined).steps.map(({ kind }) => kind), ["not-implemented"]);
  const answers: [number | undefined, string][] =
    [[407, "407"], [302, "302"], [undefined, "undefined"], [200, "refused"], [204, "refused"]];
  for (const [status, expected] of answers) {
    const { steps: [step] } = planTunnel(() =>
      status === undefined ? undefined : new LightResponse(null, { status }));
    const call = (step as { handler: (...all: unknown[]) => Promise<Response> }).handler();
    const found = await call.then(
      (value) => String(value?.status),
      ({ code }: { code: string }) => code === "ERR_MILLRACE_RESPONSE_INVALID" ? "refused" : code,
    );
    t.equal(found, expected);
  }
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
