/** Memory of a connection whose client asks for much and takes nothing. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { sanitized } from "../support/environment.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const MIB = 1 << 20;

/** Producers that never ask whether anybody takes what they make, each with its way to do so. */
const APP = `
  import { Readable } from "node:stream";
  const piece = new Uint8Array(65_536).fill(120);
  const text = "t".repeat(60_000);
  const eager = () => new ReadableStream({
    start(controller) {
      for (let i = 0; i < 128; i++) controller.enqueue(piece);
      controller.close();
    },
  });
  const readable = () => {
    const made = new Readable({ read() {} });
    for (let i = 0; i < 128; i++) made.push(piece);
    made.push(null);
    return made;
  };
  async function* iterable() { for (let i = 0; i < 128; i++) yield piece; }
  export default {
    routes: {
      "/text": () => new Response(text),
      "/fields": () => new Response(text, { headers: { "x-a": "1" } }),
      "/late": async () => { await null; return new Response(text); },
      "/constant": new Response(text),
      "/large-constant": new Response("c".repeat(8 * 1024 * 1024)),
      "/eager": () => new Response(eager()),
      "/readable": () => new Response(readable()),
      "/iterable": () => new Response(iterable()),
      "/memory": () => Response.json(process.memoryUsage.rss()),
    },
  };
`;

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function memory({ url }: TestServer): Promise<number> {
  return Number(await (await fetch(`${url}/memory`)).text());
}

/** Resolves when the server has sent nothing for a while. */
async function quiet({ server }: TestServer): Promise<void> {
  let last = -1;
  let same = 0;
  await until("the server to stop sending", () => {
    const sent = server.stats().listeners[0]!.bytesOut;
    same = sent === last ? same + 1 : 0;
    last = sent;
    return same >= 20;
  });
}

async function readAll(client: RawClient, count: number, length: number): Promise<number> {
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const { status, bodyBytes } = await client.response();
    if (status !== 200 || bodyBytes.length !== length) wrong++;
  }
  return wrong;
}

t.test("a thousand large answers to a client that reads none", async (t) => {
  const server = await startApp(t, APP, { pipelineMax: 1000 });
  await memory(server);
  for (const path of ["/text", "/fields", "/late", "/constant"]) {
    const before = await memory(server);
    const client = await server.connect();
    client.pause();
    client.write(ask(path).repeat(1000));
    await quiet(server);
    const grown = await memory(server) - before;
    const shown = `${path}: ${(grown / MIB).toFixed(1)} MiB for answers of 57 MiB`;
    if (!sanitized) t.ok(grown < 40 * MIB, shown);
    client.resume();
    t.equal(await readAll(client, 1000, 60_000), 0, `${path}: they arrive when it reads`);
    client.close();
  }
});

t.test("bodies whose producers do not wait arrive whole", async (t) => {
  const server = await startApp(t, APP);
  for (const path of ["/eager", "/readable", "/iterable", "/large-constant"]) {
    const client = await server.connect();
    client.pause();
    client.write(ask(path).repeat(2));
    await quiet(server);
    client.resume();
    t.equal(await readAll(client, 2, 8 * MIB), 0, path);
    client.close();
  }
});

t.test("a large constant is not copied for each of its readers", async (t) => {
  const server = await startApp(t, APP);
  await memory(server);
  const before = await memory(server);
  const clients = await Promise.all(Array.from({ length: 12 }, () => server.connect()));
  for (const client of clients) {
    client.pause();
    client.write(ask("/large-constant"));
  }
  await quiet(server);
  const grown = await memory(server) - before;
  const shown = `${(grown / MIB).toFixed(1)} MiB for 96 MiB that nobody reads`;
  if (!sanitized) t.ok(grown < 48 * MIB, shown);
});
