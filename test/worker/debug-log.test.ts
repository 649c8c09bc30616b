/** Tests of what a listener with `debug` tells its log, read from the file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ServeOptions } from "../../src/options.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp, type TestServer } from "../support/server.ts";

interface Line {
  readonly msg: string;
  readonly listener?: string;
  readonly requestId?: string;
  readonly headers?: [name: string, value: string][];
  readonly body?: string;
  readonly [name: string]: unknown;
}

interface Debugged extends TestServer {
  readonly file: string;
  /** What the log has been told by listeners with `debug`, when there is as much of it. */
  told(count: number): Promise<Line[]>;
}

const APP = `
  export default {
    routes: {
      "/": new Response("constant"),
      "/bare": () => "bare",
      "/echo": async (request) => new Response(await request.bytes(), {
        headers: { "content-type": request.headers.get("content-type") ?? "", "set-cookie": "a=b" },
      }),
      "/pass": (request) => new Response(request.body),
      "/refuse": () => new Response("no", { status: 403 }),
      "/long": () => new Response("x".repeat(5000), { headers: { "x-own": "1" } }),
      "/blob": () => new Response(new Blob(["a blob"])),
      "/hints": (request, context) => {
        context.informational(103, { link: "</a.css>; rel=preload" });
        return new Response(null, { status: 204 });
      },
      "/reset/:token": () => new Response("token in body"),
      "/odd": () => new Response("a\\r\\nb\\u001b[31m\\u009b\\u2028\\u202e\\0", {
        headers: { "x-odd": "\\u0080\\u009f" },
      }),
      "/switch": (request, context) => context.upgrade(
        { async start(socket) { socket.end(); } }, { headers: { "upgrade": "x" } },
      ),
    },
  };
`;

async function start(
  owner: Owner,
  debug: NonNullable<ServeOptions["debug"]>,
  source: string = APP,
  options: Omit<ServeOptions, "app"> = {},
): Promise<Debugged> {
  const file = join(ownFolder(owner), "log");
  const server = await startApp(owner, source, {
    debug, logDestination: file, logLevel: "info", ...options,
  });
  const told = async (count: number): Promise<Line[]> => {
    let lines: Line[] = [];
    await until(`${count} lines`, () => {
      lines = linesOf(file);
      return lines.length >= count;
    });
    return lines;
  };
  return { ...server, file, told };
}

function linesOf(file: string): Line[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg.startsWith("debug"));
}

const post = (path: string, body: string, type = "text/plain"): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\n` +
  `Authorization: Basic c2VjcmV0\r\nCookie: id=secret\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

t.test("four lines a request, with its id; credentials are masked", async (t) => {
  const server = await start(t, true);
  const client = await server.connect();
  const form = "user=ann&password=hidden";
  const type = "application/x-www-form-urlencoded";
  const answer = await client.request(post("/echo?token=hidden&x=1", form, type));
  t.equal(answer.body, form, "what is served is not masked");
  const lines = await server.told(4);
  t.match(lines.map(({ msg }) => msg), [
    "debug: request head", "debug: request body", "debug: response body", "debug: response head",
  ]);
  t.match(lines[0], {
    level: 30, listener: "default", method: "POST", target: "/echo?token=[masked]&x=1",
    version: "1.1", remote: { address: "127.0.0.1", family: "IPv4" },
    headers: [
      ["Host", "a.test"], ["Content-Type", type], ["Authorization", "[masked]"],
      ["Cookie", "[masked]"], ["Content-Length", "24"],
    ],
  });
  t.match(lines[1], { bytes: 24, isComplete: true, body: "user=ann&password=[masked]" });
  t.match(lines[2], { bytes: 24, isComplete: true, body: "user=ann&password=[masked]" });
  t.match(lines[3], { status: 200 });
  const fields = new Map(lines[3]!.headers);
  t.equal(fields.get("set-cookie"), "[masked]");
  t.equal(fields.get("content-length"), "24");
  t.equal(new Set(lines.map(({ requestId }) => requestId)).size, 1);
  t.notMatch(readFileSync(server.file, "utf8"), /hidden|c2VjcmV0|id=secret/);
});

