/** What handlers return, throw and decline, and the answer that each of it becomes. */
import t from "tap";
import { startApp } from "../support/server.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { RawResponse } from "../support/raw-response.ts";

const ERRORS = new URL("../../src/shared/errors.js", import.meta.url).href;
const SOURCE = `
  import { HttpError } from ${JSON.stringify(ERRORS)};
  const closed = [];
  const used = new Response(new Blob(["once"]).stream());
  const object = (value) => ({
    match: (request) => request.url.includes("match"),
    handle(request) { return new Response(value + " " + (this.match !== undefined)); },
    close: () => closed.push(value),
  });
  export default {
    routes: {
      "/text": () => "plain \\u00e9",
      "/bytes": () => new Uint8Array([98, 121]),
      "/buffer": () => new Uint8Array([98]).buffer,
      "/null": () => null, "/number": () => 7, "/object": () => ({}), "/false": () => false,
      "/promise-of-number": async () => 7,
      "/used": async () => { const r = new Response("x"); await r.text(); return r; },
      "/once": () => used,
      "/odd-then": () => ({ get then() { throw new Error("odd"); } }),
      "/odd-then-request": (request) => ({ get then() { throw new Error(request.url); } }),
      "/thenable": () => ({ then: (resolve) => resolve(new Response("thenable")) }),
      "/throw": () => { throw new Error("secret"); },
      "/throw-request": (request) => { throw new Error("secret " + request.url); },
      "/reject": async () => { await null; throw new Error("secret"); },
      "/throw-nothing": () => { throw undefined; },
      "/http-error": () => { throw new HttpError(418, "teapot"); },
      "/http-error-close": async () => { throw new HttpError(503, "away", { close: true }); },
      "/http-error-empty": () => { throw new HttpError(409); },
      "/decline": () => undefined,
      "/decline-async": async () => {},
      "/a/:one/c": () => undefined,
      "/a/:one/:two": (request) => request.params.two === "skip" ? undefined
        : Response.json(request.params),
      "/a/*": (request, context) => Response.json({ rest: context.params["*"] }),
      "/wrap/:name": async (request, context) => {
        const inner = await context.next();
        return new Response(request.params.name + " around " + await inner.text(), inner);
      },
      "/wrap/*": (request) => new Response("inner " + request.params["*"],
        { status: 201, headers: { "x-inner": "1" } }),
      "/wrap-all": async (request, context) => context.next(),
      "/twice/:name": async (request, context) => {
        await request.text();
        return context.next();
      },
      "/twice/*": (request) => request.text().catch((error) => error.name),
      "/wrap-body": async (request, context) => {
        const text = await request.text();
        const inner = await context.next();
        return new Response(text + "," + await inner.text());
      },
      "/object-handler": object("one"),
      "/match": object("two"),
      "/methods": { GET: () => new Response("got"), POST: async () => new Response("posted") },
      "/constant-methods": { GET: new Response("constant"), PUT: object("put") },
    },
    fetch(request, context, third) {
      const { pathname } = new URL(request.url);
      if (pathname === "/none" || pathname === "/wrap-none") return;
      return new Response("fetch " + pathname + " " + (context === third));
    },
  };
`;

const ask = (path: string, method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function get(client: RawClient, path: string, method = "GET"): Promise<RawResponse> {
  client.write(ask(path, method));
  return await client.response(method);
}

t.test("results", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const cases: [string, number, string][] = [
    ["/text", 200, "plain \u00e9"], ["/bytes", 200, "by"], ["/buffer", 200, "b"],
    ["/thenable", 200, "thenable"], ["/http-error", 418, "teapot"],
    ["/http-error-empty", 409, "error 409"],
    ["/decline", 200, "fetch /decline true"], ["/decline-async", 200, "fetch /decline-async true"],
    ["/none", 404, "Not Found"], ["/a/b/c", 200, '{"one":"b","two":"c"}'],
    ["/a/b/skip", 200, '{"rest":"b/skip"}'], ["/a/x/y/z", 200, '{"rest":"x/y/z"}'],
    ["/wrap/n", 201, "n around inner n"], ["/wrap-all", 200, "fetch /wrap-all true"],
    ["/wrap-none", 404, "Not Found"],
    ["/match", 200, "two true"], ["/object-handler", 200, "fetch /object-handler true"],
    ["/object-handler?match", 200, "one true"],
  ];
  for (let round = 0; round < 2; round++) {
    for (const [path, status, body] of cases) {
      const answer = await get(client, path);
      t.equal(answer.status, status, path);
      t.equal(answer.body, body, path);
    }
  }
  t.equal((await get(client, "/wrap/n")).header("x-inner"), "1");
  t.equal((await get(client, "/text")).header("content-type"), "text/plain;charset=UTF-8");
  const posted = "POST /wrap-body HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
  t.equal((await client.request(posted)).body, "abc,fetch /wrap-body true");
});

t.test("a body is read once, also by the handlers behind context.next()", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const posted = "POST /twice/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nabcd";
  t.equal((await client.request(posted)).body, "TypeError");
  client.write(posted.slice(0, -3));
  await new Promise((resolve) => setTimeout(resolve, 20));
  client.write(posted.slice(-3));
  t.equal((await client.response()).body, "TypeError");
});

const FAILING = [
  "/null", "/number", "/object", "/false", "/promise-of-number", "/used", "/odd-then", "/throw",
  "/odd-then-request", "/throw-request", "/reject", "/throw-nothing",
];

