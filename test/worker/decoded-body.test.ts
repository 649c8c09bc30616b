/** Encoded bodies over the wire: every coding and way of reading, limits, bombs, broken data. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as zlib from "node:zlib";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";
import type { RawResponse } from "../support/raw-response.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/decoded-app.mjs");
const isSanitized = process.env["MILLRACE_ADDON"] !== undefined;

function post(path: string, coding: string, body: Buffer, isChunked = false): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Encoding: ${coding}\r\n`;
  if (!isChunked) {
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  }
  const size = body.length === 0 ? "" : `${body.length.toString(16)}\r\n`;
  const end = body.length === 0 ? "0\r\n\r\n" : "\r\n0\r\n\r\n";
  const start = `${head}Transfer-Encoding: chunked\r\n\r\n${size}`;
  return Buffer.concat([Buffer.from(start), body, Buffer.from(end)]);
}

async function ask(server: TestServer, bytes: Buffer): Promise<RawResponse> {
  const client = await server.connect();
  client.write(bytes);
  return await client.response();
}

const TEXT = "caf\u00e9 ".repeat(1000);
const CODED: [coding: string, body: Buffer][] = [
  ["gzip", zlib.gzipSync(TEXT)],
  ["X-GZIP", zlib.gzipSync(TEXT)],
  ["deflate", zlib.deflateSync(TEXT)],
  ["br", zlib.brotliCompressSync(TEXT)],
  ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(TEXT))],
  ["identity, deflate", zlib.deflateSync(TEXT)],
  ["gzip", Buffer.concat([zlib.gzipSync(TEXT.slice(0, 500)), zlib.gzipSync(TEXT.slice(500))])],
];
const { zstdCompressSync } = zlib as { zstdCompressSync?: (text: string) => Buffer };
if (zstdCompressSync !== undefined) CODED.push(["zstd", zstdCompressSync(TEXT)]);

t.test("every coding, every framing", async (t) => {
  const server = await startServer(t, { app, decodeBodies: true });
  const shown = { text: TEXT, encoding: null, length: null, raw: true };
  const length = Buffer.byteLength(TEXT);
  for (const [coding, body] of CODED) {
    for (const isChunked of [false, true]) {
      const text = await ask(server, post("/text", coding, body, isChunked));
      t.strictSame(JSON.parse(text.body), shown, coding);
      const counted = await ask(server, post("/count", coding, body, isChunked));
      t.strictSame(JSON.parse(counted.body), { length, exact: true }, coding);
    }
    t.equal((await ask(server, post("/bytes", coding, body))).body, String(length), coding);
    t.equal((await ask(server, post("/echo", coding, body))).body, TEXT, coding);
    const client = await server.connect();
    await client.writeSlowly(post("/text", coding, body, true));
    t.strictSame(JSON.parse((await client.response()).body), shown, `${coding} in drops`);
  }
  const none = await ask(server, post("/text", "gzip", Buffer.alloc(0), true));
  t.match(JSON.parse(none.body), { text: "" });
  const plain = await ask(server, post("/text", "identity", Buffer.from("abc")));
  t.match(JSON.parse(plain.body), { text: "abc", encoding: "identity", length: "3" });
});

t.test("who decodes", async (t) => {
  const body = zlib.gzipSync("abc");
  for (const decodeBodies of [false, true]) {
    const server = await startServer(t, { app, decodeBodies });
    const texts: Record<string, string> = {};
    for (const path of ["/text", "/off", "/on", "/buffered"]) {
      const { text } = JSON.parse((await ask(server, post(path, "gzip", body))).body);
      texts[path] = text === "abc" ? "decoded" : "as sent";
    }
    t.strictSame(texts, {
      "/text": decodeBodies ? "decoded" : "as sent", "/off": "as sent", "/on": "decoded",
      "/buffered": "decoded",
    });
  }
});

t.test("unknown codings and broken data", async (t) => {
  const server = await startServer(t, { app, decodeBodies: true });
  for (const coding of ["compress", "gzip, what", "gzip,gzip,gzip,gzip,gzip"]) {
    const answer = await ask(server, post("/text", coding, Buffer.from("abc")));
    t.equal(answer.status, 415, coding);
    t.match(answer.header("accept-encoding"), /^gzip, deflate, br/);
  }
  const whole = zlib.gzipSync(randomBytes(100_000));
  const broken: [string, Buffer][] = [
    ["gzip", Buffer.from("no gzip at all")], ["gzip", whole.subarray(0, 50_000)],
    ["gzip", Buffer.concat([whole.subarray(0, 20_000), randomBytes(20_000)])],
    ["deflate", zlib.gzipSync("x")], ["br", Buffer.from("not brotli, this")],
    ["br, gzip", zlib.gzipSync("not brotli")],
  ];
  for (const [coding, body] of broken) {
    for (const path of ["/text", "/count", "/bytes", "/buffered"]) {
      t.equal((await ask(server, post(path, coding, body))).status, 400, `${coding} ${path}`);
    }
  }
});

t.test("limits count what comes out", async (t) => {
  const server = await startServer(t, { app, decodeBodies: true, bodyBytesMax: 2000 });
  const zeros = (length: number): Buffer => zlib.gzipSync(Buffer.alloc(length));
  const cases: [path: string, length: number, status: number][] = [
    ["/bytes", 2000, 200], ["/bytes", 2001, 413], ["/limited", 1000, 200], ["/limited", 1001, 413],
    ["/count", 100_000, 200], ["/buffered", 100_000, 200], ["/buffered", 100_001, 413],
  ];
  for (const [path, length, status] of cases) {
    const answer = await ask(server, post(path, "gzip", zeros(length)));
    t.equal(answer.status, status, `${path} ${length}`);
    if (status === 413) t.equal(answer.header("connection"), "close");
  }
  t.equal((await ask(server, post("/early", "gzip", zeros(5_000_000)))).body, "cancelled");
});

t.test("the limit of streams is none of what is collected, nor of what is encoded", async (t) => {
  const limits = { bodyBytesMax: 20_000, bodyStreamBytesMax: 1000 };
  const server = await startServer(t, { app, decodeBodies: true, ...limits });
  const text = (length: number): Buffer => zlib.gzipSync(randomBytes(length / 2).toString("hex"));
  for (const path of ["/text", "/bytes", "/seen", "/clone", "/cloned", "/made"]) {
    for (const isChunked of [false, true]) {
      t.equal((await ask(server, post(path, "gzip", text(20_000), isChunked))).status, 200, path);
      const refused = await ask(server, post(path, "gzip", text(20_002), isChunked));
      t.same([refused.status, refused.header("connection")], [413, "close"], path);
    }
  }
  t.equal((await ask(server, post("/count", "gzip", text(1000)))).status, 200);
  t.equal((await ask(server, post("/count", "gzip", text(1002)))).status, 413);
  const nothings = Array.from({ length: 100 }, () => zlib.gzipSync(""));
  const long = Buffer.concat([zlib.gzipSync("x"), ...nothings, zlib.gzipSync("y")]);
  t.ok(long.length > 1000);
  t.match((await ask(server, post("/count", "gzip", long))).body, /"length":2,/);
});

t.test("a bomb stops at the limit, in flat memory", { skip: isSanitized }, async (t) => {
  const server = await startServer(t, { app, decodeBodies: true });
  // 1 GiB of zeros, made by a process of its own: about 1 MB.
  const make = "const z = require('zlib').createGzip({ level: 9 }); z.pipe(process.stdout);" +
    "const b = Buffer.alloc(1 << 20); let i = 0; (function go() { while (i++ < 1024)" +
    " if (!z.write(b)) return z.once('drain', go); z.end(); })();";
  const { stdout } = spawnSync(process.execPath, ["-e", make], { maxBuffer: 1 << 24 });
  t.ok(stdout.length > 500_000 && stdout.length < 2_000_000);
  await ask(server, post("/text", "gzip", zlib.gzipSync("warm")));
  const before = Number((await ask(server, post("/peak", "identity", Buffer.alloc(0)))).body);
  for (const path of ["/text", "/bytes", "/buffered", "/limited"]) {
    t.equal((await ask(server, post(path, "gzip", stdout))).status, 413, path);
  }
  const counted = await ask(server, post("/count", "gzip", stdout));
  t.strictSame(JSON.parse(counted.body), { length: 2 ** 30, exact: true }, "streams have no limit");
  const after = Number((await ask(server, post("/peak", "identity", Buffer.alloc(0)))).body);
  t.ok(after - before < 100 << 20, `${(after - before) >> 20} MiB more`);
});
