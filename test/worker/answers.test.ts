/** Answers on the wire: each kind of body, with each method, framed as the RFC wants it. */
import t from "tap";
import { repositoryFile } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/answers-app.mjs");
const start = (owner: Owner): Promise<TestServer> => startServer(owner, { app });
const ask = (path: string, method = "GET", version = "1.1"): string =>
  `${method} ${path} HTTP/${version}\r\nHost: a.test\r\n\r\n`;

const text = "caf\u00e9 ".repeat(20_000);
const bytes = Buffer.from(new Uint8Array(200_000).map((_, i) => i * 7));
const PLAIN = "text/plain;charset=UTF-8";

interface Kind {
  readonly body: string | Buffer;
  readonly type?: string;
  /** Its length is not known beforehand. */
  readonly isChunked?: boolean;
}

const KINDS: Record<string, Kind> = {
  string: { body: "text", type: PLAIN },
  json: { body: '{"a":"\u00e9"}', type: "application/json" },
  "long-string": { body: text, type: PLAIN },
  "exact-string": { body: "x".repeat(65_536), type: PLAIN },
  bytes: { body: Buffer.from([1, 2, 3]) },
  "long-bytes": { body: bytes },
  buffer: { body: bytes },
  blob: { body: "blob", type: "text/x" },
  "long-blob": { body: bytes },
  stream: { body: "ab", isChunked: true },
  iterable: { body: "abc", isChunked: true },
  readable: { body: "ab", isChunked: true },
  long: { body: Buffer.concat(Array.from({ length: 50 }, () => bytes)), isChunked: true },
  parameters: { body: "a=b+c", type: "application/x-www-form-urlencoded;charset=UTF-8" },
  empty: { body: "" },
  "empty-string": { body: "", type: PLAIN },
  "empty-stream": { body: "", isChunked: true },
  declared: { body: "abcd" },
  "own-length": { body: "text", type: PLAIN },
};

t.test("each kind of body, from each kind of handler, to GET and HEAD", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const [name, { body, type, isChunked = false }] of Object.entries(KINDS)) {
    const wanted = Buffer.from(body);
    for (const way of ["sync", "request", "async"]) {
      const path = `/${way}/${name}`;
      client.write(ask(path));
      const answer = await client.response();
      t.ok(answer.bodyBytes.equals(wanted), path);
      client.write(ask(path, "HEAD"));
      const head = await client.response("HEAD");
      const length = isChunked ? undefined : `${wanted.length}`;
      t.equal(answer.header("content-length"), length, path);
      // Without a body nothing is known of GET's.
      t.equal(head.header("content-length"), name === "empty" ? undefined : length, path);
      for (const { status, header } of [answer, head]) {
        t.equal(status, 200, path);
        t.equal(header("content-type"), type, path);
        t.equal(header("transfer-encoding"), isChunked ? "chunked" : undefined, path);
      }
    }
  }
  t.equal(client.pending, "");
});

t.test("the same to HTTP/1.0, where the end of the connection ends a stream", async (t) => {
  const server = await start(t);
  for (const [name, { body, isChunked = false }] of Object.entries(KINDS)) {
    const client = await server.connect();
    client.write(ask(`/sync/${name}`, "GET", "1.0"));
    const answer = await client.response();
    t.ok(answer.bodyBytes.equals(Buffer.from(body)), name);
    t.equal(answer.header("transfer-encoding"), undefined);
    t.equal(answer.header("connection"), "close");
    t.equal(answer.header("content-length") === undefined, isChunked);
  }
});

t.test("all kinds in one pipeline", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const names = Object.keys(KINDS).filter((name) => name !== "long");
  for (const way of ["sync", "async"]) {
    client.write(names.map((name) => ask(`/${way}/${name}`)).join(""));
    for (const name of names) {
      const { bodyBytes } = await client.response();
      t.ok(bodyBytes.equals(Buffer.from(KINDS[name]!.body)), name);
    }
  }
});

