/** The clocks of a connection. The server's timer ticks every 100 ms and is never early. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import { until } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const POST = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";

/** Bytes again and again until the server ends the connection, so that no silence helps it. */
function drip(client: RawClient, byte: string): () => void {
  const timer = setInterval(() => client.write(byte), 20);
  return () => clearInterval(timer);
}

async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

t.test("a head that takes too long is a 408, also if it comes drop by drop", async (t) => {
  const server = await startConformance(t, { headTimeoutMs: 300 });
  for (const start of ["G", "GET / HTTP/1.1\r\nX: "]) {
    const client = await server.connect();
    const ms = await elapsed(async () => {
      client.write(start);
      const stop = start.length > 1 ? drip(client, "x") : () => undefined;
      t.equal((await client.response()).status, 408);
      stop();
    });
    t.ok(ms >= 295, `${ms}`);
    t.equal(await client.readToEnd(), "");
  }
});

t.test("the head's clock starts with its first byte, not before", async (t) => {
  const server = await startConformance(t, { headTimeoutMs: 300, idleTimeoutMs: 5000 });
  const client = await server.connect();
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.equal((await client.request(GET)).body, "hello");
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.equal((await client.request(GET)).body, "hello");
});

t.test("an idle connection is closed with FIN, without an answer", async (t) => {
  const server = await startConformance(t, { idleTimeoutMs: 300 });
  const used = await server.connect();
  const ms = await elapsed(async () => {
    const fresh = await server.connect();
    t.equal((await used.request(GET)).body, "hello");
    t.equal(await fresh.readToEnd(), "");
  });
  t.ok(ms >= 295, `${ms}`);
  t.equal(await used.readToEnd(), "");
});

t.test("requests keep a connection from being idle", async (t) => {
  const server = await startConformance(t, { idleTimeoutMs: 1500 });
  const client = await server.connect();
  for (let i = 0; i < 8; i++) {
    t.equal((await client.request(GET)).body, "hello");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  client.write("GET /wait/long HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await server.waits("long");
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await server.open("long");
  t.equal((await client.response()).body, "long", "a handler that works is not idle");
});

t.test("a body without progress is a 408 for its reader; one that moves is not", async (t) => {
  const server = await startConformance(t, { bodyTimeoutMs: 1200, headTimeoutMs: 1400 });
  const stalled = await server.connect();
  const ms = await elapsed(async () => {
    stalled.write(`${POST}abc`);
    t.equal((await stalled.response()).status, 408);
  });
  t.ok(ms >= 1195, `${ms}`);
  t.equal(await stalled.readToEnd(), "");
  const slow = await server.connect();
  slow.write(POST);
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    slow.write("x");
  }
  t.equal((await slow.response()).body, "xxxxxxxxxx");
});

t.test("a body that its handler does not want yet has no clock", async (t) => {
  const server = await startConformance(t, { bodyTimeoutMs: 300 });
  const client = await server.connect();
  const head = "POST /read-late/w HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n";
  client.write(`${head}Content-Length: 3\r\n\r\n`);
  await server.waits("w");
  await new Promise((resolve) => setTimeout(resolve, 800));
  t.equal(client.pending, "");
  await server.open("w");
  await client.readUntil("HTTP/1.1 100 Continue\r\n\r\n");
  client.write("abc");
  t.equal((await client.response()).body, "abc");
});

t.test("a handler that takes too long is a 503, in its turn", async (t) => {
  const server = await startConformance(t, { handlerTimeoutMs: 300 });
  const client = await server.connect();
  client.write("GET /wait/never HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.equal((await client.response()).status, 503);
  t.equal(await client.readToEnd(), "");
});

t.test("the handler's clock runs while a body is incomplete, also one that comes", async (t) => {
  const server = await startConformance(t, { handlerTimeoutMs: 600 });
  const head = "POST /wait/never HTTP/1.1\r\nHost: a.test\r\nContent-Length: 200000\r\n\r\n";
  for (const isDripped of [false, true]) {
    const client = await server.connect();
    const ms = await elapsed(async () => {
      client.write(`${head}abc`);
      const stop = isDripped ? drip(client, "x") : () => undefined;
      t.equal((await client.response()).status, 503);
      stop();
    });
    t.ok(ms >= 595, `${ms}`);
    t.equal(await client.readToEnd(), "");
  }
  t.equal(server.server.stats().workers[0]!.inFlight, 0, "nothing of them is left");
});

t.test("a body that stalls is a 408 also while nobody has asked for it yet", async (t) => {
  const server = await startConformance(t, { bodyTimeoutMs: 300 });
  const client = await server.connect();
  client.write("POST /read-late/s HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc");
  await server.waits("s");
  await new Promise((resolve) => setTimeout(resolve, 800));
  client.write("defghij"); // too late
  await server.open("s");
  t.equal((await client.response()).status, 408);
  t.equal(await client.readToEnd(), "");
});

t.test("a peer that takes nothing is dropped; one that is slow is not", async (t) => {
  const server = await startConformance(t, { writeTimeoutMs: 1500 });
  const stalled = await server.connect();
  stalled.socket.pause();
  stalled.write("GET /flood/1000 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const slow = await server.connect();
  slow.write("GET /flood/10 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  for (let i = 0; i < 8; i++) {
    slow.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 250));
    slow.socket.resume();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.equal((await slow.response()).bodyBytes.length, 10 << 20);
  await until("its end", () => server.server.stats().listeners[0]!.connections === 1);
  stalled.socket.resume();
  await t.rejects(stalled.response(), /ended|reset/);
});

t.test("empty lines do not keep an idle connection", async (t) => {
  const server = await startConformance(t, { idleTimeoutMs: 400 });
  const client = await server.connect();
  const ms = await elapsed(async () => {
    t.equal((await client.request(GET)).body, "hello");
    const stop = drip(client, "\r\n");
    t.equal(await client.readToEnd(), "");
    stop();
  });
  t.ok(ms >= 395, `${ms}`);
});

t.test("constant answers keep a connection from being idle", async (t) => {
  const server = await startConformance(t, { idleTimeoutMs: 1500 });
  const client = await server.connect();
  for (let i = 0; i < 8; i++) {
    const request = "GET /constant HTTP/1.1\r\nHost: a.test\r\n\r\n";
    t.equal((await client.request(request)).body, "constant");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
});

t.test("bytes from a peer that takes nothing do not keep it", async (t) => {
  const server = await startConformance(t, { writeTimeoutMs: 400 });
  const client = await server.connect();
  client.pause();
  const head = "POST /flood/100 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.write(head);
  const stop = drip(client, "1\r\nx\r\n");
  const { connections } = server.server.stats().workers[0]!;
  t.ok(connections <= 1);
  await until("the connection", () => server.server.stats().listeners[0]!.requests === 1);
  await until("its end", () => server.server.stats().listeners[0]!.connections === 0);
  stop();
});

t.test("each of pipelined handlers has a clock of its own", async (t) => {
  const server = await startConformance(t, { handlerTimeoutMs: 2000 });
  const client = await server.connect();
  const wait = (key: string): string => `GET /wait/${key} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  client.write(wait("c1") + wait("c2"));
  await server.waits("c2");
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await server.open("c1");
  t.equal((await client.response()).body, "c1");
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await server.open("c2");
  t.equal((await client.response()).body, "c2");
});
