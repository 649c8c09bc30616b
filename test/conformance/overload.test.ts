/** Requests beyond what a worker may hold or work on: 503 before any handler, and then recovery. */
import { gzipSync, constants } from "node:zlib";
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { startConformance } from "../support/conformance.ts";
import type { ConformanceServer } from "../support/conformance.ts";
import type { RawClient } from "../support/raw-client.ts";

const HOST = "Host: a.test\r\n";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
const worker = (
  { server }: Pick<ConformanceServer, "server">,
): { rejected: number; heldBytes: number; inFlight: number } => server.stats().workers[0]!;

t.test("requests in flight", async (t) => {
  const server = await startConformance(t, { inFlightMax: 2 });
  const idle = await server.connect();
  t.equal((await idle.request(get("/constant"))).body, "constant");
  const busy = await Promise.all(["f1", "f2"].map(async (key) => {
    const client = await server.connect();
    client.write(get(`/wait/${key}`));
    return client;
  }));
  await until("two in flight", () => worker(server).inFlight === 2);
  const rejected = await server.transcript(get("/echo"));
  t.equal(rejected, "HTTP/1.1 503 Service Unavailable\r\n" +
    "Content-Type: text/plain;charset=UTF-8\r\nRetry-After: 1\r\nConnection: close\r\n" +
    "Content-Length: 11\r\n\r\noverloaded\n");
  const post = `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`;
  t.match(await server.transcript(post, "bytewise"), /^HTTP\/1\.1 503 /);
  t.equal((await idle.request(get("/constant"))).body, "constant", "needs no handler");
  t.equal(worker(server).rejected, 2);
  t.match(server.server.stats().listeners, [{ rejected: 2 }]);
  // The gates are opened by requests too, so one of the two must go first.
  busy[0]!.reset();
  await until("one in flight", () => worker(server).inFlight === 1);
  await server.open("f2");
  t.equal((await busy[1]!.response()).body, "f2");
  await until("none in flight", () => worker(server).inFlight === 0);
  t.notOk((await server.seen()).includes("POST /echo"));
});

t.test("a rejection waits for the answers before it", async (t) => {
  const server = await startConformance(t, { inFlightMax: 2 });
  const client = await server.connect();
  client.write(get("/wait/r1") + get("/constant") + get("/wait/r2") + get("/wait/r3"));
  await until("the rejection", () => worker(server).rejected > 0);
  t.equal(client.pending, "");
  client.reset();
  await until("none in flight", () => worker(server).inFlight === 0);
  const again = await server.connect();
  again.write(get("/count/3") + get("/wait/r4"));
  t.equal((await again.response()).body, "1,2,3,");
  await server.waits("r4");
  await server.open("r4");
  t.equal((await again.response()).body, "r4");
});

/** Whoever refuses, the client is told to come again and loses the connection. */
async function isOverloaded(t: Test, client: RawClient, why: string): Promise<void> {
  const { status, header, body } = await client.response();
  t.same([status, header("retry-after"), header("connection")], [503, "1", "close"], why);
  t.equal(body, "overloaded\n", why);
}

/** Clients that read nothing, each of which makes the worker hold an answer. */
async function stall(server: ConformanceServer, count: number): Promise<RawClient[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const client = await server.connect();
    client.pause();
    client.write(get("/flood/64"));
    return client;
  }));
}