t.test("statuses without a body", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const status of [204, 304]) {
    const answer = await client.request(ask(`/${status}`));
    t.equal(answer.status, status);
    t.equal(answer.header("transfer-encoding"), undefined);
    t.equal(answer.header("content-length"), status === 204 ? undefined : "7");
    if (status === 304) t.equal(answer.header("etag"), '"x"');
  }
  const reset = await client.request(ask("/205"));
  t.equal(reset.status, 205);
  t.equal(reset.header("content-length"), "0");
});

t.test("statuses, reasons and fields", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const reason = await client.request(ask("/reason"));
  t.match(reason, { status: 299, statusText: "Mostly Fine", body: "r" });
  t.match(await client.request(ask("/unknown-status")), { status: 599, statusText: "" });
  const cookies = await client.request(ask("/cookies"));
  const set = cookies.headers.filter(([name]) => name.toLowerCase() === "set-cookie");
  t.strictSame(set.map(([, value]) => value), ["a=1", "b=1", "c=1"]);
  t.equal(cookies.header("x-many"), "1, 2");
  t.equal((await client.request(ask("/date"))).header("date"), "Thu, 01 Jan 1970 00:00:00 GMT");
  t.equal((await client.request(ask("/latin1"))).header("x-name"), "caf\u00e9");
  const framing = await client.request(ask("/framing"));
  t.equal(framing.body, "f", "framing is the server's own");
  for (const name of ["transfer-encoding", "connection", "keep-alive"]) {
    t.equal(framing.header(name), undefined, name);
  }
  const large = await client.request(ask("/large-head"));
  t.equal(large.header("x-large")?.length, 60_000);
  t.equal((await client.request(ask("/sync/string"))).body, "text");
});

t.test("Date is the present second", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const before = Math.floor(Date.now() / 1000);
  const { header } = await client.request(ask("/sync/string"));
  const date = Date.parse(header("date") ?? "") / 1000;
  t.ok(date >= before - 1 && date <= Date.now() / 1000);
  t.match(header("date"), /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
});

t.test("HEAD keeps a length that the handler gives for the body it leaves out", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/head-own", "HEAD"))).header("content-length"), "1234");
  t.equal((await client.request(ask("/sync/string", "HEAD"))).header("content-length"), "4");
});

t.test("one Response object returned again and again", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/shared").repeat(50));
  for (let i = 0; i < 50; i++) {
    const { body, header } = await client.response();
    t.equal(body, "shared");
    t.equal(header("x-shared"), "1");
  }
});

t.test("what cannot be sent is a 500 in its place while nothing was sent", async (t) => {
  const server = await start(t);
  const paths = ["/too-long", "/too-short", "/throwing-stream", "/odd-chunk", "/throwing-at-once"];
  const client = await server.connect();
  for (const path of paths) {
    client.write(ask("/sync/string") + ask(path) + ask("/sync/string"));
    t.equal((await client.response()).body, "text");
    t.match(await client.response(), { status: 500 }, path);
    t.equal((await client.response()).body, "text");
  }
});

t.test("Response.error() ends the connection behind earlier answers", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/sync/string") + ask("/error") + ask("/sync/string"));
  t.equal((await client.response()).body, "text");
  t.equal(await client.readToEnd(), "");
});

t.test("what contradicts itself is a 500, and the connection goes on", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const paths = ["/wrong-length", "/wrong-blob", "/no-length", "/two-lengths", "/coding",
    "/204-length", "/too-large-head"];
  for (const path of paths) {
    const answer = await client.request(ask(path));
    t.equal(answer.status, 500, path);
    t.equal(answer.body, "Internal Server Error", path);
  }
  const foreign = await client.request(ask("/204-foreign"));
  t.equal(foreign.status, 204);
  t.equal(foreign.header("content-length"), undefined);
  t.equal((await client.request(ask("/sync/string"))).body, "text");
  t.equal(client.pending, "");
});

t.test("Upgrade is named by Connection, and close is the server's to add", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const answer = await client.request(ask("/upgrade"));
  t.equal(answer.status, 426);
  t.equal(answer.header("upgrade"), "h2c");
  const named = answer.headers.filter(([name]) => name.toLowerCase() === "connection");
  t.strictSame(named.map(([, value]) => value), ["x-own, Upgrade", "close"]);
  t.equal(await client.readToEnd(), "");
});
