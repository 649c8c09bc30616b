/** The app without a server answers as with one: both are asked the same. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { createFetch } from "../src/create-fetch.ts";
import { startServer, writeApp } from "./support/server.ts";

/** Every way to answer that a server and a call of the app have in common. */
const APP = `
  const closed = [];
  export default {
    table: [
      { path: "/table", methods: ["GET"], handler: () => new Response("row one") },
      { prefix: "/table/", handler: (request) => (
        request.url.endsWith("?skip") ? undefined : "row two"
      ) },
      { path: "/table/x", handler: "constant" },
      { path: "/admin", headers: { "x-key": "7" }, handler: () => "with the key" },
      { path: "/old", handler: "redirect:/new" },
    ],
    handlers: { constant: new Response("constant", { headers: { "x-from": "constant" } }) },
    routes: {
      "/": () => new Response("root"),
      "/users/:id": {
        GET: (request) => Response.json({ id: request.params.id, url: request.url }),
        PUT: async (request, context) => Response.json({
          text: await request.text(),
          route: context.route.pattern,
          type: request.headers.get("content-type"),
        }, { status: 201 }),
      },
      "/files/*": (request) => request.params["*"],
      "/constant": new Response("always", { headers: { "cache-control": "no-store" } }),
      "/decline": () => undefined,
      "/next": async (request, context) => {
        const inner = await context.next();
        return new Response("<" + await inner.text() + ">", { status: inner.status });
      },
      "/rewrite": (request, context) => context.rewrite("/users/again?via=rewrite"),
      "/loop": (request, context) => context.rewrite("/loop"),
      "/thrown": () => { throw new Response("thrown", { status: 418, statusText: "Teapot" }); },
      "/failed": () => { throw new Error("secret"); },
      "/hooked": () => { throw new TypeError("for the hook"); },
      "/nothing": () => 7,
      "/bytes": () => new Uint8Array([1, 2, 255]),
      "/no-content": () => new Response(null, { status: 204 }),
      "/not-modified": () => new Response(null, { status: 304, headers: { etag: '"a"' } }),
      "/empty": () => new Response(null),
      "/stream": () => new Response((async function* () {
        yield "one,"; await new Promise((resolve) => setTimeout(resolve, 5)); yield "two";
      })(), { headers: { "content-type": "text/plain" } }),
      "/broken-at-once": () => new Response((async function* () { throw new Error("at once"); })()),
      "/broken-in-turn/:count": ({ params: { count } }) => new Response((async function* () {
        for (let at = 0; at < Number(count); at++) yield "piece";
        await null;
        throw new Error("in the turn");
      })()),
      "/broken-stream": () => new Response(new ReadableStream({
        start() { this.at = 0; },
        pull(controller) {
          if (this.at++ < 3) controller.enqueue(new Uint8Array(10));
          else controller.error(new Error("in the turn"));
        },
      })),
      "/broken-large": () => new Response((async function* () {
        yield new Uint8Array(40_000); throw new Error("behind what is sent at once");
      })()),
      "/broken-short": () => new Response((async function* () { yield "a"; yield "b"; })(), {
        headers: { "content-length": "3" },
      }),
      "/broken-later": () => new Response((async function* () {
        yield "a"; await new Promise((resolve) => setImmediate(resolve)); throw new Error("later");
      })()),
      "/cookies": (request) => {
        const seen = request.cookies.get("a");
        request.cookies.set("b", "2", { httpOnly: true });
        request.cookies.delete("a");
        return new Response(seen, { headers: { "set-cookie": "c=3" } });
      },
      "/echo": async (request) => {
        const body = request.body === null ? null : await request.text();
        return Response.json({ body, length: request.headers.get("content-length") });
      },
      "/echo-stream": (request) => new Response(request.body),
      "/limited": { POST: { bodyBytesMax: 4, handle: async (request) => await request.text() } },
      "/buffered": {
        POST: { buffered: true, handle: async (request) => await request.json() && "ok" },
      },
      "/raw-headers": (request, { rawHeaders }) => (
        Response.json(rawHeaders.filter(([name]) => /^x-/i.test(name)))
      ),
      "/reply": (request, context) => {
        const reply = context.reply();
        reply.status(202, "Taken").header("x-reply", "yes");
        reply.write("a"); reply.write("b");
        reply.end("c");
      },
      "/reply-late": async (request, context) => {
        const reply = context.reply();
        await reply.flush();
        await reply.write("first ");
        await new Promise((resolve) => setTimeout(resolve, 5));
        await reply.end("second");
      },
      "/reply-error": (request, context) => {
        const reply = context.reply();
        reply.write("gone"); reply.error(409, "no");
      },
      "/reply-redirect": (request, context) => context.reply().redirect("/elsewhere", 307),
      "/reply-forgotten": async (request, context) => { context.reply().end(); },
      "/reply-producer": (request, context) => {
        let n = 0;
        context.reply().stream((reply) => {
          if (++n > 3) reply.end();
          else reply.write("piece " + n + ";");
        });
      },
      "/interim": (request, context) => {
        context.informational(103, { link: "</a.css>; rel=preload" });
        return new Response("after");
      },
      "/big": () => new Response("x".repeat(200000)),
      "/vary": () => new Response("y".repeat(5000), { headers: { etag: '"v"' } }),
      "/own-length": () => new Response("1234", { headers: { "content-length": "9" } }),
      "/upgrade-field": () => new Response("no", { status: 426, headers: { upgrade: "other" } }),
      "/trailers": (request, context) => {
        context.addTrailers({ "x-sum": "1" });
        return new Response("text", { headers: { trailer: "x-more" } });
      },
      "/context": (request, context) => Response.json({
        listener: context.listener.name, remote: context.connection.remote.address,
        closed: context.connection.closed,
        pinned: typeof context.pin, signal: request.signal.aborted, id: typeof context.requestId,
      }),
      "/publish": (request, context) => Response.json(context.publish("t", "data")),
    },
    fetch: (request) => (
      new URL(request.url).pathname.startsWith("/fetch") ? new Response("by fetch") : undefined
    ),
    error: (error) => (
      error instanceof TypeError ? new Response(error.message, { status: 503 }) : undefined
    ),
  };
`;