t.test("a failure is a 500 for its request alone, and shows nothing of its cause", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  for (const path of FAILING) {
    client.write(ask("/text") + ask(path) + ask("/text"));
    t.equal((await client.response()).status, 200);
    const failed = await client.response();
    t.equal(failed.status, 500, path);
    t.equal(failed.body, "Internal Server Error");
    t.equal((await client.response()).status, 200, `after ${path}`);
  }
  t.equal(client.state, "open");
  t.match(await get(client, "/once"), { status: 200, body: "once" });
  t.match(await get(client, "/once"), { status: 500 }, "a stream can be sent once");
});

t.test("an HttpError may close the connection", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const answer = await get(client, "/http-error-close");
  t.match(answer, { status: 503, body: "away" });
  t.equal(answer.header("connection"), "close");
  t.equal(await client.readToEnd(), "");
});

t.test("methods: automatic HEAD, OPTIONS and 405", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  t.equal((await get(client, "/methods")).body, "got");
  t.equal((await get(client, "/methods", "POST")).body, "posted");
  t.equal((await get(client, "/methods", "HEAD")).header("content-length"), "3");
  const options = await get(client, "/methods", "OPTIONS");
  t.equal(options.status, 204);
  t.equal(options.header("allow"), "GET, HEAD, POST, OPTIONS");
  const refused = await get(client, "/methods", "DELETE");
  t.equal(refused.status, 405);
  t.equal(refused.header("allow"), "GET, HEAD, POST, OPTIONS");
  t.equal((await get(client, "/constant-methods")).body, "constant");
  t.equal((await get(client, "/constant-methods", "HEAD")).header("content-length"), "8");
  t.equal((await get(client, "/constant-methods?match", "PUT")).body, "put true");
  t.equal((await get(client, "/constant-methods", "DELETE")).status, 405);
});

const HOOKED = `
  import { HttpError } from ${JSON.stringify(ERRORS)};
  export default {
    routes: {
      "/throw": () => { throw new Error("cause"); },
      "/reject": async () => { throw new Error("cause"); },
      "/number": () => 7,
      "/http": () => { throw new HttpError(418, "teapot"); },
      "/hook-throws": () => { throw new Error("hook"); },
      "/hook-http": () => { throw new Error("http"); },
      "/hook-nothing": () => { throw new Error("nothing"); },
      "/body": async (request) => { await request.json(); },
    },
    async error(error, request) {
      if (error.message === "hook") throw new Error("again");
      if (error.message === "http") throw new HttpError(503, "from the hook");
      if (error.message === "nothing") return;
      return new Response(error.message + " at " + new URL(request.url).pathname, { status: 502 });
    },
  };
`;

t.test("the error hook", async (t) => {
  const client = await (await startApp(t, HOOKED)).connect();
  t.match(await get(client, "/throw"), { status: 502, body: "cause at /throw" });
  t.match(await get(client, "/reject"), { status: 502, body: "cause at /reject" });
  const named = await get(client, "/number");
  t.match(named.body, /the route "\/number" returned number/, "an invalid result names the route");
  t.match(await get(client, "/http"), { status: 418, body: "teapot" });
  t.match(await get(client, "/hook-throws"), { status: 500 });
  t.match(await get(client, "/hook-http"), { status: 503, body: "from the hook" });
  t.match(await get(client, "/hook-nothing"), { status: 500 });
  const posted = "POST /body HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\n{";
  t.match(await client.request(posted), { status: 502 });
});

t.test("next() and what stands behind it", async (t) => {
  const server = await startApp(t, `
    export default {
      fetch: async (request, context) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/awaits") { await context.next(); return undefined; }
        if (pathname === "/drops") { void context.next(); return undefined; }
        if (pathname === "/twice") { await context.next(); return await context.next(); }
        return "end";
      },
    };
  `);
  for (const path of ["/awaits", "/drops", "/twice", "/awaits"]) {
    t.equal((await fetch(server.url + path)).status, 404, path);
  }
});

t.test("a constant that next() gives is a copy", async (t) => {
  const server = await startApp(t, `
    export default {
      routes: {
        "/constant": {
          handle: async (request, context) => {
            const response = await context.next();
            response.headers.append("x-seen", request.url.slice(-1));
            return response;
          },
        },
        "/*": new Response("constant"),
      },
    };
  `);
  for (const seen of ["1", "2", "3"]) {
    const response = await fetch(`${server.url}/constant?${seen}`);
    t.equal(response.headers.get("x-seen"), seen);
    t.equal(await response.text(), "constant");
  }
});

t.test("a status that nobody knows is sent, one that is none is a 500", async (t) => {
  const { connect } = await startApp(t, `export default (request) => {
    const { searchParams } = new URL(request.url);
    const statusText = searchParams.get("text") ?? "";
    return new Response("x", { status: Number(searchParams.get("status")), statusText });
  };`);
  const client = await connect();
  for (const [query, status, text] of [
    ["status=299", 299, ""], ["status=599&text=Odd", 599, "Odd"],
    ["status=600", 500, "Internal Server Error"], ["status=99", 500, "Internal Server Error"],
  ] as const) {
    const answer = await client.request(`GET /?${query} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.equal(answer.status, status);
    t.equal(answer.statusText, text);
  }
});
