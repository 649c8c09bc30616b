/** A listener's own app and routes: what workers are told of them, and errors that name it. */
import t from "tap";
import { ownRoutesOf } from "../../src/options/listener-routes.ts";
import { resolveOptions } from "../../src/options.ts";
import { writeApp } from "../support/server.ts";

t.test("an app is a module, routes are rows", async (t) => {
  const file = writeApp(t, "export default {};");
  t.strictSame(ownRoutesOf({}, "it", 1), {});
  t.match(ownRoutesOf({ app: file }, "it", 1), { app: { kind: "module", href: /app\.mjs$/ } });
  const rows = [{ pattern: "/a", handler: "h", method: "GET" }];
  t.match(ownRoutesOf({ routes: rows }, "it", 1), {
    routes: [{ id: "route-1", pattern: "/a", handler: "h", methods: ["GET"] }],
  });
  t.match(ownRoutesOf({ routes: "h" }, "it", 1), { routes: [{ pattern: "/*", handler: "h" }] });
  const app = { fetch: (): string => "x" };
  t.strictSame(ownRoutesOf({ app }, "it", 0), { app: { kind: "value", value: app } });
});

t.test("errors name the listener", async (t) => {
  for (const [own, code] of [
    [{ app: "./nowhere.mjs" }, "ERR_MILLRACE_APP_NOT_FOUND"],
    [{ app: { fetch: () => "x" } }, "ERR_MILLRACE_APP_NOT_PATH"],
    [{ routes: [{ pattern: "/a" }] }, "ERR_MILLRACE_ROUTE_INVALID"],
  ] as const) {
    t.throws(() => ownRoutesOf(own as never, "it", 1), { code, message: /^it: / });
  }
});

t.test("what is neither is refused with the other options", async (t) => {
  const app = writeApp(t, "export default {};");
  const resolve = (own: object): unknown =>
    resolveOptions({ app, listeners: [{ port: 0, ...own }] }, {});
  const code = "ERR_MILLRACE_OPTION_INVALID";
  for (const own of [{ app: 5 }, { app: "" }, { routes: 5 }, { routes: "" }, { routes: {} }]) {
    t.throws(() => resolve(own), { code }, JSON.stringify(own));
  }
  t.match(resolve({ app, routes: "h" }), { listeners: [{ app, routes: "h" }] });
});
