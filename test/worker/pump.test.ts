/** Streams against real sockets: backpressure, and producers that hear of the end. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile, sanitized } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/answers-app.mjs");
const start = (owner: Owner): Promise<TestServer> => startServer(owner, { app });
const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function own<T>({ url }: TestServer, path: string): Promise<T> {
  return await (await fetch(`${url}/-/${path}`)).json() as T;
}

/** What has been logged since the last call, collected until `holds` is true. */
async function logged(server: TestServer, wanted: string): Promise<void> {
  const all: unknown[] = [];
  await until(wanted, async () => {
    all.push(...await own<unknown[]>(server, "log"));
    return all.includes(wanted);
  });
}

/** The chunk count when it has stood still for a while. */
async function stopped(server: TestServer): Promise<number> {
  let last = -1;
  let same = 0;
  await until("the producer to stop", async () => {
    const [count] = await own<number[]>(server, "log");
    // A producer that makes nothing leaves the log empty.
    if (count === undefined) same++;
    else {
      last = count;
      same = 0;
    }
    return same >= 20;
  });
  return last;
}

t.test("a stalled reader stops its producer, memory stays flat", async (t) => {
  const server = await start(t);
  for (const [path, name] of [
    ["/endless", "iterable"], ["/endless-stream", "stream"], ["/endless-readable", "readable"],
  ] as const) {
    const client = await server.connect();
    client.socket.pause();
    client.write(ask(path));
    const chunks = await stopped(server);
    // What the kernel holds for both ends, and one buffer of ours.
    t.ok(chunks > 0 && chunks * 16_384 < 24 << 20, `${path}: ${chunks} chunks were made`);
    const before = await own<number>(server, "memory");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const grown = await own<number>(server, "memory") - before;
    if (!sanitized) t.ok(grown < 16 << 20, `${grown} bytes`);
    client.close();
    await logged(server, `${name} ended`);
  }
});

t.test("a reader that goes on lets the producer go on", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/endless"));
  let received = 0;
  client.socket.removeAllListeners("data");
  client.socket.on("data", (data) => (received += data.length));
  client.socket.resume();
  await until("64 MiB", () => received > 64 << 20);
  client.close();
  await logged(server, "iterable ended");
});

t.test("many stalled readers beside one that reads", async (t) => {
  const server = await start(t);
  for (let i = 0; i < 20; i++) {
    const client = await server.connect();
    client.socket.pause();
    client.write(ask("/endless"));
  }
  const reader = await server.connect();
  for (let i = 0; i < 20; i++) {
    reader.write(ask("/sync/long"));
    t.equal((await reader.response()).bodyBytes.length, 50 * 200_000);
  }
});

t.test("the producer's finally runs when the client goes away, by FIN or by reset", async (t) => {
  const server = await start(t);
  const endings: ["close" | "reset", string, string][] = [
    ["close", "/endless", "iterable ended"], ["reset", "/endless", "iterable ended"],
    ["close", "/endless-stream", "stream ended"], ["reset", "/endless-readable", "readable ended"],
  ];
  for (const [how, path, wanted] of endings) {
    const client = await server.connect();
    client.write(ask(path));
    await client.readUntil("\r\n\r\n");
    if (how === "close") client.close();
    else client.socket.resetAndDestroy();
    await logged(server, wanted);
  }
});

t.test("a stream that is waiting for its turn is cancelled when the client goes", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/endless") + ask("/sync/stream"));
  await client.readUntil("\r\n\r\n");
  client.socket.resetAndDestroy();
  await logged(server, "cancelled");
});

t.test("HEAD does not start a producer, and tells its stream", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/endless").replace("GET", "HEAD"));
  t.equal((await client.response("HEAD")).status, 200);
  t.strictSame(await own(server, "log"), []);
  client.write(ask("/sync/stream").replace("GET", "HEAD"));
  await client.response("HEAD");
  await logged(server, "cancelled");
});

t.test("a stream that is longer than its length is cancelled", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/too-long"));
  await logged(server, "cancelled");
});

/** Around the size from which on a piece leaves from where it lies, and longer than a burst. */
const SIZES = [
  32_767, 32_768, 1, 65_536, 131_072, 0, 131_073, 17, 262_144, 399_000, 32_768, 1024, 32_769,
];
const REUSED = Buffer.concat(SIZES.map((size, number) => Buffer.alloc(size, number)));

t.test("a large piece is sent as it was when it was yielded", async (t) => {
  const server = await start(t);
  for (const memory of ["plain", "shared", "resizable"]) {
    for (const more of ["", "&length"]) {
      const client = await server.connect();
      client.socket.pause(); // so that the socket fills, and what is left must be kept
      const path = `/reused?memory=${memory}&sizes=${SIZES.join()}${more}`;
      client.write(ask(path) + ask("/sync/string"));
      await own(server, "log");
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.socket.resume();
      const { bodyBytes, headers } = await client.response();
      t.ok(REUSED.equals(bodyBytes), `${memory}${more}: ${bodyBytes.length} bytes`);
      const hasLength = headers.some(([name]) => name.toLowerCase() === "content-length");
      t.equal(hasLength, more !== "");
      t.equal((await client.response()).body, "text", "the connection goes on");
      client.close();
    }
  }
});

t.test("a reader that is slow gets large pieces whole", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const sizes = Array.from({ length: 60 }, (_, i) => 300_000 + i);
  client.socket.pause();
  client.write(ask(`/reused?memory=plain&sizes=${sizes.join()}`));
  const timer = setInterval(() => {
    client.socket.resume();
    setImmediate(() => client.socket.pause());
  }, 1);
  const { bodyBytes } = await client.response();
  clearInterval(timer);
  const whole = Buffer.concat(sizes.map((size, number) => Buffer.alloc(size, number)));
  t.ok(whole.equals(bodyBytes), `${bodyBytes.length} bytes`);
});
