/** Single steps, and which handlers are called without a Request. */
import t from "tap";
import {
  type CompiledRoute, compileRoute, type ResolvedRoute,
} from "../../src/worker/compiled-route.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { fixedStep, handlerStep, routeStep, withRequest } from "../../src/worker/step.ts";

function compiled(route: ResolvedRoute): CompiledRoute {
  return compileRoute({ id: "r", pattern: "/a", route }, []);
}

t.test("a route's step has its names", async (t) => {
  const object = { handle: (): string => "x", buffered: true };
  t.match(routeStep(compiled(object), "GET"), {
    kind: "handler", id: "r", route: "/a", owner: object, rules: { buffered: true }, isBare: false,
  });
  const constant = new LightResponse("c") as unknown as Response;
  t.match(routeStep(compiled({ GET: constant }), "HEAD"), { kind: "constant", response: constant });
  t.match(handlerStep(() => "x", null), { id: "", route: "", isBare: true, mark: -1 });
  t.match(fixedStep("not-allowed", "/a", "GET"), { kind: "not-allowed", allow: "GET" });
});

t.test("hooks ask for the Request, so that no handler goes without", async (t) => {
  t.match(withRequest(handlerStep(() => "x", null)), { isBare: false });
  const fixed = fixedStep("not-found", "", "");
  t.equal(withRequest(fixed), fixed);
});
