/**
 * The access log of a running server: what a line says of each kind of answer, rotation under load,
 * a disk that is full, and what a worker that dies leaves behind.
 */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ServeOptions } from "../../src/options.ts";
import { serve } from "../../src/index.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";
import { get } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp, writeApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { ask, switched } from "../support/upgrades.ts";

const APP = `
  async function* pieces() {
    for (let i = 0; i < 3; i++) { yield "x".repeat(1000); await new Promise(setImmediate); }
  }
  async function* endless() {
    for (;;) { yield "x".repeat(60_000); await new Promise(setImmediate); }
  }
  export default {
    routes: {
      "/": () => new Response("hello"),
      "/id": (request, context) => context.requestId,
      "/ids": (request, context) => context.requestId + " " + context.traceparent,
      "/constant": new Response("constant"),
      "/stream": () => new Response(pieces()),
      "/endless": () => new Response(endless()),
      "/never": () => new Promise(() => {}),
      "/die": () => process.exit(1),
      "/up": (request, context) => context.upgrade({
        start: async (socket) => {
          for await (const chunk of socket) socket.write(chunk);
        },
      }),
      "/late": async () => { await new Promise((end) => setTimeout(end, 5)); return "late"; },
    },
  };
`;

interface Line {
  readonly method: string;
  readonly target: string;
  readonly status: number | null;
  readonly bytes: number;
  readonly [name: string]: unknown;
}

interface Logged extends TestServer {
  readonly file: string;
  /** The lines, once there are so many. */
  lines(count: number): Promise<string[]>;
  json(count: number): Promise<Line[]>;
}

t.test("a request has one id in the handler and in the log", async (t) => {
  const server = await start(t, { requestIdHeader: "X-Request-Id" });
  const client = await server.connect();
  const request = (lines: string): string => `GET /id HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  const ids: string[] = [];
  const fields = ["", "x-request-id: r-1\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\n"];
  for (const field of fields) ids.push((await client.request(request(field))).body);
  const lines = await server.json(fields.length);
  t.same(lines.map(({ requestId }) => requestId), ids);
  t.equal(ids[1], "r-1");
});

const TRACE = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const TRACEPARENTS = [
  [], [`00-${TRACE}-01`], [`cc-${TRACE}-ff-more`], [`00-${TRACE}-01`, `00-${TRACE}-01`],
  ["nonsense"], [""], ["", `00-${TRACE}-00`], [`00-${TRACE.toUpperCase()}-01`], [`00-${TRACE}-01-`],
  [`ff-${TRACE}-01`], [`00-${TRACE.slice(0, 32)}`, `${TRACE.slice(32)}-01`],
  [`00-${"0".repeat(32)}-b7ad6b7169203331-01`], [`00-${TRACE}-01\t`],
];

for (const format of ["common", "combined", "json"] as const) {
  t.test(`what a request is called is the same in its handler and in ${format}`, async (t) => {
    const server = await start(t, {
      requestIdHeader: "X-Request-Id", accessLogFormat: format, accessLogIds: format !== "json",
    }, format);
    const called: string[] = [];
    for (let round = 0; round < 2; round++) {
      const client = await server.connect();
      for (const values of TRACEPARENTS) {
        const lines = values.map((value) => `TraceParent: ${value}\r\n`).join("");
        const answer = await client.request(`GET /ids HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
        called.push(answer.body);
      }
    }
    const bad = await server.connect();
    bad.write("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n");
    await bad.readToEnd();
    bad.close();
    const lines = await server.lines(called.length + 1);
    const refused = lines.pop()!;
    t.same(lines.map((line) => idsOf(line, format)), called);
    t.ok(format === "json" || refused.endsWith(" \"-\" \"-\""), refused);
    t.equal(new Set(called.map((each) => each.split(" ")[0])).size, called.length);
    t.ok(called.includes(called[1]!.replace(/ .*/, ` 00-${TRACE}-01`)), "that of the client");
  });
}

function idsOf(line: string, format: "common" | "combined" | "json"): string {
  if (format !== "json") return /"(\S+)" "(\S+)"$/.exec(line)!.slice(1).join(" ");
  const { requestId, traceparent } = JSON.parse(line) as Record<string, string>;
  return `${requestId} ${traceparent}`;
}

