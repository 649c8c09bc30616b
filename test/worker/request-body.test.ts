/** Bodies of requests over the wire: every way of reading, limits, backpressure, early answers. */
import { createHash } from "node:crypto";
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import type { ServeOptions } from "../../src/options.ts";

const app = repositoryFile("test/fixtures/bodies-app.mjs");
const start = (owner: Owner, options: Omit<ServeOptions, "app"> = {}): Promise<TestServer> =>
  startServer(owner, { ...options, app });

type Framing = "declared" | "chunked";

/** What may have been done with a Request before its body is read: see the app. */
const BEFORE = ["seen", "cloned", "clone", "clones", "made", "remade", "moved"] as const;

function post(path: string, body: string | Buffer, framing: Framing, chunk = 4000): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const head = `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/x\r\n`;
  if (framing === "declared") {
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
  }
  const parts: Buffer[] = [Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0; at < bytes.length; at += chunk) {
    const piece = bytes.subarray(at, at + chunk);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8)) & 255;
  return bytes;
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function opened({ url }: TestServer): Promise<void> {
  await until("a handler at the gate", async () =>
    await (await fetch(`${url}/-/waiting`)).json() === true);
  await fetch(`${url}/-/open`);
}

t.test("every way of reading, both framings, whole and in drops", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const text = "caf\u00e9 \u{1f600}";
  const ask = async (path: string, body: string | Buffer, framing: Framing): Promise<string> => {
    const bytes = post(path, body, framing, 3);
    client.write(bytes);
    const whole = (await client.response()).body;
    await client.writeSlowly(bytes);
    t.equal((await client.response()).body, whole, `${path}, ${framing}, byte by byte`);
    return whole;
  };
  const facts = { length: Buffer.byteLength(text), digest: digest(Buffer.from(text)) };
  for (const framing of ["declared", "chunked"] as const) {
    t.equal(await ask("/text", text, framing), text);
    t.equal(await ask("/text", `\ufeff${text}`, framing), text, "without a byte order mark");
    t.equal(await ask("/text", Buffer.from([0x61, 0xff, 0x62]), framing), "a\ufffdb");
    t.strictSame(JSON.parse(await ask("/json", `{"a":"${text}"}`, framing)), { a: text });
    for (const path of ["/bytes", "/buffer", "/stream", "/byob"]) {
      t.strictSame(JSON.parse(await ask(path, text, framing)), facts, path);
    }
    t.strictSame(JSON.parse(await ask("/blob", text, framing)), { type: "text/x", text });
    t.strictSame(JSON.parse(await ask("/clone", text, framing)), [text, text]);
    t.strictSame(JSON.parse(await ask("/null", text, framing)), { isNull: false });
    t.equal(await ask("/echo", text, framing), text);
    const used = { second: "TypeError", bodyUsed: true };
    t.strictSame(JSON.parse(await ask("/twice", text, framing)), used);
  }
  const none = await client.request("POST /null HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.strictSame(JSON.parse(none.body), { isNull: true });
  const empty = await client.request(post("/stream-none", "", "chunked"), "POST");
  t.equal(empty.status, 404);
});

t.test("forms", async (t) => {
  const { url } = await start(t);
  const form = new FormData();
  form.set("a", "1");
  form.set("b", "\u00e9");
  const answer = await fetch(`${url}/form`, { method: "POST", body: form });
  t.strictSame(await answer.json(), [["a", "1"], ["b", "\u00e9"]]);
  const body = new URLSearchParams("x=y+z");
  const encoded = await fetch(`${url}/form`, { method: "POST", body });
  t.strictSame(await encoded.json(), [["x", "y z"]]);
});

t.test("lengths around every buffer", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const length of [1, 4095, 4096, 32_000, 32_768, 33_000, 65_535, 65_536, 70_000, 131_072,
    262_144, 1_048_576]) {
    const body = pattern(length);
    for (const framing of ["declared", "chunked"] as const) {
      for (const path of ["/bytes", "/stream", "/byob"]) {
        client.write(post(path, body, framing, 10_000));
        const facts = JSON.parse((await client.response()).body);
        t.strictSame(facts, { length, digest: digest(body) }, `${path} ${framing} ${length}`);
      }
    }
  }
});

