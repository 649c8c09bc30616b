/** Much traffic: more paths than ids, many connections at once, a server without threads. */
import t from "tap";
import { repositoryFile } from "../support/environment.ts";
import { startApp, startServer } from "../support/server.ts";
import type { RawClient } from "../support/raw-client.ts";

const SOURCE = `
  export default {
    routes: {
      "/": () => new Response("hello"),
      "/users/:id": (request) => new Response("user " + request.params.id),
      "/exact/7": (request) => new Response("seven"),
      "/constant/*": new Response("constant"),
      "/echo": async (request) => new Response(await request.text()),
      "/later": async () => { await new Promise(setImmediate); return new Response("later"); },
      "/stream": () => new Response((async function* () { yield "a"; yield "b"; })()),
    },
    fetch: (request) => new Response("fetch " + new URL(request.url).pathname),
  };
`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

function answerTo(path: string): string {
  if (path.startsWith("/users/")) return `user ${path.slice(7)}`;
  if (path.startsWith("/constant/")) return "constant";
  return path === "/exact/7" ? "seven" : `fetch ${path}`;
}

async function pipelined(client: RawClient, paths: string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += 500) {
    const part = paths.slice(at, at + 500);
    client.write(part.map(get).join(""));
    for (const path of part) {
      const { body } = await client.response();
      if (body !== answerTo(path)) t.equal(body, answerTo(path));
    }
  }
}

t.test("more paths than there are ids, in every kind of route, again and again", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const paths: string[] = [];
  const kinds = ["/users/", "/exact/", "/constant/", "/else/"];
  for (let i = 0; i < 12_000; i++) paths.push(`${kinds[i % 4]}${i}`);
  for (let round = 0; round < 2; round++) {
    await pipelined(client, paths);
    await pipelined(client, paths.filter((_, i) => (11_999 - i) % 17 === 0));
    await pipelined(client, Array.from({ length: 1000 }, (_, i) => `/users/${i}`));
  }
  t.equal(client.pending, "");
});

t.test("paths too long to be kept", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const paths = [200, 1000, 4000, 8000].flatMap((length) =>
    ["/users/", "/constant/", "/else/"].map((start) => start + "p".repeat(length)));
  for (let round = 0; round < 3; round++) await pipelined(client, paths);
  t.equal(client.pending, "");
});

const CHUNKED = "POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const TURNS: [bytes: string, answer: string][] = [
  [get("/"), "hello"],
  [get("/users/7"), "user 7"],
  ["POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nabcde", "abcde"],
  [`${CHUNKED}2\r\nxy\r\n0\r\n\r\n`, "xy"],
  [get("/later"), "later"],
  [get("/stream"), "ab"],
  [get("/constant/x"), "constant"],
];

for (const workers of [0, 1, 2]) {
  t.test(`500 connections with mixed traffic, ${workers} workers`, async (t) => {
    const app = workers === 0
      ? await import(repositoryFile("test/fixtures/mixed-app.mjs"))
      : undefined;
    const server = workers === 0
      ? await startServer(t, { app: app.default, workers })
      : await startApp(t, SOURCE, { workers });
    const clients: RawClient[] = [];
    for (let i = 0; i < 500; i++) clients.push(await server.connect());
    await Promise.all(clients.map(async (client, i) => {
      for (let turn = 0; turn < 7; turn++) {
        const [bytes, answer] = TURNS[(i + turn) % TURNS.length]!;
        if (i % 5 === 0) await client.writeSlowly(bytes);
        else client.write(bytes);
        const { body } = await client.response();
        if (body !== answer) t.equal(body, answer);
      }
    }));
    const { workers: stats } = server.server.stats();
    const requests = stats.reduce((sum, each) => sum + each.requests, 0);
    t.equal(requests, 500 * 7);
    for (const client of clients) client.close();
  });
}