async function start(
  owner: Owner,
  options: Partial<ServeOptions> = {},
  format: "common" | "combined" | "json" = "json",
): Promise<Logged> {
  const file = join(ownFolder(owner), "access.log");
  const accessLog = { path: file, format };
  const started = await startApp(owner, APP, { accessLog, ...options });
  const read = (): string[] =>
    existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  const lines = async (count: number): Promise<string[]> => {
    await until(`${count} lines`, () => read().length >= count);
    return read();
  };
  const json = async (count: number): Promise<Line[]> =>
    (await lines(count)).map((line) => JSON.parse(line) as Line);
  return { ...started, file, lines, json };
}

t.test("a switched connection has the line of its head, whatever comes behind it", async (t) => {
  const server = await start(t);
  const [first, second] = [await server.connect(), await server.connect()];
  first.write(`${get()}${ask("/up")}hello`);
  await first.readUntil("\r\n\r\nhello");
  await switched(first);
  await first.readUntil("hello");
  const lines = await server.json(2);
  t.match(lines[0], { target: "/", status: 200, bytes: 5 });
  t.match(lines[1], { target: "/up", status: 101, bytes: 0, aborted: undefined });
  first.write(get());
  await first.readUntil("\r\n\r\n");
  first.close();
  await second.request(get("/constant"));
  t.match((await server.json(3))[2], { target: "/constant" }, "neither its bytes nor its end");
});

t.test("each kind of answer has its line", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const agent = "User-Agent: a\"b\\c\xe9\xff\r\nReferer: /from\r\nX-Request-Id: r-1\r\n";
  await client.request(`GET /?q=1 HTTP/1.1\r\nHost: a\r\n${agent}\r\n`);
  await client.request(get("/constant"));
  await client.request(get("/stream"));
  await client.request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.request(get("/none"));
  await client.request("GET / HTTP/1.0\r\n\r\n");
  const lines = await server.json(6);
  t.match(lines, [
    {
      remote: "127.0.0.1", method: "GET", target: "/?q=1", version: "1.1", status: 200, bytes: 5,
      userAgent: "a\"b\\c\xe9\xff", referer: "/from",
      requestId: /^[\da-f]{16}-/, listener: "default",
    },
    { target: "/constant", status: 200, bytes: 8 },
    { target: "/stream", status: 200, bytes: 3000 + 3 * 7 + 5 },
    { method: "HEAD", target: "/", status: 200, bytes: 0 },
    { target: "/none", status: 404, bytes: 9 },
    { version: "1.0", status: 200, bytes: 5 },
  ]);
  for (const line of lines) {
    t.ok(Math.abs(Date.parse(String(line["time"])) - Date.now()) < 60_000, "its time");
    t.type(line["durationMs"], "number");
    t.notOk("aborted" in line);
  }
  t.match(server.server.stats().accessLog, { lines: 6, dropped: 0, failure: undefined });
});

t.test("pipelined requests have their lines in order", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const paths = ["/late", "/", "/constant", "/late", "/"];
  client.write(paths.map(get).join(""));
  for (let left = paths.length; left > 0; left--) await client.response();
  t.same((await server.json(5)).map(({ target }) => target), paths);
});

t.test("what is refused has a line too", async (t) => {
  const server = await start(t, { headTimeoutMs: 100 });
  const bad = await server.connect();
  bad.write("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n");
  await bad.readToEnd();
  bad.close();
  t.match((await server.json(1))[0], {
    request: "GET /\x01 HTTP/1.1", malformed: /./, status: 400, remote: "127.0.0.1",
  });
  const slow = await server.connect();
  slow.write("GET /slow HTT");
  await slow.readToEnd();
  slow.close();
  t.match((await server.json(2))[1], { request: "GET /slow HTT", status: 408 });
});

t.test("an answer that is cut says so", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(get("/endless"));
  await client.read(1000);
  client.reset();
  const [cut] = await server.json(1);
  t.match(cut, { target: "/endless", status: 200, aborted: true });
  t.ok(cut!.bytes > 0);
  const waiting = await server.connect();
  // The first answer tells that the second request has come too.
  waiting.write(get("/") + get("/never"));
  await waiting.response();
  waiting.reset();
  t.match(await server.json(3), [
    {}, { target: "/" }, { target: "/never", status: null, bytes: 0, aborted: true },
  ]);
});

