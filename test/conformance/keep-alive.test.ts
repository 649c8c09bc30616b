/** What answers say about how long the connection is kept, and that the server keeps its word. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import { connectRaw } from "../support/raw-client.ts";

const HOST = "Host: a.test\r\n";
const LINE = "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=74\r\n";

const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;

t.test("an answer that keeps the connection says for how long", async (t) => {
  const server = await startConformance(t, { announceKeepAlive: true });
  const kept = [
    get("/"),
    get("/").replace("GET", "HEAD"),
    get("/constant"),
    get("/constant"),
    get("/nothing-like-it"),
    get("/count/3"),
    get("/", "Connection: keep-alive\r\n"),
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  ];
  const client = await server.connect();
  for (const bytes of kept) {
    client.write(bytes);
    const head = await client.readUntil("\r\n\r\n");
    t.equal(head.split(LINE).length, 2, bytes);
    t.equal(head.match(/keep-alive/gi)?.length, 2, bytes);
    if (bytes.includes("count")) await client.readUntil("0\r\n\r\n");
    else if (!bytes.startsWith("HEAD")) await client.read(Number(/h: (\d+)/.exec(head)?.[1]));
  }
});

t.test("an answer that ends the connection does not", async (t) => {
  const server = await startConformance(t, { announceKeepAlive: true });
  const ended = [
    get("/", "Connection: close\r\n"),
    get("/closing"),
    "GET / HTTP/1.0\r\n\r\n",
    "GET /count/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
  ];
  for (const bytes of ended) {
    const answer = await server.transcript(bytes);
    t.match(answer, /\r\nConnection: close\r\n/, bytes);
    t.notMatch(answer, /keep-alive/i, bytes);
  }
});

t.test("the option switches it off, and each listener says its own time", async (t) => {
  const server = await startConformance(t, {
    announceKeepAlive: true,
    listeners: [
      { host: "127.0.0.1", port: 0, announceKeepAlive: false },
      { host: "127.0.0.1", port: 0, idleTimeoutMs: 9999 },
      { host: "127.0.0.1", port: 0, idleTimeoutMs: 1999 },
    ],
  });
  const expected = [undefined, "timeout=8", undefined];
  for (const [index, { host, port }] of server.server.listeners.entries()) {
    const client = await connectRaw({ host, port });
    t.equal((await client.request(get("/"))).header("keep-alive"), expected[index]);
    client.close();
  }
});

t.test("the server waits longer than it announced", async (t) => {
  const server = await startConformance(t, { announceKeepAlive: true, idleTimeoutMs: 2000 });
  const client = await server.connect();
  t.equal((await client.request(get("/"))).header("keep-alive"), "timeout=1");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const start = performance.now();
  t.equal((await client.request(get("/"))).status, 200, "at the announced time it is served");
  t.equal(await client.readToEnd(), "");
  t.ok(performance.now() - start > 1900, "and it is closed later than that");
});
