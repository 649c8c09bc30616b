/** The handlers that every app has by name. */
import t from "tap";
import { builtInHandler, isBuiltIn } from "../../src/worker/built-in-handlers.ts";
import { Router } from "../../src/worker/router.ts";
import { startApp } from "../support/server.ts";

const APP = `
  export default {
    handlers: { read: () => "read", gate: (request, context) => (
      request.headers.has("authorization") ? undefined : new Response("who?", { status: 401 })) },
    routes: {
      "/open": "continue",
      "/gone/*": "redirect:308:/here/*",
      "/up/*": "redirect:/*",
      "/plain/*": "redirect:301:https://",
      "/short/*": "redirect:https:///to/*",
      "/abroad": "redirect:/日本",
      "/abroad/*": "redirect:/日本/*",
      "/old": { GET: "redirect:https://other.example/new?a=1" },
      "/both": { GET: () => "got", PUT: () => "put" },
      "/any": () => "any",
      "/*": "options",
    },
    fetch: () => "fetch",
  };
`;

t.test("rows name them, in an app and while the server runs", async (t) => {
  const { server, url } = await startApp(t, APP);
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown[]> => {
    const answer = await fetch(url + path, { redirect: "manual", ...init });
    const text = await answer.text();
    return [answer.status, answer.headers.get("location") ?? answer.headers.get("allow") ?? text];
  };
  t.strictSame(await ask("/open"), [200, "fetch"], "passed on");
  t.strictSame(await ask("/gone/a%20b/%3Fc"), [308, "/here/a%20b/%3Fc"]);
  t.strictSame(await ask("/gone/%2F%2Fevil.example"), [308, "/here/%2F%2Fevil.example"]);
  t.strictSame(await ask("/up//evil.example/x"), [302, "/evil.example/x"], "of this host");
  t.strictSame(await ask("/old"), [302, "https://other.example/new?a=1"]);
  t.strictSame(await ask("/abroad"), [302, "/%E6%97%A5%E6%9C%AC"]);
  t.strictSame(await ask("/abroad/é"), [302, "/%E6%97%A5%E6%9C%AC/%C3%A9"]);
  const { hostname } = new URL(url);
  t.strictSame(await ask("/plain/a%20b?c=d"), [301, `https://${hostname}/plain/a%20b?c=d`]);
  t.strictSame(await ask("/short//evil.example"), [302, `https://${hostname}/to/evil.example`]);
  const options = { method: "OPTIONS" };
  t.strictSame(await ask("/none", options), [200, "fetch"], "no other row has the path");
  t.strictSame(await ask("/none"), [200, "fetch"]);
  await server.addRoute("/o/:id", { handler: "read", method: ["GET", "DELETE"] });
  await server.addRoute("/o/:id", { handler: "options", position: 0 });
  t.strictSame(await ask("/o/1", options), [204, "GET, HEAD, DELETE, OPTIONS"]);
  t.strictSame(await ask("/o/1"), [200, "read"], "other methods are not its");
  await server.addRoute("/secret", { handler: "gate", position: 0 });
  await server.addRoute("/secret", { handler: "read" });
  t.strictSame(await ask("/secret"), [401, "who?"]);
  t.strictSame(await ask("/secret", { headers: { authorization: "x" } }), [200, "read"]);
  const row = await server.addRoute("/moved", { handler: "redirect:/open" });
  t.match(row, { handler: "redirect:/open", kind: "function", methods: [] });
  t.strictSame(await ask("/moved"), [302, "/open"]);
  t.match(server.routes()[0], { handler: "gate" });
  await server.setRoutes(server.routes());
  t.strictSame(await ask("/moved"), [302, "/open"], "what was read can be given back");
});

