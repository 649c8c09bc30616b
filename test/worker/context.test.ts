/** What handlers find in their second argument. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const APP = `
  export default {
    routes: {
      "/facts/:id": (request, context, ctx) => Response.json({
        same: context === ctx,
        listener: context.listener,
        params: context.params,
        remote: context.connection.remote,
        local: context.connection.local,
        id: context.connection.id,
        closed: context.connection.closed,
        signal: context.signal === request.signal && !context.signal.aborted,
        log: ["info", "error"].every((name) => typeof context.log[name] === "function")
          && typeof context.log === "function",
        server: Object.keys(context.server).sort(),
      }),
      "/next/*": {
        GET: async (request, context) => {
          const answer = await context.next();
          return new Response("[" + await answer.text() + "]", { status: answer.status });
        },
      },
      "/*": () => undefined,
    },
    fetch: (request) => new URL(request.url).pathname === "/next/none"
      ? undefined : "from fetch",
  };
`;

t.test("facts of listener and connection", async (t) => {
  const { url, port } = await startApp(t, APP, {
    listeners: [{ id: "one", name: "first", host: "127.0.0.1", port: 0, data: { a: [1] } }],
  });
  const facts = (await (await fetch(`${url}/facts/7`)).json()) as Record<string, unknown>;
  t.match(facts, {
    same: true,
    listener: { id: "one", name: "first", data: { a: [1] } },
    params: { id: "7" },
    remote: { address: "127.0.0.1", family: "IPv4" },
    local: { address: "127.0.0.1", port, family: "IPv4" },
    id: /^\d+$/,
    closed: false,
    signal: true,
    log: true,
    server: [
      "addListener", "addRoute", "close", "disableRoute", "drain", "enableRoute", "metrics",
      "pauseListener", "publish", "records", "reload", "removeListener", "removeRoute",
      "reopenLogs", "routes", "scale", "setApp", "setRoutes", "sharedMemory",
      "startListener", "stopListener", "subscriberCount",
    ],
  });
});

t.test("rawHeaders: order, spelling and repetition as received", async (t) => {
  const { connect } = await startApp(t, `
    export default { fetch: async (request, context) => {
      await 0;
      return Response.json({ raw: context.rawHeaders, cookie: request.headers.get("cookie") });
    } };
  `);
  const client = await connect();
  const { body } = await client.request(Buffer.from(
    "GET / HTTP/1.1\r\nhOsT: a.test\r\nCookie: a=1\r\nX: \xe9\xff\r\ncookie:b=2 \r\nX:\r\n\r\n",
    "latin1",
  ));
  t.strictSame(JSON.parse(body), {
    raw: [
      ["hOsT", "a.test"], ["Cookie", "a=1"], ["X", "\u00e9\u00ff"], ["cookie", "b=2"], ["X", ""],
    ],
    cookie: "a=1; b=2",
  });
});

t.test("behind next() params are those of who called it, as its request's", async (t) => {
  const { url } = await startApp(t, `
    const both = (request, context) => JSON.stringify([request.params, context.params]);
    const around = async (request, context) => {
      const before = both(request, context);
      const inner = await (await context.next()).text();
      return new Response([before, inner, both(request, context)].join());
    };
    const twice = async (request, context) => {
      const inner = [];
      for (let i = 0; i < 2; i++) inner.push(await (await context.next()).text());
      return new Response([...inner, both(request, context)].join());
    };
    const declines = async (request, context) => {
      await context.next();
      return undefined;
    };
    const fails = async (request, context) => {
      try {
        await context.next();
      } catch {
        return new Response(both(request, context));
      }
    };
    const inner = (request, context) => new Response(both(request, context));
    export default {
      table: [
        { path: "/a/:outer", handler: around },
        { path: "/a/:middle", handler: around },
        { path: "/b/:outer", handler: around },
        { path: "/c/x", handler: around },
        { path: "/d/:outer", handler: declines },
        { path: "/d/:passed", handler: inner },
        { path: "/e/:outer", handler: twice },
        { path: "/e/:first", handler: inner },
        { path: "/e/:second", handler: inner },
        { path: "/f/:outer", handler: fails },
        { path: "/f/:inner", handler: () => { throw new Error("mine"); } },
      ],
      routes: { "/:kind/*": inner, "/b/x": inner },
    };
  `);
  const ask = async (path: string): Promise<unknown> =>
    JSON.parse(`[${await (await fetch(url + path)).text()}]`);
  const two = (params: unknown): unknown => [params, params];
  const outer = two({ outer: "x" });
  const rest = (kind: string): unknown => two({ kind, "*": "x" });
  const middle = two({ middle: "x" });
  t.strictSame(await ask("/a/x"), [outer, middle, rest("a"), middle, outer]);
  t.strictSame(await ask("/b/x"), [outer, two({}), outer]);
  t.strictSame(await ask("/c/x"), [two({}), rest("c"), two({})]);
  t.strictSame(await ask("/d/x"), [rest("d")], "who declines hands on");
  t.strictSame(await ask("/e/x"), [two({ first: "x" }), two({ second: "x" }), outer]);
  t.strictSame(await ask("/f/x"), [outer], "also when it rejects");
});

t.test("next() is the answer of what follows: routes, fetch, 404", async (t) => {
  const { url } = await startApp(t, APP);
  const wrapped = await fetch(`${url}/next/a`);
  t.same([wrapped.status, await wrapped.text()], [200, "[from fetch]"]);
  const none = await fetch(`${url}/next/none`);
  t.same([none.status, await none.text()], [404, "[Not Found]"]);
});

t.test("a received header value reaches the log with its control characters escaped", async (t) => {
  const logDestination = join(ownFolder(t), "log");
  const { connect } = await startApp(t, `
    export default (request, context) => {
      const evil = request.headers.get("x-evil");
      context.log.info({ evil });
      context.log("it was " + evil);
      return new Response(evil);
    };
  `, { logDestination, logLevel: "info" });
  const client = await connect();
  client.write("GET / HTTP/1.1\r\nHost: a.test\r\nX-Evil: a\x9b31mred\r\n\r\n");
  t.equal((await client.response()).status, 200);
  const lines = readFileSync(logDestination, "utf8");
  t.match(lines, String.raw`"evil":"a\u009b31mred"`);
  t.match(lines, String.raw`"msg":"it was a\u009b31mred"`);
  t.notMatch(lines, /[\x7f-\x9f]/);
});
