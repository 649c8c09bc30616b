/** Tests of the word that names the route a worker has entered last. */
import t from "tap";
import { EnteredRoute } from "../../src/worker/entered-route.ts";
import { planSteps } from "../../src/worker/plan.ts";
import type { HandlerStep } from "../../src/worker/plan.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";
import { entriesOf } from "../support/routes.ts";

const answer = (): Response => new LightResponse("x");

t.test("each route has one number, told once, before its handler can run", (t) => {
  const told: [number, string][] = [];
  const entered = new EnteredRoute(new ArrayBuffer(4), (mark, route) => told.push([mark, route]));
  const routes = { "/a": answer, "/b/:id": answer, "/c": new LightResponse("c") };
  const router = new Router(entriesOf(routes));
  const marksOf = (path: string, method: string = "GET"): number[] => {
    const { steps } = planSteps(router, answer, path, method);
    entered.mark(steps);
    return steps.filter(({ kind }) => kind === "handler").map((step) => (step as HandlerStep).mark);
  };
  t.strictSame(marksOf("/a"), [0, 1]);
  t.strictSame(marksOf("/b/1"), [2, 1]);
  t.strictSame(marksOf("/b/2", "POST"), [2, 1]);
  t.strictSame(marksOf("/c"), []);
  t.strictSame(marksOf("/none"), [1]);
  t.strictSame(told, [[0, "/a"], [1, ""], [2, "/b/:id"]]);
  t.equal(entered.word.length, 1);
  t.end();
});