t.test("options tells nobody of rows that are for some requests, or behind auth", async (t) => {
  const { connect, server } = await startApp(t, `
    const say = () => "said";
    const auth = () => new Response("who?", { status: 401 });
    export default { table: [
      { handler: "options" },
      { prefix: "/admin", auth, methods: ["DELETE", "PUT"], handler: say },
      { path: "/admin/hidden", match: () => false, method: "PATCH", handler: say },
      { path: "/open", auth, method: "DELETE", handler: say },
      { path: "/open", hosts: "inner.example", method: "DELETE", handler: say },
      { path: "/open", headers: { "x-a": true }, method: "DELETE", handler: say },
      { path: "/open", protocol: "https", method: "DELETE", handler: say },
      { path: "/open", listener: "other", method: "DELETE", handler: say },
      { path: "/open", contentTypes: "text/plain", method: "POST", handler: say },
      { path: "/open", method: "GET", handler: say },
    ], routes: { "/open": { PUT: say }, "/free": { GET: say } } };
  `);
  const client = await connect();
  const ask = async (path: string): Promise<unknown[]> => {
    const head = `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { status, header } = await client.request(head);
    return [status, header("allow")];
  };
  t.strictSame(await ask("/admin/hidden"), [404, undefined], "as without it");
  t.strictSame(await ask("/admin"), [404, undefined]);
  t.strictSame(await ask("/open"), [204, "POST, OPTIONS, GET, HEAD, PUT"]);
  t.strictSame(await ask("/free"), [204, "GET, HEAD, OPTIONS"]);
  await server.setRoutes(server.routes().slice(1));
  t.strictSame(await ask("/admin/hidden"), [404, undefined]);
  t.strictSame(await ask("/open"), [204, "POST, OPTIONS, GET, HEAD, PUT"]);
});

t.test("what the wildcard stands for goes over as it came", async (t) => {
  const { connect } = await startApp(t, `
    const shown = (request) => new URL(request.url).pathname + new URL(request.url).search;
    export default {
      table: [
        { prefix: "/before", handler: "redirect:/after/*" },
        { prefix: "/of/:user/", handler: "redirect:/users/*" },
        { prefix: "/inner", handler: "rewrite:/shown/*" },
        { path: "/asked/*", handler: "rewrite:/shown?path=*" },
        { hosts: "old.example", handler: "redirect:301:https://new.example/*" },
      ],
      routes: {
        "/old/*": "redirect:/new/*",
        "/old/b c/*": "redirect:/new/*",
        "/login/*": "redirect:/login?to=*&a=b",
        "/bare/*": "redirect:*",
        "/host/*": "redirect:https://a.example*",
        "/shown/*": shown,
        "/shown": shown,
      },
    };
  `);
  const client = await connect();
  const ask = async (path: string, host = "a"): Promise<string> => {
    const { body, header } = await client.request(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return header("location") ?? body;
  };
  const parts = [
    "a%2fb", "a%2Fb", "caf%e9", "caf%C3%A9", "a%252Fb", "a:b@c;d=e,f&g='(h)'!~*$+i", "%2e%2e.",
    "a//b", "%2F%2Fevil", "%", "a%zz/", "", "%41", "%5c..",
  ];
  for (const part of parts) {
    t.equal(await ask(`/old/${part}`), `/new/${part}`);
    t.equal(await ask(`/%6fld/${part}`), `/new/${part}`, "the pattern is met by another spelling");
    t.equal(await ask(`/old/b%20c/${part}`), `/new/${part}`);
    t.equal(await ask(`/before/${part}`), `/after/${part}`);
    t.equal(await ask(`/of/%41%2f/${part}`), `/users/${part}`);
    t.equal(await ask(`/inner/${part}?x`), `/shown/${part}?x`);
    t.equal(await ask(`/x/${part}`, "old.example"), `https://new.example/x/${part}`);
  }
  t.equal(await ask("/before"), "/after/", "nothing is behind it");
  t.equal(await ask("/inner?x"), "/shown/?x");
  t.equal(await ask("/x/../old/./y/%2e%2e/z"), "/new/z", "dots are resolved before");
  t.equal(await ask("/old/\\\\evil/x"), "/new/evil/x");
  t.equal(await ask("/login/a&b=c%2fd?e"), "/login?to=a%26b%3Dc%2fd&a=b", "a part of a query");
  t.equal(await ask("/asked/a&b=%e9+/c"), "/shown?path=a%26b%3D%e9%2B/c");
  t.equal(await ask("/bare/https://evil.example/"), "https%3A//evil.example/", "no scheme");
  t.equal(await ask("/host/@evil.example"), "https://a.example%40evil.example", "no host");
});

t.test("a redirect has a line of text, but for HEAD", async (t) => {
  const { connect } = await startApp(t, APP);
  const client = await connect();
  for (const method of ["GET", "HEAD", "GET"]) {
    client.write(`${method} /gone/<b> HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.response(method);
    t.equal(answer.body, method === "HEAD" ? "" : "Redirecting to /here/%3Cb%3E\n");
    t.equal(answer.header("content-length"), "29");
    t.match(answer.header("content-type"), /^text\/plain/);
  }
});

t.test("a redirect that cannot be is an error of configuration", async (t) => {
  const { server } = await startApp(t, APP);
  const code = "ERR_MILLRACE_ROUTE_INVALID";
  for (const handler of ["redirect:", "redirect:200:/a", "redirect:/a\r\nb: c", "redirect:/*"]) {
    await t.rejects(server.addRoute("/x", { handler }), { code }, handler);
  }
  for (const [location, message] of [
    ["301:", /"redirect:301:" names no location/],
    ["30:/x", /30 is no status of a redirect/],
    ["3011:/x", /3011 is no status of a redirect/],
    ["30x:/x", /"redirect:30x:\/x" names no location/],
    ["301:302:/x", /names no location/],
    ["http://[bad/", /names no location/],
    ["https://a b/", /names no location/],
    ["http://a:99999/", /names no location/],
    ["//", /names no location/],
    ["https://[*/", /names no location/],
  ] as const) {
    const handler = `redirect:${location}`;
    await t.rejects(server.addRoute("/x/*", { handler }), { code, message }, handler);
  }
  await t.rejects(server.addRoute("/x", { handler: "redirected" }), {
    code: "ERR_MILLRACE_HANDLER_UNKNOWN",
  });
});

t.test("nobody may have their names", async (t) => {
  for (const name of ["continue", "options", "redirect:/x"]) {
    t.equal(isBuiltIn(name), true);
    const source = `export default { handlers: { ${JSON.stringify(name)}: () => "mine" } };`;
    await t.rejects(startApp(t, source), { code: "ERR_MILLRACE_HANDLER_DUPLICATE" });
  }
  t.equal(isBuiltIn("redirect"), false);
  t.type(builtInHandler("continue", "/", () => new Router([])), "function");
});