t.test("a listener may be left out", async (t) => {
  const listeners = [
    { id: "quiet", host: "127.0.0.1", port: 0, accessLog: false },
    { id: "loud", host: "127.0.0.1", port: 0 },
  ];
  const server = await start(t, { listeners });
  const [quiet, loud] = server.server.listeners;
  for (const { port } of [quiet!, loud!]) {
    const client = await connectRaw({ port });
    t.teardown(() => client.close());
    t.equal((await client.request(get())).body, "hello");
    client.close();
  }
  await server.server.close();
  t.match(await server.json(1), [{ listener: "loud" }]);
});

for (const format of ["common", "combined"] as const) {
  t.test(`the lines of ${format}`, async (t) => {
    const file = join(ownFolder(t), "access.log");
    const server = await start(t, { accessLog: file, accessLogFormat: format });
    const client = await server.connect();
    await client.request("GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: \x80\"\r\n\r\n");
    client.close();
    await server.server.close();
    const behind = format === "common" ? "" : " \"-\" \"\\x80\\x22\"";
    const line = readFileSync(file, "utf8");
    t.match(line, /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:[\d:]{8} [-+]\d{4}\] /);
    t.equal(line.slice(line.indexOf("]") + 2), `"GET /a HTTP/1.1" 404 9${behind}\n`);
  });
}

t.test("rotation under load loses no line", async (t) => {
  const server = await start(t, { workers: 2 });
  let sent = 0;
  const over = new AbortController();
  const load = Array.from({ length: 4 }, async () => {
    const client = await server.connect();
    while (!over.signal.aborted) {
      client.write(Array.from({ length: 50 }, () => get(`/?n=${sent++}`)).join(""));
      for (let left = 50; left > 0; left--) await client.response();
    }
    client.close();
  });
  for (let i = 0; i < 5; i++) {
    renameSync(server.file, `${server.file}.${i}`);
    await server.server.reopenLogs();
  }
  over.abort();
  await Promise.all(load);
  await server.server.close();
  const files = [...Array.from({ length: 5 }, (_, i) => `${server.file}.${i}`), server.file];
  const seen = files.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"))
    .filter((line) => line !== "")
    .map((line) => Number((JSON.parse(line) as Line).target.slice(4)));
  t.equal(seen.length, sent);
  t.equal(new Set(seen).size, sent);
});

t.test("a full disk costs lines, one warning and nothing else", async (t) => {
  const server = await start(t, { accessLog: { path: "/dev/full", format: "combined" } });
  const warnings: unknown[] = [];
  server.server.events.on("error", (error) => warnings.push(error));
  const client = await server.connect();
  // Lines of 7,000 bytes: the buffer of a mebibyte is soon full.
  for (let i = 0; i < 4; i++) {
    const batch = get(`/?${"x".repeat(7000)}`).repeat(50);
    client.write(batch);
    for (let each = 0; each < 50; each++) t.equal((await client.response()).status, 200);
  }
  await until("a warning", () => warnings.length > 0);
  const { failure, dropped } = server.server.stats().accessLog!;
  t.equal(failure, "ENOSPC");
  t.ok(dropped > 0);
  t.match(warnings, [{ code: "ERR_MILLRACE_ACCESS_LOG", cause: { code: "ENOSPC" } }]);
  t.equal((await client.request(get())).body, "hello");
  client.close();
  await server.server.close();
  t.equal(warnings.length, 1);
});

t.test("what a worker had answered is written although it died", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(get("/") + get("/constant"));
  await client.response();
  await client.response();
  t.equal((await client.request(get("/die"))).status, 500);
  const lines = await server.json(3);
  t.match(lines, [{ target: "/" }, { target: "/constant" }, { target: "/die", status: 500 }]);
});

t.test("at close everything is written", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  await client.request(get());
  client.close();
  await server.server.close();
  t.equal(readFileSync(server.file, "utf8").trim().split("\n").length, 1);
});

t.test("a file that cannot be opened is an error of serve()", async (t) => {
  const accessLog = join(ownFolder(t), "none", "access.log");
  await t.rejects(serve({ app: writeApp(t, APP), port: 0, accessLog }), {
    code: "ERR_MILLRACE_ACCESS_LOG", cause: { code: "ENOENT" },
  });
});

t.test("a peer on a Unix socket has no address", async (t) => {
  const path = join(ownFolder(t), "s");
  const server = await start(t, { listeners: [{ path }] });
  const client = await connectRaw({ path });
  t.teardown(() => client.close());
  await client.request(get());
  t.match((await server.json(1))[0], { remote: "unix:", status: 200 });
});
