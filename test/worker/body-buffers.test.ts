/**
 * Long bodies, which are received into buffers of their own: intact whatever the framing and
 * however many come at once, the app's alone, and bounded in memory when a handler reads slowly.
 */
import { createHash } from "node:crypto";
import t from "tap";
import { BODY_BUFFER_BYTES, BODY_BUFFERS } from "../../src/shared/layout.ts";
import { until } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const isSanitized = process.env["MILLRACE_ADDON"] !== undefined;

const SOURCE = `
  import { createHash } from "node:crypto";
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let reads = 0;
  let heard = 0;
  export default {
    routes: {
      "/count": async (request, context) => {
        const hash = createHash("sha256");
        let length = 0, longest = 0, isExact = true;
        for await (const chunk of request.body) {
          hash.update(chunk);
          length += chunk.length;
          longest = Math.max(longest, chunk.length);
          isExact &&= chunk.length === chunk.buffer.byteLength;
          structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
        }
        const trailers = [...await context.trailers];
        return Response.json({ length, longest, isExact, trailers, digest: hash.digest("hex") });
      },
      "/slow": async (request) => {
        const reader = request.body.getReader();
        for (let i = 0; i < 10; i++) {
          await reader.read();
          reads++;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await released;
        return new Response("done");
      },
      "/heard": async (request) => {
        for await (const chunk of request.body) heard += chunk.length;
        return new Response("all");
      },
      "/enough": async (request) => {
        let length = 0;
        for await (const chunk of request.body) if ((length += chunk.length) > 2 << 20) break;
        return new Response("enough");
      },
      "/heard-so-far": () => new Response(String(heard)),
      "/reads": () => Response.json({ reads, rss: process.memoryUsage().rss }),
      "/release": () => { release(); return new Response("released"); },
    },
  };
`;

const BODY = Buffer.alloc(3 << 20);
for (let i = 0; i < BODY.length; i++) BODY[i] = (i * 31 + (i >> 9)) & 255;
const DIGEST = createHash("sha256").update(BODY).digest("hex");

function post(chunkBytes: number, trailer = ""): Buffer {
  const head = "POST /count HTTP/1.1\r\nHost: a.test\r\n";
  if (chunkBytes === 0) {
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${BODY.length}\r\n\r\n`), BODY]);
  }
  const parts = [Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0; at < BODY.length; at += chunkBytes) {
    const piece = BODY.subarray(at, at + chunkBytes);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)]);
}

const CHUNKS = [0, 1000, 65_536, 300_000, BODY.length];

t.test("intact, and nobody else's", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  let longest = 0;
  for (const chunkBytes of CHUNKS) {
    client.write(post(chunkBytes));
    const facts = JSON.parse((await client.response()).body) as { longest: number };
    t.match(facts, { length: BODY.length, isExact: true, digest: DIGEST }, `chunks ${chunkBytes}`);
    longest = Math.max(longest, facts.longest);
  }
  t.ok(longest > 32_768, `pieces of ${longest} bytes: longer than a read into the slab`);
  t.ok(longest <= BODY_BUFFER_BYTES);
});

t.test("requests and trailers behind a long body", async (t) => {
  const server = await startApp(t, SOURCE);
  for (const chunkBytes of CHUNKS) {
    const trailer = chunkBytes === 0 ? "" : "X-Sum: 1\r\n";
    const expected = trailer === "" ? [] : [["x-sum", "1"]];
    const client = await server.connect();
    const get = Buffer.from("GET /reads HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.write(Buffer.concat([post(chunkBytes, trailer), get, post(chunkBytes, trailer), get]));
    for (let i = 0; i < 2; i++) {
      const facts = JSON.parse((await client.response()).body) as object;
      t.match(facts, { digest: DIGEST, trailers: expected }, `chunks ${chunkBytes}`);
      t.match(JSON.parse((await client.response()).body), { reads: 0 });
    }
  }
});

t.test("more bodies at once than there are buffers", async (t) => {
  const server = await startApp(t, SOURCE);
  const clients: RawClient[] = [];
  for (let i = 0; i < BODY_BUFFERS * 2; i++) clients.push(await server.connect());
  const answers = await Promise.all(clients.map(async (client, i) => {
    client.write(post(CHUNKS[i % CHUNKS.length]!));
    return JSON.parse((await client.response()).body) as object;
  }));
  for (const facts of answers) t.match(facts, { digest: DIGEST, isExact: true });
});

async function facts({ url }: TestServer): Promise<{ reads: number; rss: number }> {
  return await (await fetch(`${url}/reads`)).json() as { reads: number; rss: number };
}

t.test("a fast sender that stops anywhere is heard, and goes on", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  const stops = [2 << 20, (4 << 20) + 1, (7 << 20) - 70_000, (8 << 20) - 1, 8 << 20];
  const total = stops.at(-1)!;
  const asked = async (): Promise<number> => {
    return Number(await (await fetch(`${server.url}/heard-so-far`)).text());
  };
  for (let round = 0; round < 3; round++) {
    client.write(`POST /heard HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
    let sent = 0;
    for (const stop of stops) {
      client.socket.write(Buffer.alloc(stop - sent));
      sent = stop;
      await until(`all of ${stop} bytes`, async () => (await asked()) === round * total + stop);
    }
    t.equal((await client.response()).body, "all");
  }
});

t.test("an answer in the middle of a fast body reaches its client", async (t) => {
  const server = await startApp(t, SOURCE);
  const total = 64 << 20;
  for (const sent of [3 << 20, (3 << 20) + 1000, total]) {
    const client = await server.connect();
    client.write(`POST /enough HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
    client.socket.write(Buffer.alloc(sent));
    const answer = await client.response();
    t.equal(answer.body, "enough", `${sent} bytes sent`);
    t.equal(answer.header("connection"), "close");
  }
});

t.test("slow handlers bound memory and stop their peers", { skip: isSanitized }, async (t) => {
  const server = await startApp(t, SOURCE);
  const before = (await facts(server)).rss;
  const total = 128 << 20;
  const clients: RawClient[] = [];
  for (let i = 0; i < 8; i++) {
    const client = await server.connect();
    clients.push(client);
    client.write(`POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
    client.socket.write(Buffer.alloc(total));
  }
  await until("ten reads of each", async () => (await facts(server)).reads === 80);
  // Its own buffers, with what each handler has taken, and one piece of each that nobody has.
  const grown = (await facts(server)).rss - before - clients.length * total;
  t.ok(grown < 64 << 20, `${grown >> 20} MiB more than the clients' own bytes`);
  for (const client of clients) {
    t.ok(client.socket.writableLength > total - (40 << 20), "the kernel holds the rest back");
  }
  await fetch(`${server.url}/release`);
  for (const client of clients) t.equal((await client.response()).body, "done");
});