type Asked = readonly [path: string, init?: RequestInit];

/** More than `bodyBytesMax` takes. */
const big = "b".repeat(1_100_000);
/** Never there at once, however busy the machine is: turns are counted, not milliseconds. */
const pieces = (): ReadableStream<Uint8Array> => new ReadableStream({
  async pull(controller) {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.enqueue(Buffer.from("piece"));
    controller.close();
  },
});
const post = (body: NonNullable<RequestInit["body"]>, headers = {}): RequestInit => (
  { method: "POST", body, headers, duplex: "half" }
);

const PATHS = [
  "/", "/?q=1", "/table", "/table/a", "/table/x", "/table/x?skip", "/table/none?skip", "/admin",
  "/old", "/users/7", "/users/%C3%A4?a=b%20c", "/users/a/b", "/files/a/b.txt", "/constant",
  "/decline", "/next", "/rewrite?seen=1", "/loop", "/thrown", "/failed", "/hooked", "/nothing",
  "/bytes", "/no-content", "/not-modified", "/empty", "/stream", "/broken-at-once", "/cookies",
  "/broken-in-turn/1", "/broken-in-turn/2", "/broken-in-turn/100", "/broken-stream",
  "/broken-large", "/broken-short", "/broken-later",
  "/reply", "/reply-late", "/reply-error", "/reply-redirect", "/reply-forgotten",
  "/reply-producer", "/interim", "/big", "/vary", "/own-length", "/upgrade-field", "/context",
  "/trailers", "/publish", "/fetch/x", "/none", "/%zz", "/a/../users/8", "//users/7",
  `/${"l".repeat(9000)}`,
];