t.test("each switch by itself", async (t) => {
  const all = ["requestHead", "requestBody", "responseHead", "responseBody"] as const;
  for (const name of all) {
    const debug = Object.fromEntries(all.map((each) => [each, each === name]));
    const server = await start(t, debug);
    const client = await server.connect();
    await client.request(post("/echo", "x"));
    await client.request(post("/echo", "y"));
    const lines = await server.told(2);
    const expected = `debug: ${name.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`)}`;
    t.same(lines.map(({ msg }) => msg), [expected, expected]);
  }
});

t.test("constants, handlers without parameters and what no handler answers", async (t) => {
  const server = await start(t, { requestHead: false });
  const client = await server.connect();
  for (const path of ["/", "/", "/bare", "/bare", "/none"]) await client.request(get(path));
  const lines = await server.told(10);
  t.same(lines.filter(({ body }) => body !== undefined).map(({ body }) => body),
    ["constant", "constant", "bare", "bare", "Not Found"]);
  t.same(lines.filter(({ status }) => status !== undefined).map(({ status }) => status),
    [200, 200, 200, 200, 404]);
});

t.test("nothing of a peer or an app is in the log unescaped", async (t) => {
  const server = await start(t, true);
  const client = await server.connect();
  const odd = "\x1b[31m\r\nforged\0\x07\u009b\u2028\u202e";
  await client.request(Buffer.from(post("/echo", odd)));
  await client.request(`GET /odd HTTP/1.1\r\nHost: a.test\r\nX-Odd: \x80\x9b\ta\r\n\r\n`);
  await server.told(7);
  t.notMatch(readFileSync(server.file, "utf8"), /[^\P{Cc}\n]|\p{Zl}|\p{Bidi_Control}/u);
  const [, body] = linesOf(server.file);
  t.equal(body?.body, "\\x1b[31m\\r\\nforged\\x00\\x07\\x9b\\u2028\\u202e");
});

t.test("bodies are cut, also those that come and go in pieces", async (t) => {
  const server = await start(t, { requestHead: false, responseHead: false, bodyBytes: 5 });
  const client = await server.connect();
  await client.request(get("/long"));
  await client.request(get("/blob"));
  const length = 3_000_000;
  const answer = await client.request(post("/pass", "y".repeat(length)));
  t.equal(answer.body.length, length, "it has gone through whole");
  const [long, blob, ...passed] = await server.told(4);
  t.match(long, { bytes: 5000, body: "xxxxx", isComplete: true });
  t.match(blob, { bytes: 6, body: "a blo" });
  t.match(passed.map(({ msg }) => msg).sort(), ["debug: request body", "debug: response body"]);
  for (const line of passed) t.match(line, { bytes: length, body: "yyyyy", isComplete: true });
});

t.test("a body that is cut short, or that nobody has read", async (t) => {
  const server = await start(t, { requestHead: false, responseHead: false, responseBody: false });
  const cut = await server.connect();
  cut.write("POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc");
  cut.end();
  t.match(await server.told(1), [{ body: "abc", bytes: 3, isComplete: false }]);
  const unread = await server.connect();
  unread.write("POST /refuse HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc");
  await unread.response();
  t.match((await server.told(2))[1], { isComplete: false });
});

t.test("a path whose secrets are in it", async (t) => {
  const server = await start(t, { maskPaths: ["/reset/*"] });
  const client = await server.connect();
  await client.request(get("/reset/t0ken?a=b"));
  await client.request(get("/x/%2e%2e/reset/t0ken"));
  const lines = await server.told(6);
  t.match(lines[0], { target: "/reset/[masked]?[masked]" });
  t.match(lines[1], { body: "[masked]" });
  t.match(lines[3], { target: "/reset/[masked]" }, "as routes see it");
  t.notMatch(readFileSync(server.file, "utf8"), /t0ken|token in body/);
});

t.test("a path that a handler has rewritten the request to", async (t) => {
  const source = APP.replace('"/":', `
    "/old": (request, context) => context.rewrite("/reset/t0ken"),
    "/hidden": (request, context) => context.rewrite("/between/t0ken"),
    "/between/:token": (request, context) => context.rewrite("/bare"),
    "/":`);
  const server = await start(t, { maskPaths: ["/reset/*", "/between/*"] }, source);
  const client = await server.connect();
  t.equal((await client.request(get("/old"))).body, "token in body");
  t.equal((await client.request(get("/hidden"))).body, "bare");
  const lines = await server.told(6);
  t.match([lines[1], lines[4]], [{ body: "[masked]" }, { body: "[masked]" }]);
});

t.test("the app's own function", async (t) => {
  const source = APP.replace("export default {", `export default {
    secret: /a\\.test|bare/g,
    debugMask(text, { part, of, name, path }) {
      if (part === "field") return name + " of " + of + ": " + text.replace(this.secret, "*");
      if (part === "target") throw new Error("mine");
      return path + ": " + text.replace(this.secret, "*");
    },`);
  const server = await start(t, true, source);
  const client = await server.connect();
  await client.request(get("/bare"));
  const lines = await server.told(3);
  t.match(lines[0], { target: "[masked]", headers: [["Host", "Host of request: *"]] });
  t.match(lines[1], { body: "/bare: *" });
});

t.test("what is compressed is shown as it was", async (t) => {
  const server = await start(t, { bodyBytes: 3 }, APP, { compression: true });
  const client = await server.connect();
  const ask = get("/long").replace("\r\n\r\n", "\r\nAccept-Encoding: gzip\r\n\r\n");
  const answer = await client.request(ask);
  t.equal(answer.header("content-encoding"), "gzip");
  const [, body, head] = await server.told(3);
  t.match(body, { body: "xxx", bytes: 5000 });
  t.equal(new Map(head?.headers).get("content-encoding"), "gzip");
  t.equal(new Map(head?.headers).get("x-own"), "1");
});

t.test("interim answers, switches and refusals", async (t) => {
  const server = await start(t, { requestBody: false, responseBody: false });
  const client = await server.connect();
  client.write(get("/hints"));
  await client.readUntil("204 No Content");
  t.match((await server.told(3)).slice(1), [
    { status: 103, headers: [["link", "</a.css>; rel=preload"]] }, { status: 204 },
  ]);
  const other = await server.connect();
  other.write(
    "GET /switch HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  );
  await other.readUntil("101 ");
  t.match((await server.told(5))[4], { status: 101 });
  const third = await server.connect();
  third.write("GET nonsense HTTP/1.1\r\n\r\n");
  await third.readToEnd();
  t.match((await server.told(6))[5], {
    msg: "debug: refused", status: 400, remote: { address: "127.0.0.1" },
  });
  t.notMatch(readFileSync(server.file, "utf8"), /nonsense/);
});

t.test("of two listeners with the same routes one tells; also one that is added", async (t) => {
  const server = await start(t, false, APP, {
    host: undefined, port: undefined,
    listeners: [
      { id: "quiet", host: "127.0.0.1", port: 0 },
      { id: "told", host: "127.0.0.1", port: 0, debug: { responseHead: false } },
    ],
  });
  const ask = async (port: number): Promise<void> => {
    const client = await connectRaw({ port });
    t.teardown(() => client.close());
    for (const path of ["/", "/bare", "/"]) await client.request(get(path));
  };
  const [quiet, told] = server.server.listeners;
  await ask(quiet!.port!);
  await ask(told!.port!);
  await ask(quiet!.port!);
  const lines = await server.told(6);
  t.equal(lines.length, 6);
  t.same([...new Set(lines.map(({ listener }) => listener))], ["told"]);
  const added = await server.server.addListener({
    id: "added", host: "127.0.0.1", port: 0, debug: true,
  });
  await ask(added.port!);
  t.match((await server.told(15)).slice(6).map(({ listener }) => listener),
    Array.from({ length: 9 }, () => "added"));
  await server.server.removeListener("added");
  await ask(quiet!.port!);
  t.equal(linesOf(server.file).length, 15, "the others tell nothing");
});
