/** Readers that do not read and writers that hardly write: they cost the others nothing. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import { until } from "../support/deadline.ts";
import { sanitized } from "../support/environment.ts";

const READERS = 20;
const MEBIBYTES = 8;
/** Far below what the readers have asked for: 160 MiB. */
const GROWTH_MAX = 48 * 2 ** 20;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

t.test("readers that stop reading stop their producers", async (t) => {
  const server = await startConformance(t);
  const healthy = await server.connect();
  await healthy.request(get("/"));
  const before = process.memoryUsage().rss;
  const readers = await Promise.all(Array.from({ length: READERS }, () => server.connect()));
  for (const reader of readers) {
    reader.pause();
    reader.write(get(`/flood/${MEBIBYTES}`));
  }
  let out = -1;
  await until("the producers to stand still", async () => {
    const last = out;
    out = server.server.stats().listeners[0]!.bytesOut;
    for (let index = 0; index < 20; index++) await healthy.request(get("/"));
    // Only the answers to the healthy one, of some 200 bytes each.
    return out > 0 && out - last < 20 * 400;
  });
  const growth = process.memoryUsage().rss - before;
  if (!sanitized) t.ok(growth < GROWTH_MAX, `grew by ${Math.round(growth / 1024)} KiB`);
  for (const reader of readers.slice(0, 3)) {
    reader.resume();
    const { bodyBytes } = await reader.response();
    t.equal(bodyBytes.length, MEBIBYTES * 2 ** 20, "all of it comes in the end");
    t.ok(bodyBytes.every((byte) => byte === 0));
  }
  t.match(await healthy.request(get("/")), { status: 200, body: "hello" });
});

t.test("writers of a byte at a time are served, and others meanwhile", async (t) => {
  const server = await startConformance(t);
  const healthy = await server.connect();
  const body = "0123456789".repeat(20);
  const request = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const writing = { isOver: false };
  const writers = Promise.all(Array.from({ length: 20 }, async () => {
    const writer = await server.connect();
    await writer.writeSlowly(request);
    return (await writer.response()).body;
  })).finally(() => (writing.isOver = true));
  let served = 0;
  while (!writing.isOver) {
    t.equal((await healthy.request(get("/"))).status, 200);
    served++;
  }
  t.ok(served > 0, `${served} served meanwhile`);
  t.strictSame(new Set(await writers), new Set([body]));
});