const TABLE: readonly Asked[] = [
  ...PATHS.flatMap((path): Asked[] => [[path], [path, { method: "HEAD" }]]),
  ...["/", "/users/7", "/table", "/constant", "/none", "/fetch/x"].flatMap((path): Asked[] => [
    [path, { method: "OPTIONS" }], [path, { method: "DELETE" }], [path, { method: "PURGE" }],
    [path, { method: "NONE" }],
  ]),
  ["/users/7", { method: "PUT", body: "ä text" }],
  ["/users/7", { method: "PUT", body: new URLSearchParams({ a: "b c" }) }],
  ["/admin", { headers: { "x-key": "7" } }],
  ["/cookies", { headers: { cookie: "a=1; z=26" } }],
  ["/raw-headers", { headers: [["x-one", "1"], ["x-two", "\u00e9"]] }],
  ["/vary", { headers: { "accept-encoding": "identity" } }],
  ["/none", post("x".repeat(5000))], ["/limited", post("x".repeat(1500))],
  ["/echo", post("x".repeat(1500))],
  ["/echo-stream", post("x".repeat(1500))], ["/echo-stream", post("x".repeat(2500))],
  ["/echo"], ["/echo", post("")], ["/echo", post("text")], ["/echo", { method: "POST" }],
  ["/echo", post(new Uint8Array([104, 105]))], ["/echo", post(pieces())],
  ["/echo", post(big)], ["/echo-stream", post("stream me")], ["/echo-stream", post(pieces())],
  ["/echo-stream", post(big)],
  ["/limited", post("1234")], ["/limited", post("12345")], ["/limited", post(pieces())],
  ["/limited", { method: "GET" }],
  ["/buffered", post("{}")], ["/buffered", post("no json")], ["/buffered", post(pieces())],
  ["/", { headers: Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`x-${i}`, "v"])) }],
  ["/", { headers: { "x-long": "v".repeat(17_000) } }],
];

/** Without what a connection adds, and what says when. */
const LEFT_OUT = new Set(["date", "connection", "keep-alive", "transfer-encoding"]);

async function shown(answer: Promise<Response>): Promise<unknown> {
  let response: Response;
  try {
    response = await answer;
  } catch (error) {
    return { error: (error as Error).name };
  }
  const { status, statusText } = response;
  const headers = [...response.headers].filter(([name]) => !LEFT_OUT.has(name));
  const body = await response.arrayBuffer().then(
    (bytes) => Buffer.from(bytes).toString("latin1"),
    (error: unknown) => ({ error: (error as Error).message }),
  );
  return { status, statusText, headers: headers.map(String).toSorted(), body };
}

/** A stream can be sent once. */
function freshInit(init: RequestInit | undefined): RequestInit | undefined {
  if (!(init?.body instanceof ReadableStream)) return init;
  return { ...init, body: pieces() };
}

for (const [name, options] of [
  ["with its defaults", {}],
  ["with other limits", {
    bodyBytesMax: 1000, bodyStreamBytesMax: 2000, targetBytesMax: 20, methods: ["GET", "POST"],
  }],
  ["with headers and compression", {
    compression: true, headers: { server: "mill", "x-from": "default" },
  }],
] as const) {
  void t.test(`answers as a server does, ${name}`, async (t) => {
    const path = writeApp(t, APP);
    const { url } = await startServer(t, { app: path, ...options });
    const fetchApp = await createFetch(path, { logLevel: "silent", ...options });
    t.teardown(() => fetchApp.close());
    // undici asks for codings and decodes them, which fetchApp does not: both are asked for none.
    for (const [target, init] of TABLE) {
      const asked = (): RequestInit => {
        const given = freshInit(init) ?? {};
        const headers = new Headers(given.headers);
        if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
        return { redirect: "manual", ...given, headers };
      };
      const served = await shown(fetch(url + target, asked()));
      const called = await shown(fetchApp(url + target, asked()));
      t.same(called, served, `${init?.method ?? "GET"} ${target.slice(0, 60)}`);
    }
  });
}

