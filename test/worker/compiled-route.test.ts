/** What a row may have for its handler, and what is said of bodies and methods. */
import t from "tap";
import {
  checkRoute, compileRoute, entryOf, isHandler, type ResolvedRoute, rulesOf,
} from "../../src/worker/compiled-route.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";
import { entriesOf } from "../support/routes.ts";

const handle = (): string => "x";

t.test("what a handler object says of bodies is checked", async (t) => {
  t.strictSame(rulesOf({ handle, bodyBytesMax: 5 }), { bodyBytesMax: 5 });
  t.equal(rulesOf({ handle }), null);
  t.equal(rulesOf(handle), null);
  const wrong = { message: /"\/a":.*bodyBytesMax must be an integer/ };
  const object = { handle, bodyBytesMax: -1 };
  t.throws(() => new Router(entriesOf({ "/a": object })), wrong);
  t.throws(() => new Router(entriesOf({ "/a": { GET: object } })), wrong);
  t.throws(() => checkRoute("/a", object), wrong);
});

t.test("a handler is a function, or an object with one", async (t) => {
  t.ok(isHandler(handle));
  t.ok(isHandler({ handle }));
  t.notOk(isHandler(null));
  t.notOk(isHandler({ handle: 1 }));
});

t.test("what a route has for a method", async (t) => {
  const constant = new LightResponse("c") as unknown as Response;
  const of = (route: ResolvedRoute, method: string): unknown =>
    entryOf(compileRoute({ id: "", pattern: "/", route }, []), method);
  t.equal(of(handle, "BREW"), handle);
  t.equal(of(constant, "HEAD"), constant);
  t.equal(of(constant, "PUT"), undefined);
  t.equal(of({ GET: handle }, "HEAD"), handle);
  t.equal(of({ GET: handle, HEAD: constant }, "HEAD"), constant);
  t.equal(of({ GET: handle }, "PUT"), undefined);
});
