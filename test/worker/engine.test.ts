/** The engine as a whole: many connections with mixed traffic. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  export default {
    routes: {
      "/bare": () => new Response("bare"),
      "/constant": new Response("constant"),
      "/late": async () => { await wait(2); return new Response("late"); },
      "/users/:id": (request) => new Response(request.params.id),
      "/echo": { POST: async (request) => new Response(await request.text()) },
      "/throw": () => { throw new Error("on purpose"); },
    },
  };
`;

const EXPECTED: readonly (readonly [request: string, status: number, body: string])[] = [
  ["GET /bare HTTP/1.1\r\nHost: a\r\n\r\n", 200, "bare"],
  ["GET /constant HTTP/1.1\r\nHost: a\r\n\r\n", 200, "constant"],
  ["GET /late HTTP/1.1\r\nHost: a\r\n\r\n", 200, "late"],
  ["GET /users/42 HTTP/1.1\r\nHost: a\r\n\r\n", 200, "42"],
  ["POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"],
  ["GET /throw HTTP/1.1\r\nHost: a\r\n\r\n", 500, "Internal Server Error"],
  ["GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404, "Not Found"],
];

t.test("500 connections with mixed traffic, each in its own order", async (t) => {
  const server = await startApp(t, APP, { workers: 2 });
  const clients = await Promise.all(Array.from({ length: 500 }, () => server.connect()));
  let wrong = 0;
  await Promise.all(clients.map(async (client, index) => {
    for (let round = 0; round < 6; round++) {
      const batch = [0, 1, 2].map((i) => EXPECTED[(index + round + i) % EXPECTED.length]!);
      client.write(batch.map(([request]) => request).join(""));
      for (const [, status, body] of batch) {
        const answer = await client.response();
        if (answer.status !== status || answer.body !== body) wrong++;
      }
    }
  }));
  t.equal(wrong, 0);
  const { workers } = server.server.stats();
  t.equal(workers.reduce((sum, { requests }) => sum + requests, 0), 500 * 6 * 3);
  for (const { connections } of workers) t.equal(connections, 250);
});