t.test("10 MiB up and down at once, intact", async (t) => {
  const { url } = await start(t);
  const body = pattern(10 << 20);
  for (const path of ["/echo", "/stream"]) {
    const answer = await fetch(url + path, { method: "POST", body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (path === "/echo") t.equal(digest(bytes), digest(body));
    else t.strictSame(JSON.parse(String(bytes)), { length: body.length, digest: digest(body) });
  }
});

/** Reads what must be a 413 that closes the connection, while still sending. */
async function refused(client: RawClient, bytes: Buffer): Promise<void> {
  client.write(bytes);
  const answer = await client.response();
  t.equal(answer.status, 413);
  t.equal(answer.header("connection"), "close");
  t.equal(await client.readToEnd(), "");
}

t.test("bodyBytesMax", async (t) => {
  const server = await start(t, { bodyBytesMax: 1000 });
  for (const framing of ["declared", "chunked"] as const) {
    for (const path of ["/text", "/bytes", "/json", "/blob", "/buffer", "/form"]) {
      for (const length of [1001, 5000, 200_000, 3_000_000]) {
        await refused(await server.connect(), post(path, Buffer.alloc(length, 97), framing, 300));
      }
    }
    const client = await server.connect();
    client.write(post("/text", "x".repeat(1000), framing, 300));
    t.equal((await client.response()).body.length, 1000);
    client.write(post("/stream", "x".repeat(100_000), framing));
    t.equal(JSON.parse((await client.response()).body).length, 100_000, "streams have no limit");
    client.write(post("/swallow", "x".repeat(2000), framing, 300));
    t.equal((await client.response()).body, "413 ERR_MILLRACE_BODY_TOO_LARGE");
  }
});

t.test("a body that was looked at, cloned, or given to another Request", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const facts = (body: Buffer): unknown => ({ length: body.length, digest: digest(body) });
  const small = pattern(100);
  const large = pattern(300_000);
  for (const what of BEFORE) {
    for (const framing of ["declared", "chunked"] as const) {
      for (const way of ["bytes", "buffer", "stream", "byob"]) {
        client.write(post(`/before/${what}/${way}`, large, framing, 10_000));
        t.strictSame(JSON.parse((await client.response()).body), facts(large), `${what} ${way}`);
        await client.writeSlowly(post(`/before/${what}/${way}`, small, framing));
        t.strictSame(JSON.parse((await client.response()).body), facts(small), `${what} ${way}`);
      }
      client.write(post(`/before/${what}/text`, "\ufeffcaf\u00e9", framing, 2));
      t.equal((await client.response()).body, "caf\u00e9", what);
      client.write(post(`/before/${what}/json`, "[1]", framing, 2));
      t.equal((await client.response()).body, "[1]", what);
    }
  }
});

t.test("its limits are those of any other body", async (t) => {
  const server = await start(t, { bodyBytesMax: 10_000, bodyStreamBytesMax: 1000 });
  for (const what of BEFORE) {
    for (const framing of ["declared", "chunked"] as const) {
      for (const way of ["text", "json", "bytes", "buffer", "blob", "form"]) {
        for (const length of [10_001, 200_000]) {
          const bytes = post(`/before/${what}/${way}`, Buffer.alloc(length, 97), framing, 300);
          await refused(await server.connect(), bytes);
        }
      }
      for (const length of [1001, 5000]) {
        const bytes = post(`/before/${what}/stream`, Buffer.alloc(length), framing, 300);
        await refused(await server.connect(), bytes);
      }
      const client = await server.connect();
      client.write(post(`/before/${what}/text`, "x".repeat(10_000), framing, 300));
      t.equal((await client.response()).body.length, 10_000, `${what} ${framing}`);
      client.write(post(`/before/${what}/stream`, "x".repeat(1000), framing, 300));
      t.equal(JSON.parse((await client.response()).body).length, 1000, `${what} ${framing}`);
    }
  }
});

t.test("its declared length is refused before it comes, without 100 Continue", async (t) => {
  const server = await start(t, { bodyBytesMax: 1000 });
  const streaming = await start(t, { bodyBytesMax: 2000, bodyStreamBytesMax: 1000 });
  for (const what of BEFORE) {
    for (const expect of ["", "Expect: 100-continue\r\n"]) {
      const client = await server.connect();
      const head = `POST /before/${what}/text HTTP/1.1\r\nHost: a.test\r\n${expect}`;
      await refused(client, Buffer.from(`${head}Content-Length: 1001\r\n\r\n`));
      for (const way of ["stream", "byob"]) {
        const length = "Content-Length: 1001\r\n\r\n";
        const other = head.replace("/text", `/${way}`);
        await refused(await streaming.connect(), Buffer.from(other + length));
      }
    }
    const client = await server.connect();
    const head = `POST /before/${what}/text HTTP/1.1\r\nHost: a.test\r\n`;
    client.write(`${head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await client.readUntil("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    t.equal((await client.response()).body, "abc", what);
    for (const framing of ["declared", "chunked"] as const) {
      client.write(post(`/before/${what}/swallow`, "x".repeat(2000), framing, 300));
      t.equal((await client.response()).body, "413 ERR_MILLRACE_BODY_TOO_LARGE");
    }
  }
});

t.test("bodyStreamBytesMax", async (t) => {
  const server = await start(t, { bodyBytesMax: 1000, bodyStreamBytesMax: 2000 });
  for (const framing of ["declared", "chunked"] as const) {
    for (const length of [2001, 5000, 200_000]) {
      await refused(await server.connect(), post("/stream", Buffer.alloc(length), framing, 300));
    }
    const client = await server.connect();
    client.write(post("/stream", "x".repeat(2000), framing, 300));
    t.equal(JSON.parse((await client.response()).body).length, 2000);
  }
});

t.test("a stream limit below that of whole bodies limits streams alone", async (t) => {
  const server = await start(t, { bodyBytesMax: 10_000, bodyStreamBytesMax: 1000 });
  for (const framing of ["declared", "chunked"] as const) {
    const client = await server.connect();
    client.write(post("/text", "x".repeat(5000), framing, 300));
    t.equal((await client.response()).body.length, 5000);
    await client.writeSlowly(post("/gate/text", "x".repeat(1500), framing, 300).subarray(0, 1400));
    client.write(post("/gate/text", "x".repeat(1500), framing, 300).subarray(1400));
    await opened(server);
    t.equal((await client.response()).body, "1500", `read late, ${framing}`);
    await refused(await server.connect(), post("/stream", "x".repeat(1001), framing, 300));
  }
});

t.test("a declared length above both limits never reaches a handler", async (t) => {
  const server = await start(t, { bodyBytesMax: 1000, bodyStreamBytesMax: 2000 });
  const client = await server.connect();
  client.write("POST /unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2001\r\n\r\n");
  t.equal((await client.response()).status, 413);
  t.equal(await client.readToEnd(), "");
});

/** Writes until the peer takes no more; resolves to how much it took. */
async function fill(client: RawClient, most: number): Promise<number> {
  const { socket } = client;
  const piece = Buffer.alloc(65_536);
  let written = 0;
  while (written < most) {
    written += piece.length;
    if (socket.write(piece)) continue;
    const drained = await Promise.race([
      new Promise((resolve) => socket.once("drain", () => resolve(true))),
      new Promise((resolve) => setTimeout(() => resolve(false), 400)),
    ]);
    if (drained === false) return written;
  }
  return written;
}

t.test("an unread body stops the peer, reading it goes on", async (t) => {
  const server = await start(t, { bodyBytesMax: 1 << 30 });
  const total = 64 << 20;
  for (const path of ["/gate/text", "/gate/stream", "/gate/slow"]) {
    const client = await server.connect();
    client.write(`POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
    const written = await fill(client, total);
    t.ok(written < 32 << 20, `${path}: ${written} bytes were taken unread`);
    await opened(server);
    client.write(Buffer.alloc(total - written));
    t.match((await client.response()).body, new RegExp(String(total)));
  }
});

t.test("an answer before the body is read", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const framing of ["declared", "chunked"] as const) {
    for (const length of [10, 50_000, 200_000]) {
      client.write(post("/unread", Buffer.alloc(length), framing));
      t.equal((await client.response()).body, "not read", `${framing} ${length}`);
    }
  }
  const bytes = post("/text", "still here", "declared");
  client.write(bytes);
  t.equal((await client.response()).body, "still here", "short rests are dropped");
  for (const framing of ["declared", "chunked"] as const) {
    const other = await server.connect();
    other.write(post("/unread", Buffer.alloc(3_000_000), framing));
    t.equal((await other.response()).body, "not read");
    t.equal(await other.readToEnd(), "", "a long rest costs the connection");
  }
});

