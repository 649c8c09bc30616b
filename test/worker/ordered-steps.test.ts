/** The ordered table over a connection: which row answers, and what follows one that declines. */
import { gzipSync } from "node:zlib";
import t from "tap";
import { startApp, type TestServer } from "../support/server.ts";

const APP = `
  let calls = [];
  const say = (text) => (request, context) => {
    calls.push(text);
    const { params, route } = Object.assign({ params: request.params }, { route: context.route });
    return Response.json({ text, params, pattern: route.pattern, user: request.user });
  };
  export default {
    handlers: { named: say("named") },
    table: [
      { path: "/calls", handler: () => { const all = calls.join(); calls = []; return all; } },
      { id: "gate", prefix: "/admin", handler: "continue", auth: (request) => {
        calls.push("auth");
        const token = request.headers.get("authorization");
        if (token === null) return new Response("who?", { status: 401 });
        request.user = { name: token };
      } },
      { prefix: "/admin", methods: ["GET"], handler: say("admin") },
      { path: "/own/:id", auth: (request, context) => {
          request.user = request.params.id;
          return context.next();
        },
        match: (request) => {
          calls.push("match " + request.user);
          return request.user !== "no";
        },
        handler: { handle: say("own"), match: (request) => request.user !== "neither" } },
      { path: "/own/:other", handler: say("next") },
      { hosts: "*.tenant.example", handler: say("tenant") },
      { path: "/c", headers: { "x-kind": "json" }, handler: Response.json({ text: "constant" }) },
      { path: "/c", handler: new Response("plain constant") },
      { regex: /^\\/r\\/(?<year>\\d+)$/, handler: "named" },
      { path: "/put", method: "PUT", contentTypes: "application/json", handler: say("json") },
      { path: "/put", method: "PUT", handler: say("other") },
      { path: "/declines", method: "POST", handler: () => undefined },
      { path: "/get", method: "GET", handler: say("get") },
      { path: "/both", method: "PUT", handler: say("put") },
      { path: "/import", method: "POST", contentTypes: "text/csv", handler: say("csv") },
      { path: "/guarded", method: "POST", handler: say("guarded"), auth: (request) => (
        request.headers.has("authorization") ? undefined : new Response("who?", { status: 401 })
      ) },
      { path: "/matched", method: "POST", match: () => true, handler: say("matched") },
      { path: "/hosted", method: "PUT", hosts: "else.example", handler: say("x") },
    ],
    routes: {
      "/admin/a": say("never"),
      "/both": { GET: say("routes") },
      "/behind": say("behind"),
    },
  };
`;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly allow: string | null;
  readonly json: { text?: string; params?: unknown; pattern?: string; user?: unknown };
}

