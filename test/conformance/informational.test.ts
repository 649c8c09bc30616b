/** Interim answers: in their turn, to those who may get them, and never after the final one. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const APP = `
  const gates = new Map();
  const gate = (key) => {
    let found = gates.get(key);
    if (found === undefined) {
      found = {};
      found.opened = new Promise((resolve) => (found.open = resolve));
      gates.set(key, found);
    }
    return found;
  };
  const hint = { link: "</style.css>; rel=preload" };
  const errors = [];
  const attempt = (run) => {
    try { run(); errors.push("sent"); } catch (error) { errors.push(error.code ?? error.name); }
  };
  export default {
    routes: {
      "/wait/:key": async (request) => {
        await gate(request.params.key).opened;
        return new Response(request.params.key);
      },
      "/open/:key": (request) => { gate(request.params.key).open(); return new Response("open"); },
      "/hints": async (request, context) => {
        context.informational(103, hint);
        await null;
        context.informational(102);
        context.informational(103, { ...hint, "x-second": "1", connection: "close" });
        return new Response("hinted");
      },
      "/hinted-stream": (request, context) => {
        context.informational(103, hint);
        return new Response((async function* () {
          attempt(() => context.informational(103, hint));
          yield "stream";
        })());
      },
      "/wrong": (request, context) => {
        for (const status of [101, 99, 200, 103.5, "103"]) {
          attempt(() => context.informational(status));
        }
        attempt(() => context.informational(103, { "x-a": "b\\r\\nc" }));
        attempt(() => context.informational(103, { "x-a": "v".repeat(65_536) }));
        return Response.json(errors.splice(0));
      },
      "/errors": () => Response.json(errors.splice(0)),
      "/continue": async (request, context) => {
        context.informational(100);
        await gate("body").opened;
        return new Response(await request.text());
      },
      "/flood/:key": async (request, context) => {
        const value = "v".repeat(60_000);
        for (let i = 0; i < 400; i++) context.informational(103, { "x-fill": value });
        return new Response("survived");
      },
      "/memory": () => Response.json(process.memoryUsage.rss()),
    },
  };
`;
const ask = (path: string, version = "1.1"): string =>
  `GET ${path} HTTP/${version}\r\nHost: a\r\n\r\n`;
const LINK = "link: </style.css>; rel=preload\r\n";
const HINTS =
  `HTTP/1.1 103 Early Hints\r\n${LINK}\r\n` +
  "HTTP/1.1 102 Processing\r\n\r\n" +
  `HTTP/1.1 103 Early Hints\r\n${LINK}x-second: 1\r\n\r\n`;

t.test("before the final answer, as bytes", async (t) => {
  const server = await startApp(t, APP, { headers: { Server: "mine" } });
  const client = await server.connect();
  client.write(ask("/hints"));
  t.equal((await client.read(HINTS.length)).toString(), HINTS);
  const final = await client.response();
  t.match([final.status, final.body, final.header("server")], [200, "hinted", "mine"]);
});

t.test("behind earlier pipelined answers, which wait for theirs", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  client.write(ask("/wait/one") + ask("/hints") + ask("/wait/two"));
  await fetch(`${server.url}/open/two`);
  t.equal(client.pending, "");
  await fetch(`${server.url}/open/one`);
  t.equal((await client.response()).body, "one");
  t.equal((await client.read(HINTS.length)).toString(), HINTS);
  t.equal((await client.response()).body, "hinted");
  t.equal((await client.response()).body, "two");
  t.equal(client.pending, "");
});

t.test("not to HTTP/1.0, and not after the final head", async (t) => {
  const server = await startApp(t, APP);
  const old = await server.connect();
  t.match(await old.request(ask("/hints", "1.0")), { status: 200, body: "hinted" });
  const client = await server.connect();
  client.write(ask("/hinted-stream"));
  t.match(await client.readUntil("\r\n\r\n"), /^HTTP\/1.1 103 Early Hints\r\n/);
  t.equal((await client.response()).body, "stream");
  const errors = await (await fetch(`${server.url}/errors`)).json();
  t.strictSame(errors, ["ERR_MILLRACE_RESPONSE_SENT"]);
});

t.test("what is none is refused", async (t) => {
  const { url } = await startApp(t, APP);
  const errors = await (await fetch(`${url}/wrong`)).json();
  t.strictSame(errors, [
    ...Array.from({ length: 5 }, () => "RangeError"), "TypeError", "ERR_MILLRACE_RESPONSE_HEADERS",
  ]);
});

t.test("100 asks for the body before the handler reads it, once", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  client.write("POST /continue HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" +
    "Content-Length: 4\r\n\r\n");
  t.equal(await client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.write("body");
  await fetch(`${server.url}/open/body`);
  t.equal((await client.response()).body, "body");
});

t.test("a flood of them ends the connection at the hard limit, not the server", async (t) => {
  const server = await startApp(t, APP, { outputHardBytesMax: 2_097_152 });
  const front = await server.connect();
  front.pause();
  front.write(ask("/flood/front"));
  const behind = await server.connect();
  behind.write(ask("/wait/never") + ask("/flood/behind"));
  await until("both connections to be closed", () => (
    server.server.stats().listeners[0]!.connections === 0
  ));
  t.equal((await fetch(`${server.url}/errors`)).status, 200);
});