t.test("memory held in answers that nobody reads", async (t) => {
  const server = await startConformance(t, { memoryBytesMax: 300_000 });
  const idle = await server.connect();
  t.equal((await idle.request(get("/"))).body, "hello");
  const stalled = await stall(server, 10);
  await until("too much", () => worker(server).heldBytes > 300_000);
  t.match(await server.transcript(get("/")), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
  t.match(await server.transcript(get("/constant")), /^HTTP\/1\.1 503 /, "constants too");
  t.ok(worker(server).rejected >= 2);
  t.equal((await idle.request(get("/"))).status, 503);
  for (const client of stalled) client.reset();
  await until("nothing held", () => worker(server).heldBytes === 0);
  t.match(await server.transcript(get("/closing")), /^HTTP\/1\.1 200 /);
});

t.test("memory held in bodies that wait for their readers", async (t) => {
  const server = await startConformance(t, { memoryBytesMax: 200_000, bodyBytesMax: 1_000_000 });
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: 900000\r\n\r\n`;
  const unread = await Promise.all([1, 2, 3, 4, 5].map(async (i) => {
    const client = await server.connect();
    client.write(head(`/read-late/m${i}`));
    await server.waits(`m${i}`);
    return client;
  }));
  for (const client of unread) client.write("x".repeat(900_000));
  await until("too much", () => worker(server).heldBytes > 200_000);
  t.match(await server.transcript(get("/")), /^HTTP\/1\.1 503 /);
  for (const client of unread) client.reset();
  await until("nothing held", () => worker(server).heldBytes === 0);
  const declared = await server.connect();
  declared.write(`${head("/echo")}x`);
  await isOverloaded(t, declared, "a body that is collected must fit");
  const growing = await server.connect();
  growing.write(`POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `ea60\r\n${"x".repeat(60_000)}\r\n`;
  growing.write(chunk + chunk);
  await until("some held", () => worker(server).heldBytes >= 120_000);
  growing.write(chunk + chunk);
  await isOverloaded(t, growing, "also when it grows");
  await until("nothing held", () => worker(server).heldBytes === 0);
});

t.test("bodies within the budget are counted off again, however they are read", async (t) => {
  const server = await startConformance(t, { memoryBytesMax: 10_000_000 });
  const body = "x".repeat(300_000);
  for (const path of ["/echo", "/stream-echo", "/unread", "/cancel"]) {
    const client = await server.connect();
    client.write(`POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n`);
    client.write(body.slice(0, 100_000));
    await until("its head", async () => server.server.stats().listeners[0]!.bytesIn > 0);
    client.write(body.slice(100_000));
    const { status, body: answer } = await client.response();
    t.match([status, answer.length > 0], [200, true], path);
    client.close();
    await until(`nothing held after ${path}`, () => worker(server).heldBytes === 0);
  }
});

const WHOLE = `
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  const wait = async (request) => { await opened; return String((await request.text()).length); };
  export default {
    routes: {
      "/text": async (request) => String((await request.text()).length),
      "/seen": async (request) => request.body && String((await request.text()).length),
      "/cloned": async (request) => [request.clone(), String((await request.text()).length)][1],
      "/clone": async (request) => String((await request.clone().text()).length),
      "/made": async (request) => String((await new Request(request).text()).length),
      "/both": async (request) => {
        const clone = request.clone();
        return String((await clone.text()).length + (await request.text()).length);
      },
      "/beside": async (request) => {
        const clone = request.clone();
        let length = 0;
        for await (const chunk of clone.body) length += chunk.length;
        return String(length);
      },
      "/buffered": { handle: wait, buffered: true },
      "/never": { handle: () => new Promise(() => {}), buffered: true },
      "/late": (request) => new Promise(() => {}),
      "/open": () => (open(), "open"),
    },
  };
`;
const LENGTH = 3_000_000;

async function begin(server: TestServer, path: string, fields: string): Promise<RawClient> {
  const client = await server.connect();
  client.write(`POST ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`);
  return client;
}

t.test("what a decoded body has grown to counts while it is collected", async (t) => {
  const options = { decodeBodies: true, bodyBytesMax: 2 * LENGTH };
  const zipped = gzipSync("x".repeat(LENGTH), { finishFlush: constants.Z_SYNC_FLUSH });
  const fields = `Content-Encoding: gzip\r\nContent-Length: ${zipped.length + 1}\r\n`;
  const server = await startApp(t, WHOLE, { ...options, memoryBytesMax: 4 * LENGTH });
  const client = await begin(server, "/text", fields);
  client.write(zipped);
  await until("all that has come is counted", () => worker(server).heldBytes >= LENGTH);
  client.reset();
  await until("nothing held", () => worker(server).heldBytes === 0);
  const whole = gzipSync("x".repeat(LENGTH));
  const lengths = `Content-Encoding: gzip\r\nContent-Length: ${whole.length}\r\n`;
  const other = await begin(server, "/text", lengths);
  other.write(whole);
  t.equal((await other.response()).body, String(LENGTH));
  await until("nothing held behind the answer", () => worker(server).heldBytes === 0);
  const tight = await startApp(t, WHOLE, { ...options, memoryBytesMax: LENGTH / 2 });
  const refused = await begin(tight, "/text", lengths);
  refused.write(whole);
  await isOverloaded(t, refused, "a small body may be a large one");
  await until("nothing held there", () => worker(tight).heldBytes === 0);
  t.match(await tight.connect().then((again) => again.request(get("/none"))), { status: 404 });
});

t.test("a decoded body that waits whole in its handler counts as it is decoded", async (t) => {
  const options = { decodeBodies: true, bodyBytesMax: LENGTH, memoryBytesMax: 4 * LENGTH };
  const server = await startApp(t, WHOLE, options);
  for (const length of [LENGTH, 1000]) {
    const zipped = gzipSync("x".repeat(length));
    const fields = `Content-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n`;
    const client = await begin(server, "/never", fields);
    client.write(zipped);
    await until(`${length} bytes are held`, () => worker(server).heldBytes === length);
    client.reset();
    await until("nothing held", () => worker(server).heldBytes === 0);
  }
});

t.test("a whole body that waits for its handler, or in it, counts", async (t) => {
  const server = await startApp(t, WHOLE, { memoryBytesMax: 4 * LENGTH, bodyBytesMax: LENGTH });
  const fields = `Content-Length: ${LENGTH}\r\n`;
  const client = await begin(server, "/buffered", fields);
  client.write("x".repeat(LENGTH));
  await until("its body", () => server.server.stats().listeners[0]!.bytesIn > LENGTH);
  await until("it is held", () => worker(server).heldBytes === LENGTH);
  t.equal((await (await server.connect()).request(get("/open"))).body, "open");
  t.equal((await client.response()).body, String(LENGTH));
  await until("nothing held", () => worker(server).heldBytes === 0);
  // A client that goes takes the count along, also if its handler never settles.
  for (const [path, length] of [["/never", LENGTH], ["/late", 60_000]] as const) {
    const lost = await begin(server, path, `Content-Length: ${length}\r\n`);
    await until("its head", () => worker(server).inFlight === 1);
    lost.write("x".repeat(length));
    await until("it is held", () => worker(server).heldBytes === length);
    lost.reset();
    await until(`nothing held after ${path}`, () => worker(server).heldBytes === 0);
  }
});

const READERS = ["/text", "/seen", "/cloned", "/clone", "/made", "/both", "/beside"];

t.test("a body counts however its Request came to be", async (t) => {
  const server = await startApp(t, WHOLE, { memoryBytesMax: 1_000_000, bodyBytesMax: LENGTH });
  const chunk = `ea60\r\n${"x".repeat(60_000)}\r\n`;
  for (const path of READERS) {
    const growing = await begin(server, path, "Transfer-Encoding: chunked\r\n");
    growing.write(chunk.repeat(3));
    await until(`${path} is held`, () => worker(server).heldBytes >= 180_000);
    growing.write(chunk.repeat(20));
    await isOverloaded(t, growing, path);
    await until(`nothing held after ${path}`, () => worker(server).heldBytes === 0);
    const lost = await begin(server, path, "Transfer-Encoding: chunked\r\n");
    lost.write(chunk.repeat(3));
    await until(`${path} is held again`, () => worker(server).heldBytes >= 180_000);
    lost.reset();
    await until(`nothing held after the loss of ${path}`, () => worker(server).heldBytes === 0);
    const client = await begin(server, path, "Transfer-Encoding: chunked\r\n");
    client.write(`${chunk.repeat(3)}0\r\n\r\n`);
    t.equal((await client.response()).body, path === "/both" ? "360000" : "180000", path);
    await until(`nothing held behind ${path}`, () => worker(server).heldBytes === 0);
  }
});
