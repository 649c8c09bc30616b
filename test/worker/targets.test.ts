/** What is known of targets by native's numbers: looked up once, planned once per method. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import {
  EVENT_LISTENER, EVENT_METHOD, EVENT_TARGET_ID, EVENT_TARGET_LENGTHS, EVENT_TARGET_OFFSET,
  EVENT_TARGET_VERSION, EVENT_WORDS,
} from "../../src/shared/layout.ts";
import { METHODS } from "../../src/shared/methods.ts";
import type { EnteredRoute } from "../../src/worker/entered-route.ts";
import type { ListenerSite } from "../../src/worker/listener-sites.ts";
import type { OwnRoute } from "../../src/worker/plan.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { RouteTables } from "../../src/worker/route-tables.ts";
import { Targets } from "../../src/worker/targets.ts";
import { startApp } from "../support/server.ts";

const OFFSET = 7;

function setup(app: App, debug: object | null = null) {
  const events = new Int32Array(EVENT_WORDS);
  const own = new Map<string, OwnRoute>();
  const bound: number[] = [];
  const settings = { methods: ["GET", "POST", "OPTIONS"] };
  const site = { settings, debug } as unknown as ListenerSite;
  const targets = new Targets({
    events,
    tables: new RouteTables(app, []),
    host: { entered: { mark: () => {} } as unknown as EnteredRoute, siteOf: () => site },
    constants: {
      bind: (_router: unknown, _target: unknown, id: number) => bound.push(id),
    },
    ownRoutes: () => own,
  });
  /** The target and the steps of a request as native would tell of it. */
  const request = (method: string, path: string, id = 3, version = 1, query = "") => {
    events[EVENT_LISTENER] = 0;
    events[EVENT_METHOD] = METHODS.indexOf(method);
    events[EVENT_TARGET_ID] = id;
    events[EVENT_TARGET_VERSION] = version;
    events[EVENT_TARGET_OFFSET] = OFFSET;
    events[EVENT_TARGET_LENGTHS] = (path.length << 16) | (path.length + query.length);
    const target = targets.at(0, Buffer.from("x".repeat(OFFSET) + path + query));
    targets.choose(target, 0);
    const { plan } = target;
    return { target, plan, first: plan.steps[0]! };
  };
  return { targets, own, bound, request };
}

const answer = (): Response => new Response("x");
const fixed = new LightResponse("fixed");

t.test("a number and its version are looked up and planned once per method", async (t) => {
  const { request } = setup({ routes: { "/a": { GET: answer, POST: answer } } });
  const once = request("GET", "/a", 3, 1, "?q");
  t.equal(once.target.path, "/a", "without its query");
  t.equal(request("GET", "/other").target, once.target, "nobody reads the bytes again");
  t.equal(request("GET", "/a").plan, once.plan);
  t.not(request("POST", "/a").plan, once.plan);
  t.equal(request("GET", "/other", 3, 2).target.path, "/other", "its number was given on");
  t.not(request("GET", "/a", -1).target, once.target, "without a number it is known only once");
});

t.test("forgotten targets are planned anew, with the server's own routes of now", async (t) => {
  const { targets, own, request } = setup({ routes: { "/a": answer } });
  const { target, first } = request("GET", "/a");
  t.equal(first.route, "/a");
  own.set("/a", { route: "/a own", handler: { handle: answer } });
  targets.forget();
  t.not(request("GET", "/a").target, target);
  t.same(request("GET", "/a").plan.steps.map(({ route }) => route), ["/a own", "/a", ""]);
});

t.test("the targets of a route share its steps, with values of their own", async (t) => {
  const { request } = setup({ routes: { "/u/:id": answer, "/*": answer }, fetch: answer });
  const one = request("GET", "/u/1", 1);
  const two = request("GET", "/u/2", 2);
  t.not(one.plan, two.plan);
  one.plan.steps.slice(0, 3).forEach((step, at) => t.equal(step, two.plan.steps[at]));
  t.equal(one.target.first, two.target.first);
  t.strictSame(one.plan.values, [["1"], ["u/1"], [], []]);
  t.strictSame([one.target.value, two.target.value], ["1", "2"]);
  t.not(request("POST", "/u/1", 1).first, one.first, "of each method");
  t.equal(request("GET", "/other", 3).target.value, "other");
});

t.test("constants are bound to the number of their target, where there is one", async (t) => {
  const { bound, request } = setup({ routes: { "/c": fixed } });
  request("GET", "/c", -1);
  t.same(bound, []);
  request("GET", "/c", 5);
  request("GET", "/c", 5);
  t.same(bound, [5]);
});

t.test("with hooks, or where the log is told, nothing goes the short ways", async (t) => {
  const app = { routes: { "/c": fixed, "/b": () => new Response() } };
  for (const watched of [setup({ ...app, onRequest: () => {} }), setup(app, {})]) {
    watched.request("GET", "/c", 5);
    t.same(watched.bound, []);
    t.match(watched.request("GET", "/b", 6).first, { kind: "handler", isBare: false });
  }
  const without = setup({ routes: { "/b": () => new Response() } });
  t.match(without.request("GET", "/b").first, { kind: "handler", isBare: true });
});

t.test("CONNECT and the asterisk have no path of their own", async (t) => {
  const { request } = setup({ routes: { "/a": { GET: answer } } });
  t.match(request("CONNECT", "a.test:80").first, { kind: "not-implemented" });
  t.match(request("OPTIONS", "*", 4).first, { kind: "options", allow: "GET, OPTIONS" });
  t.equal(request("GET", "http://a.test/a?b", 8).target.path, "/a");
});

t.test("more paths than native numbers: each keeps its own parameters", async (t) => {
  const server = await startApp(t, `export default {
    routes: { "/users/:id": (request) => new Response(request.params.id) },
  };`);
  const client = await server.connect();
  let wrong = 0;
  for (let first = 0; first < 30_000; first += 50) {
    const ids = Array.from({ length: 50 }, (_, i) => String((first + i) % 20_000));
    client.write(ids.map((id) => `GET /users/${id} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
    for (const id of ids) if ((await client.response()).body !== id) wrong++;
  }
  t.equal(wrong, 0);
});
