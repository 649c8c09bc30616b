/** Events of connections beside requests, told by what handlers and clients see of them. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const SOURCE = `
  const told = [];
  const drain = async (request) => {
    const pieces = [];
    for await (const piece of request.body) pieces.push(piece.length);
    return pieces.reduce((sum, length) => sum + length, 0);
  };
  export default {
    routes: {
      "/sum": async (request) => new Response(String(await drain(request))),
      "/cut": async (request) => {
        try {
          await drain(request);
        } catch (error) {
          told.push("body " + error.status);
          throw error;
        }
      },
      "/wait": (request) => new Promise((resolve) => {
        request.signal.addEventListener("abort", () => {
          told.push("signal " + new URL(request.url).search);
          resolve(new Response("late"));
        });
      }),
      "/big": () => new Response("x".repeat(8_000_000)),
      "/-/told": () => Response.json(told),
    },
  };
`;
const HOST = "Host: a.test\r\n";

t.test("events reach what they concern", async (t) => {
  const server = await startApp(t, SOURCE);
  const told = async (): Promise<string[]> =>
    (await (await fetch(`${server.url}/-/told`)).json()) as string[];

  await t.test("pieces of a body and its end", async (t) => {
    const client = await server.connect();
    client.write(`POST /sum HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 5; i++) client.write("3\r\nabc\r\n");
    client.write("0\r\n\r\n");
    t.equal((await client.response()).body, "15");
  });

  await t.test("a body cut short fails its reader with 400", async (t) => {
    const client = await server.connect();
    client.write(`POST /cut HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`);
    client.end();
    t.equal((await client.response()).status, 400);
    t.ok((await told()).includes("body 400"));
  });

  await t.test("a client that goes aborts each of its requests", async (t) => {
    const client = await server.connect();
    client.write(`GET /wait?1 HTTP/1.1\r\n${HOST}\r\nGET /wait?2 HTTP/1.1\r\n${HOST}\r\n`);
    await until("both run", () => server.server.stats().workers[0]!.inFlight === 2);
    client.close();
    await until("both aborted", async () => {
      const all = await told();
      return all.includes("signal ?1") && all.includes("signal ?2");
    });
    t.pass();
  });

  await t.test("a socket that takes bytes again gets the rest of its answer", async (t) => {
    const client = await server.connect();
    client.write(`GET /big HTTP/1.1\r\n${HOST}\r\n`);
    t.equal((await client.response()).body.length, 8_000_000);
  });
});
