/** Tests of handler objects within the wrappers of the toolbox. */
import t from "tap";
import { createFetch } from "../../src/create-fetch.ts";
import { authenticated } from "../../src/handlers/authentication.ts";
import { cors } from "../../src/handlers/cors.ts";
import { formLogin } from "../../src/handlers/form-login.ts";
import { withForm } from "../../src/handlers/forms.ts";
import { rateLimit } from "../../src/handlers/rate-limit.ts";
import { securityHeaders } from "../../src/handlers/security-headers.ts";
import { sessions } from "../../src/handlers/sessions.ts";
import { statusRedirects } from "../../src/handlers/status-redirects.ts";
import type { FetchHandler, Handler, HandlerObject } from "../../src/shared/app.ts";
import { aroundObject, innermost } from "../../src/worker/wrapped-handler.ts";

const by = { authenticate: async () => ({ name: "a" }) };
const kept = sessions({ cookie: { secure: false } });
const login = formLogin({ sessions: kept, lookup: () => null });

type Wrapping = (handler: HandlerObject) => HandlerObject;

const wrappers: Record<string, Wrapping> = {
  authenticated: (handler) => authenticated({ by }, handler),
  cors: (handler) => cors({}, handler),
  rateLimit: (handler) => rateLimit({ limit: 100 }, handler),
  securityHeaders: (handler) => securityHeaders({}, handler),
  statusRedirects: (handler) => statusRedirects({}, handler),
  saved: (handler) => kept.saved(handler),
  both: (handler) => cors({}, rateLimit({ limit: 100 }, handler)),
};

// It compiles: what takes a function and what takes an object take either.
const either = (handler: Handler): Handler[] => [
  authenticated({ by }, handler), cors({}, handler), rateLimit({ limit: 1 }, handler),
  securityHeaders({}, handler), statusRedirects({}, handler), kept.saved(handler),
  login.guard({}, handler),
];

t.test("a wrapper around a function is one, and around an object is one", (t) => {
  for (const made of either(() => "x")) t.type(made, "function");
  for (const made of either({ handle: () => "x", close: null } as never)) t.type(made, "object");
  t.end();
});

t.test("every wrapper takes a handler object, and its limits count", async (t) => {
  const form = withForm((each) => new Response(each.get("a")), { bytesMax: 10 });
  const routes = Object.entries(wrappers).map(([name, wrap]) => [`/${name}`, wrap(form)] as const);
  const call = await createFetch({ routes: Object.fromEntries(routes) }, { logLevel: "silent" });
  t.teardown(() => call.close());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  for (const [path] of routes) {
    const answer = await call(path, { method: "POST", headers, body: "a=b" });
    t.strictSame([answer.status, await answer.text()], [200, "b"], path);
    const long = await call(path, { method: "POST", headers, body: "a=0123456789" });
    t.equal(long.status, 413, path);
  }
});

t.test("`this`, `match` behind the wrapper, and one `close`", async (t) => {
  const seen: string[] = [];
  class Named implements HandlerObject {
    readonly #name = "named";
    readonly buffered = true;
    match(request: Request): boolean {
      seen.push(`match ${request.method}`);
      return request.method === "POST";
    }
    handle(request: { readonly user?: unknown }): Response {
      return new Response(`${this.#name} ${JSON.stringify(request.user)}`);
    }
    close(): void {
      seen.push(`close ${this.#name}`);
    }
  }
  const named = new Named();
  const call = await createFetch({
    routes: {
      "/a": authenticated({ by }, named), "/b": cors({}, cors({}, named)), "/c": named,
      "/d": login.guard({}, named),
    },
    fetch: () => new Response("behind"),
  }, { logLevel: "silent" });
  const text = async (path: string, method: string, headers = {}): Promise<string> => (
    await (await call(path, { method, headers })).text()
  );
  t.equal(await text("/a", "POST"), 'named {"name":"a"}');
  t.equal(await text("/a", "GET"), "behind");
  t.strictSame(seen.splice(0), ["match POST", "match GET"]);
  const preflight = { origin: "https://a.test", "access-control-request-method": "PUT" };
  t.equal((await call("/b", { method: "OPTIONS", headers: preflight })).status, 204);
  t.equal((await call("/d", { method: "POST" })).status, 401);
  t.strictSame(seen.splice(0), [], "nobody has asked it");
  await call.close();
  t.strictSame(seen, ["close named"]);
});

t.test("what is no handler is refused at once, also one that never could match", (t) => {
  const message = /: its handler is a function, or an object with a function handle$/;
  const wrong = [null, 5, "name", {}, { handle: "name" }, { perConnection: () => ({}) }, []];
  for (const [name, wrap] of Object.entries(wrappers)) {
    for (const handler of wrong) {
      t.throws(() => wrap(handler as never), { name: "TypeError", message }, name);
    }
  }
  const handle = (): string => "";
  t.throws(() => cors({}, { handle, match: (async () => true) as never }), new TypeError(
    "cors: of its handler object match is async, and must say true or false at once"));
  t.throws(() => cors({}, { handle, bodyBytesMax: -1 }), new TypeError(
    "cors: of its handler object bodyBytesMax must be an integer from 0 on"));
  t.end();
});

t.test("the outer one is the inner one's at the end", (t) => {
  const inner: HandlerObject = { handle: () => "", bodyTimeoutMs: 5, close: () => {} };
  const same = (handle: FetchHandler): FetchHandler => handle;
  const outer = aroundObject("it", aroundObject("it", inner, same), same);
  t.equal(innermost(outer), inner);
  t.equal(innermost(inner), inner);
  t.match(outer, { bodyTimeoutMs: 5, close: Function });
  t.notOk("close" in aroundObject("it", { handle: () => "" }, same));
  t.end();
});