/** Over `fetch`, but for the Host, which that does not let anybody choose. */
async function ask(
  { connect }: TestServer,
  target: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const client = await connect();
  const [method = "", path = ""] = target.includes(" ") ? target.split(" ") : ["GET", target];
  const fields = Object.entries({ host: "a", ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  client.write(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const answer = await client.response(method);
  const text = answer.body;
  const json = (text.startsWith("{") ? JSON.parse(text) : {}) as Answer["json"];
  return { status: answer.status, text, json, allow: answer.header("allow") ?? null };
}

t.test("the first row answers, the rows come before the routes", async (t) => {
  const server = await startApp(t, APP);
  const authorization = "me";
  t.match(await ask(server, "/admin/a", { authorization }), {
    json: { text: "admin", params: { "*": "a" }, pattern: "/admin/*", user: { name: "me" } },
  }, "who the user is goes with the request");
  t.match(await ask(server, "/admin/a"), { status: 401, text: "who?" });
  t.match(await ask(server, "DELETE /admin"), { status: 401 }, "a gate takes every method");
  t.match(await ask(server, "/behind"), { json: { text: "behind" } });
  t.match(await ask(server, "/r/2026"), {
    json: { params: { 1: "2026", year: "2026" }, pattern: "/^\\/r\\/(?<year>\\d+)$/" },
  });
  t.match(await ask(server, "/none"), { status: 404 });
});

t.test("a condition is asked of each request, however often its path has come", async (t) => {
  const server = await startApp(t, APP);
  for (const [headers, text] of [
    [{ "x-kind": "json" }, '{"text":"constant"}'], [{}, "plain constant"],
    [{ "x-kind": "xml" }, "plain constant"], [{ "x-kind": "json" }, '{"text":"constant"}'],
  ] as const) {
    for (let times = 0; times < 3; times++) {
      t.equal((await ask(server, "/c", headers)).text, text);
    }
  }
  t.match(await ask(server, "/c", { host: "b.tenant.example" }), { json: { text: "tenant" } });
  t.equal((await ask(server, "/c")).text, "plain constant");
  const type = { "content-type": "application/json;charset=utf-8" };
  t.match(await ask(server, "PUT /put", type), { json: { text: "json" } });
  t.match(await ask(server, "PUT /put"), { json: { text: "other" } });
});

t.test("auth, then match of the row, then match of the handler", async (t) => {
  const server = await startApp(t, APP);
  await ask(server, "/calls");
  const own = { text: "own", user: "me", params: { id: "me" } };
  t.match(await ask(server, "/own/me"), { json: own });
  t.match(await ask(server, "/own/no"), { json: { text: "next", params: { other: "no" } } });
  t.match(await ask(server, "/own/neither"), { json: { text: "next", user: "neither" } });
  const calls = "match me,own,match no,next,match neither,next";
  t.equal((await ask(server, "/calls")).text, calls);
});

const BODIES = `
  const signed = async (request) => {
    const text = await request.text();
    if (text.startsWith("answer")) return "auth has " + text.length;
    return text.startsWith("sig") ? undefined : new Response("no", { status: 403 });
  };
  const size = async (request) => "got " + (await request.bytes()).length;
  const sized = async (request) => {
    request.user = (await request.bytes()).length;
  };
  const both = async (request) => request.user + " " + (await request.bytes()).length;
  const asking = (auth, handler) => ({ method: "POST", auth, handler });
  export default { table: [
    { path: "/whole", ...asking({ buffered: true, handle: signed }, size) },
    { path: "/both", ...asking({ buffered: true, handle: signed },
      { buffered: true, handle: size }) },
    { path: "/next", ...asking({ buffered: true, handle: async (request, context) =>
      await signed(request) ?? context.next() }, size) },
    { path: "/short-auth", ...asking({ bodyBytesMax: 4, handle: signed }, () => "in") },
    { path: "/long-auth", ...asking({ buffered: true, bodyBytesMax: 5000, handle: signed },
      { bodyBytesMax: 10, handle: size }) },
    { path: "/long-handler", ...asking(() => undefined, { bodyBytesMax: 3000, handle: size }) },
    { path: "/long-handler-whole", ...asking({ buffered: true, handle: signed },
      { bodyBytesMax: 3000, handle: size }) },
    { path: "/decoded-first", ...asking({ buffered: true, decodeBodies: true, handle: sized },
      both) },
    { path: "/decoded-then", ...asking({ buffered: true, decodeBodies: false, handle: sized },
      { decodeBodies: true, handle: both }) },
    { path: "/as-listener", ...asking({ buffered: true, handle: sized },
      { bodyBytesMax: 50, handle: both }) },
    { path: "/encoded", ...asking({ buffered: true, handle: sized },
      { decodeBodies: false, handle: both }) },
  ] };
`;

t.test("what an auth object says of bodies counts for its own step", async (t) => {
  const { url } = await startApp(t, BODIES, { bodyBytesMax: 100, bodyStreamBytesMax: 100 });
  const post = async (path: string, body: string): Promise<string> => {
    const answer = await fetch(url + path, { method: "POST", body });
    return `${answer.status} ${await answer.text()}`;
  };
  for (const path of ["/whole", "/both", "/next"]) {
    t.equal(await post(path, "signed"), "200 got 6", path);
    t.equal(await post(path, "else"), "403 no", path);
  }
  t.equal(await post("/short-auth", "sig"), "200 in");
  t.match(await post("/short-auth", "signed"), /^413 /);
  t.equal(await post("/long-auth", `answer${"x".repeat(4994)}`), "200 auth has 5000");
  t.match(await post("/long-auth", `answer${"x".repeat(4995)}`), /^413 /);
  t.equal(await post("/long-auth", "signed"), "200 got 6");
  t.match(await post("/long-auth", `sig${"x".repeat(8)}`), /^413 /, "the handler has its own");
  const long = `sig${"x".repeat(2997)}`;
  t.equal(await post("/long-handler", long), "200 got 3000", "else the handler's count");
  t.equal(await post("/long-handler-whole", long), "200 got 3000");
  t.match(await post("/long-handler-whole", `${long}x`), /^413 /);
});

t.test("each of auth and handler has the body decoded that says so", async (t) => {
  const { url } = await startApp(t, BODIES, { decodeBodies: true });
  const body = gzipSync("x".repeat(50));
  const encoded = body.length;
  for (const [path, answer] of [
    ["/decoded-first", "50 50"], ["/decoded-then", `${encoded} 50`], ["/as-listener", "50 50"],
    ["/encoded", `${encoded} ${encoded}`],
  ] as const) {
    const headers = { "content-encoding": "gzip" };
    const given = await fetch(url + path, { method: "POST", headers, body });
    t.equal(await given.text(), answer, path);
  }
});

t.test("no row takes the method: 405 with what they do, if nothing else answers", async (t) => {
  const server = await startApp(t, APP);
  t.match(await ask(server, "DELETE /get"), { status: 405, allow: "GET, HEAD, OPTIONS" });
  t.match(await ask(server, "OPTIONS /get"), { status: 204, allow: "GET, HEAD, OPTIONS" });
  t.match(await ask(server, "HEAD /get"), { status: 200 });
  t.match(await ask(server, "/both"), { json: { text: "routes" } });
  t.match(await ask(server, "DELETE /both"), { status: 405, allow: "PUT, OPTIONS, GET, HEAD" });
  t.match(await ask(server, "POST /declines"), { status: 404 }, "the method was right");
  t.match(await ask(server, "/hosted"), { status: 404 }, "another host's methods are not its");
  t.match(await ask(server, "/import"), { status: 405, allow: "POST, OPTIONS" });
  t.match(await ask(server, "OPTIONS /import"), { status: 204, allow: "POST, OPTIONS" });
  t.match(await ask(server, "POST /import"), { status: 404 }, "of another type");
  const authorization = "me";
  for (const headers of [{}, { authorization }]) {
    t.match(await ask(server, "/guarded", headers), { status: 404, allow: null },
      "what is asked of who may go on is not told before");
  }
  t.match(await ask(server, "POST /guarded"), { status: 401 });
  t.match(await ask(server, "/matched"), { status: 404 });
});

t.test("rows are read, given back and edited as those of routes", async (t) => {
  const server = await startApp(t, APP);
  const rows = server.server.routes();
  t.match(rows.find(({ id }) => id === "gate"), {
    handler: "gate", pattern: "/admin/*", prefix: "/admin", kind: "function", methods: [],
  });
  t.match(rows[8], { regex: /^\/r\/(?<year>\d+)$/, handler: "named" });
  (rows[8] as { pattern: string }).pattern += "x";
  t.notMatch(server.server.routes()[8]!.pattern, /x$/, "what is read is a copy");
  await server.server.setRoutes(server.server.routes());
  t.strictSame(server.server.routes(), server.server.routes());
  t.match(await ask(server, "/admin/a"), { status: 401 });
  t.equal((await ask(server, "/c", { "x-kind": "json" })).text, '{"text":"constant"}');
  const wrong = [...server.server.routes(), { path: "/x", handler: "nobody" }];
  await t.rejects(server.server.setRoutes(wrong), { code: "ERR_MILLRACE_HANDLER_UNKNOWN" });
  const twice = [...server.server.routes(), { path: "/*/x", handler: "named" }];
  await t.rejects(server.server.setRoutes(twice), { message: /Row 22 .*wildcard/ });
  t.match(await ask(server, "/admin/a"), { status: 401 }, "the old table counts");
  const bare = [{ pattern: "/admin/*", handler: "gate" }];
  await t.rejects(server.server.setRoutes(bare), { message: /only a row with conditions/ });
  await server.server.disableRoute("gate");
  t.match(await ask(server, "/admin/a"), { json: { text: "admin" } });
  await server.server.enableRoute("gate");
  t.match(await ask(server, "/admin/a"), { status: 401 });
  t.match(await server.server.removeRoute("gate"), { removed: 1, ended: true });
  t.match(await ask(server, "/admin/a"), { json: { text: "admin" } });
  await server.server.setRoutes([{ path: "/new", headers: { "x-a": /1/ }, handler: "named" }]);
  t.match(await ask(server, "/new", { "x-a": "1" }), { json: { text: "named" } });
  t.match(await ask(server, "/new"), { status: 404 });
});

t.test("a match that answers later lets nobody in: 500, and the log names the row", async (t) => {
  const server = await startApp(t, `
    const later = () => Promise.resolve(false);
    const failing = () => Promise.reject(new Error("unseen"));
    const handle = () => "in";
    export default {
      table: [
        { path: "/other", handler: handle },
        { path: "/row", match: later, handler: handle },
        { path: "/row-fails", match: failing, handler: handle },
        { path: "/object", handler: { handle, match: later } },
        { path: "/both", match: () => true, handler: { handle, match: later } },
        { path: "/auth", auth: { handle: () => undefined, match: later }, handler: handle },
        { path: "/connection", handler: { perConnection: () => ({ handle, match: later }) } },
      ],
      routes: { "/route": { handle, match: later } },
      fetch: () => "not found",
      error: ({ code, message }) => new Response(code + " " + message, { status: 500 }),
    };
  `);
  for (const [path, where] of [
    ["/row", 'row 2 of the routes, "/row",'], ["/row-fails", "row 3"], ["/object", "/object"],
    ["/both", 'row 5 of the routes, "/both",'], ["/auth", "row 6"], ["/connection", "/connection"],
    ["/route", "/route"],
  ] as const) {
    const { status, text } = await ask(server, path);
    t.equal(status, 500, path);
    t.ok(text.startsWith("ERR_MILLRACE_MATCH_INVALID"), text);
    t.ok(text.includes(where), text);
  }
  t.equal((await ask(server, "/other")).text, "in");
});
