/** Tests of what is an app, and of what is said about what is none. */
import { pathToFileURL } from "node:url";
import t from "tap";
import type { Test } from "tap";
import type { App, Context, MillraceRequest } from "../../src/shared/app.ts";
import { loadApp } from "../../src/worker/load-app.ts";
import { writeApp } from "../support/server.ts";

const NO_ARGUMENTS = [undefined, undefined, undefined] as unknown as
  [MillraceRequest, Context, Context];

async function load(value: unknown): Promise<App> {
  return await loadApp({ kind: "value", value });
}

async function loadModule(t: Test, source: string): Promise<App> {
  return await loadApp({ kind: "module", href: pathToFileURL(writeApp(t, source)).href });
}

t.test("a function is a fetch handler, whatever its length", async (t) => {
  for (const fetch of [() => "a", (_: unknown) => "a", async (..._: unknown[]) => "a"]) {
    const app = await load(fetch);
    t.equal(await app.fetch?.(...NO_ARGUMENTS), "a");
  }
});

t.test("members are called as methods of what the app exports", async (t) => {
  class Service {
    readonly name = "service";
    port = 81;
    fetch(): string {
      return this.name;
    }
    close(): void {
      t.equal(this.name, "service");
    }
  }
  const app = await load(new Service());
  t.equal(await app.fetch?.(...NO_ARGUMENTS), "service");
  await app.close?.();
  t.equal(app.port, 81);
});

t.test("an arrow function keeps its source, by which a bare handler is known", async (t) => {
  const fetch = (): string => "bare";
  t.equal((await load({ fetch })).fetch, fetch);
});

t.test("what is no app is named", async (t) => {
  for (const [value, message] of [
    [undefined, /no default export/],
    [5, /it is/],
    [null, /it is/],
    [{}, /neither `routes` nor `fetch`/],
    [{ fetch: "x" }, /`fetch` is no function/],
    [{ fetch() {}, init: 1 }, /`init` is no function/],
    [{ fetch() {}, close: 1 }, /`close` is no function/],
    [{ fetch() {}, error: 1 }, /`error` is no function/],
    [{ routes: 1 }, /`routes` is no object/],
    [{ fetch() {}, broker: null }, /`broker` has no function `open`/],
    [{ fetch() {}, broker: { open() {} } }, /`broker` has no function `publish`/],
  ] as const) {
    await t.rejects(load(value), { code: "ERR_MILLRACE_APP_SHAPE", message }, String(message));
  }
});

t.test("a module's default export is the app", async (t) => {
  const app = await loadModule(t, 'export default { fetch: () => "module" };');
  t.equal(await app.fetch?.(...NO_ARGUMENTS), "module");
});

t.test("why a module does not load is told", async (t) => {
  for (const [source, message] of [
    ["export default {", /could not be loaded: SyntaxError/],
    ["throw new TypeError('at load');", /could not be loaded: TypeError: at load/],
    ["throw 'text';", /could not be loaded: text/],
    ["import 'no-such-package';", /no-such-package/],
  ] as const) {
    await t.rejects(loadModule(t, source), { code: "ERR_MILLRACE_APP_LOAD", message }, source);
  }
});

t.test("constant Responses are read while loading", async (t) => {
  const { routes } = await load({ routes: { "/": new Response("constant"), "/fn": () => "x" } });
  t.equal(await (routes!["/"] as Response).text(), "constant");
  t.type(routes!["/fn"], "function");
});