void t.test("init runs before the first call, close once and behind what runs", async (t) => {
  const seen: string[] = [];
  const standard = globalThis.Response;
  const fetchApp = await createFetch({
    init: ({ id, generation }) => void seen.push(`init ${id} ${generation}`),
    close: () => void seen.push("close"),
    fetch: (_request, context) => {
      context.waitUntil(new Promise<void>((resolve) => setTimeout(() => {
        seen.push("background");
        resolve();
      }, 10)));
      return new Response(seen.join());
    },
  });
  t.not(globalThis.Response, standard, "the classes of a worker");
  t.equal(await (await fetchApp("/")).text(), "init 1 1");
  await Promise.all([fetchApp.close(), fetchApp.close()]);
  t.same(seen, ["init 1 1", "background", "close"]);
  t.equal(globalThis.Response, standard);
  await t.rejects(fetchApp("/"), { code: "ERR_MILLRACE_SERVER_CLOSED" });
});

void t.test("the app is an object, a function, a path or a URL", async (t) => {
  const path = writeApp(t, 'export default { routes: { "/": () => "a module" } };');
  const apps = [
    [(): string => "a function", "a function"],
    [{ routes: { "/": () => "an object" } }, "an object"],
    [path, "a module"],
    [pathToFileURL(path), "a module"],
  ] as const;
  for (const [app, text] of apps) {
    const fetchApp = await createFetch(app);
    t.equal(await (await fetchApp(new URL("https://mill.example/"))).text(), text);
    t.equal(await (await fetchApp(new Request("http://localhost/"))).text(), text);
    await fetchApp.close();
  }
});

void t.test("what is wrong with an app or an option is said as by serve()", async (t) => {
  const standard = globalThis.Response;
  const wrong: readonly (readonly [code: string, app: unknown, options: object])[] = [
    ["ERR_MILLRACE_APP_NOT_FOUND", "./no-such-app.mjs", {}],
    ["ERR_MILLRACE_APP_SHAPE", {}, {}],
    ["ERR_MILLRACE_ROUTE_INVALID", { routes: { x: () => "" } }, {}],
    ["ERR_MILLRACE_INIT_FAILED", { fetch: () => "", init: () => { throw new Error("no"); } }, {}],
    ["ERR_MILLRACE_OPTION_UNKNOWN", () => "", { port: 1 }],
    ["ERR_MILLRACE_OPTION_INVALID", () => "", { bodyBytesMax: -1 }],
  ];
  for (const [code, app, options] of wrong) {
    await t.rejects(createFetch(app as never, options), { code }, code);
    t.equal(globalThis.Response, standard);
  }
});

void t.test("a URL of https is a request over TLS, and the listener is named", async (t) => {
  const fetchApp = await createFetch((request, context) => Response.json({
    url: request.url, ...context.listener,
  }), { listener: { id: "admin", data: { mill: 1 } } });
  t.teardown(() => fetchApp.close());
  t.same(await (await fetchApp("https://mill.example/a?b#c")).json(), {
    url: "https://mill.example/a?b", id: "admin", name: "admin", data: { mill: 1 },
  });
});

void t.test("what is no URL of HTTP is no request", async (t) => {
  const fetchApp = await createFetch(() => "never");
  t.teardown(() => fetchApp.close());
  for (const url of ["ftp://mill.example/", "data:,a", new URL("file:///a")]) {
    const message = `createFetch calls an app by http: or https:, not by ${String(url)}`;
    await t.rejects(fetchApp(url), new TypeError(message));
  }
});

void t.test("what is no app is told in the words of createFetch", async (t) => {
  for (const app of [5, null, undefined, true, ""]) {
    await t.rejects(createFetch(app as never), {
      code: "ERR_MILLRACE_OPTION_INVALID", message: /^(?!.*workers)/,
    }, String(app));
  }
});
