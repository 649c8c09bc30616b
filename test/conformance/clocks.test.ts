/**
 * What the clocks of a connection do not cut: streams that are silent, and peers whose bytes came
 * in time while the thread was held up. What they cut, and when, is in timeouts.test.ts.
 */
import t from "tap";
import { startConformance } from "../support/conformance.ts";

const HOST = "Host: a.test\r\n";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;

/** Of each clock; whoever acts at once acts in time, also on a busy machine. */
const SHORT_MS = 600;
/** Every clock runs out within it and a tick. */
const ALL_SHORT = {
  headTimeoutMs: SHORT_MS,
  bodyTimeoutMs: SHORT_MS,
  idleTimeoutMs: SHORT_MS,
  handlerTimeoutMs: SHORT_MS,
  writeTimeoutMs: SHORT_MS,
};
const LONGER_THAN_ALL_MS = 1500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

t.test("a stream that is silent for longer than every clock is not cut", async (t) => {
  const server = await startConformance(t, ALL_SHORT);
  const streams = [get("/events/e"), get("/events/e").replace("HTTP/1.1", "HTTP/1.0")];
  const clients = await Promise.all(streams.map(async (bytes) => {
    const client = await server.connect();
    client.write(bytes);
    await client.readUntil("data: first\n\n");
    return client;
  }));
  // The clocks do run: a connection beside them is cut meanwhile.
  const idle = await server.connect();
  t.equal(await idle.readToEnd(), "");
  await pause(LONGER_THAN_ALL_MS);
  t.strictSame(clients.map(({ state }) => state), ["open", "open"]);
  await server.open("e");
  for (const client of clients) await client.readUntil("data: second\n\n");
});

t.test("an answer made of a body that stalls is cut, without a second answer", async (t) => {
  const server = await startConformance(t, ALL_SHORT);
  const client = await server.connect();
  client.write(`POST /stream-echo HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`);
  await client.readUntil("3\r\nabc\r\n");
  // Its answer has begun: no 408 can follow, the connection just ends.
  const rest = await client.readToEnd();
  t.notMatch(rest, /HTTP\/1\.1|^0\r\n\r\n/);
});

t.test("a handler within its time is not cut by any other clock", async (t) => {
  const server = await startConformance(t, { handlerTimeoutMs: 60_000, idleTimeoutMs: SHORT_MS });
  const client = await server.connect();
  client.write(get("/wait/w"));
  await server.waits("w");
  await pause(LONGER_THAN_ALL_MS);
  await server.open("w");
  t.equal((await client.response()).body, "w");
});

t.test("what came in time while a handler held the thread up is served", async (t) => {
  const server = await startConformance(t, {
    headTimeoutMs: 1000, bodyTimeoutMs: 1000, idleTimeoutMs: 1000,
  });
  const [head, body, idle, blocker] = await Promise.all(
    [1, 2, 3, 4].map(() => server.connect()),
  );
  head!.write("GET / HTTP/1.1\r\n");
  body!.write(`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 6\r\n\r\nabc`);
  t.equal((await idle!.request(get("/"))).status, 200);
  blocker!.write(get("/block/2500"));
  await pause(100);
  head!.write(`${HOST}\r\n`);
  body!.write("def");
  idle!.write(get("/"));
  t.equal((await head!.response()).status, 200);
  t.equal((await body!.response()).body, "abcdef");
  t.equal((await idle!.response()).status, 200);
  t.equal((await blocker!.response()).status, 200);
});

t.test("what is not the rest that a clock waits for does not stop it", async (t) => {
  const server = await startConformance(t, { headTimeoutMs: 300, idleTimeoutMs: 300 });
  const [head, idle, blocker] = await Promise.all([1, 2, 3].map(() => server.connect()));
  head!.write("GET / HTTP/1.1\r\n");
  t.equal((await idle!.request(get("/"))).status, 200);
  blocker!.write(get("/block/1000"));
  await pause(100);
  head!.write("X: still not complete\r\n");
  idle!.write("\r\n");
  t.equal((await head!.response()).status, 408);
  t.equal(await idle!.readToEnd(), "");
});

t.test("each head has a time of its own, also behind answers without JavaScript", async (t) => {
  const server = await startConformance(t, { headTimeoutMs: 1500 });
  const client = await server.connect();
  t.equal((await client.request(get("/constant"))).body, "constant");
  t.equal((await client.request(get("/constant"))).body, "constant");
  const request = get("/constant");
  client.write(request.slice(0, 3));
  // Each write ends one request and begins the next: no head takes longer than a fifth of it.
  for (let i = 0; i < 6; i++) {
    await pause(300);
    client.write(request.slice(3) + request.slice(0, 3));
    t.equal((await client.response()).body, "constant");
  }
});
