/** Limits and clocks per listener: two listeners of one worker hold to their own values. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import type { ConformanceServer } from "../support/conformance.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";

const HOST = "Host: a.test\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;

/** A connection to each of the two listeners. */
async function both(server: ConformanceServer): Promise<[RawClient, RawClient]> {
  const [, second] = server.server.listeners;
  const other = await connectRaw({ host: second?.host, port: second?.port });
  t.teardown(() => other.close());
  return [await server.connect(), other];
}

/** What each of the two listeners answers. */
async function statuses(server: ConformanceServer, bytes: string): Promise<number[]> {
  return await Promise.all((await both(server)).map(async (client) => {
    client.write(bytes);
    const { status } = await client.response();
    client.close();
    return status;
  }));
}

t.test("sizes", async (t) => {
  const server = await startConformance(t, {
    bodyStreamBytesMax: 2000,
    listeners: [
      { host: "127.0.0.1", port: 0, headBytesMax: 300, headersMax: 5, bodyBytesMax: 10,
        bodyStreamBytesMax: 20 },
      { host: "127.0.0.1", port: 0, headBytesMax: 65_535, headersMax: 4000, targetBytesMax: 400 },
    ],
  });
  const long = `GET / HTTP/1.1\r\n${HOST}X: ${"x".repeat(60_000)}\r\n\r\n`;
  t.strictSame(await statuses(server, long), [431, 200]);
  const many = `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(3000)}\r\n`;
  t.strictSame(await statuses(server, many), [431, 200]);
  const few = `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(5)}\r\n`;
  t.strictSame(await statuses(server, few), [431, 200]);
  const target = (size: number): string => `GET /${"x".repeat(size)} HTTP/1.1\r\n${HOST}\r\n`;
  t.strictSame(await statuses(server, target(350)), [414, 200]);
  t.strictSame(await statuses(server, target(401)), [414, 414]);
  const post = (length: number): string =>
    `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n${"x".repeat(length)}`;
  t.strictSame(await statuses(server, post(10)), [200, 200]);
  t.strictSame(await statuses(server, post(11)), [413, 200]);
  t.strictSame(await statuses(server, post(21)), [413, 200]);
  const chunked = `POST /stream-echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
  const [narrow, wide] = await both(server);
  const body = `15\r\n${"x".repeat(21)}\r\n0\r\n\r\n`;
  for (const client of [narrow, wide]) client.write(chunked + body);
  t.equal((await narrow.response()).status, 413);
  t.equal((await wide.response()).body, "x".repeat(21));
});

t.test("a parser that has served one listener holds to the limits of the other", async (t) => {
  const server = await startConformance(t, {
    listeners: [
      { host: "127.0.0.1", port: 0, headersMax: 3 },
      { host: "127.0.0.1", port: 0, headersMax: 300 },
    ],
  });
  const fields = (count: number): string =>
    `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(count)}\r\n`;
  for (let i = 0; i < 3; i++) {
    t.strictSame(await statuses(server, fields(2)), [200, 200]);
    t.strictSame(await statuses(server, fields(299)), [431, 200]);
  }
});

t.test("pipelined requests: beyond its limit a connection is not read on", async (t) => {
  const server = await startConformance(t, {
    listeners: [
      { host: "127.0.0.1", port: 0, pipelineMax: 2 },
      { host: "127.0.0.1", port: 0, pipelineMax: 8 },
    ],
  });
  const clients = await both(server);
  const names = ["narrow", "wide"];
  for (const [index, client] of clients.entries()) {
    const get = (i: number): string => `GET /wait/${names[index]}-${i} HTTP/1.1\r\n${HOST}\r\n`;
    client.write([0, 1, 2, 3].map(get).join(""));
  }
  await server.waits("wide-3");
  await server.waits("narrow-1");
  t.notOk((await server.seen()).includes("GET /wait/narrow-2"));
  for (const name of names) for (let i = 0; i < 4; i++) await server.open(`${name}-${i}`);
  for (const [index, client] of clients.entries()) {
    for (let i = 0; i < 4; i++) t.equal((await client.response()).body, `${names[index]}-${i}`);
  }
});

t.test("clocks", async (t) => {
  const server = await startConformance(t, {
    headTimeoutMs: 800,
    listeners: [
      { host: "127.0.0.1", port: 0, idleTimeoutMs: 800, handlerTimeoutMs: 800 },
      { host: "127.0.0.1", port: 0, headTimeoutMs: 60_000 },
    ],
  });
  const [quick, patient] = await both(server);
  t.equal(await quick.readToEnd(), "", "idle");
  t.equal((await patient.request(GET)).status, 200);
  const [first, second] = await both(server);
  for (const client of [first, second]) client.write("GET / HTTP/1.1\r\n");
  t.equal((await first.response()).status, 408, "the head's clock of the server");
  second.write(`${HOST}\r\n`);
  t.equal((await second.response()).status, 200, "and the listener's own");
  const [limited, free] = await both(server);
  for (const client of [limited, free]) client.write(`GET /wait/w HTTP/1.1\r\n${HOST}\r\n`);
  t.equal((await limited.response()).status, 503, "the handler's");
  await server.open("w");
  t.equal((await free.response()).body, "w");
});