t.test("absent is null, empty is empty, whatever the method", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
    const ask = async (framing: string): Promise<string> => {
      const head = `${method} /null HTTP/1.1\r\nHost: a.test\r\n${framing}\r\n`;
      return (await client.request(head, method)).body;
    };
    t.equal(await ask(""), '{"isNull":true}', method);
    t.equal(await ask("Content-Length: 0\r\n"), '{"isNull":false}', method);
    client.write(`${method} /text HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi`);
    t.equal((await client.response()).body, "hi", method);
    client.write(`${method} /bytes HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
    t.match((await client.response()).body, /"length":0/, method);
    client.write(
      `${method} /stream HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n` +
        "0\r\n\r\n",
    );
    t.match((await client.response()).body, /"length":0/, method);
  }
});

t.test("a cancelled body stops the peer until the answer", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const total = 64 << 20;
  client.write(`POST /cancel HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
  const written = await fill(client, total);
  t.ok(written < 32 << 20, `${written} bytes were taken`);
  await opened(server);
  t.equal((await client.response()).body, "cancelled");
});

t.test("Expect: 100-continue", async (t) => {
  const server = await start(t, { bodyBytesMax: 1000 });
  const head = (path: string, length: number): string =>
    `POST ${path} HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n` +
    `Content-Length: ${length}\r\n\r\n`;
  for (const path of ["/text", "/stream", "/bytes"]) {
    const client = await server.connect();
    client.write(head(path, 3));
    await client.readUntil("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    t.equal((await client.response()).status, 200, path);
    client.write(`${head(path, 3)}abc`);
    const next = await client.response();
    t.ok(next.status === 200 || next.status === 100, "sent without waiting");
  }
  const unread = await server.connect();
  unread.write(head("/unread", 3));
  const answer = await unread.response();
  t.equal(answer.body, "not read", "no 100 for a body that is not read");
  t.equal(answer.header("connection"), "close");
  t.equal(await unread.readToEnd(), "");
  for (const path of ["/looked", "/looked/stream"]) {
    const looking = await server.connect();
    looking.write(head(path, 3));
    const seen = await looking.response();
    t.equal(seen.status, 200, `${path}: to look at the body is not to read it`);
    t.equal(seen.header("connection"), "close");
    t.equal(await looking.readToEnd(), "");
  }
  const echo = await server.connect();
  echo.write(head("/echo", 3));
  await echo.readUntil("HTTP/1.1 100 Continue\r\n\r\n");
  echo.write("abc");
  t.equal((await echo.response()).body, "abc", "100 comes before the head of an answer made of it");
  const large = await server.connect();
  large.write(head("/text", 2000));
  t.equal((await large.response()).status, 413, "no 100 for what is too large");
});
