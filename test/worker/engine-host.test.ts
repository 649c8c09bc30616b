/** Signals, close handlers, state and background work: what the engine keeps for its handlers. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const APP = `
  const seen = { aborted: 0, closed: 0, background: 0 };
  export default {
    routes: {
      "/wait": (request) => new Promise((resolve) => {
        request.signal.addEventListener("abort", () => { seen.aborted++; resolve(undefined); });
      }),
      "/signal": async (request) => {
        const { signal } = request;
        signal.addEventListener("abort", () => seen.aborted++);
        return new Response("done");
      },
      "/state": (request, { connection }) => {
        connection.state.count = (connection.state.count ?? 0) + 1;
        connection.onClose(() => seen.closed++, "owner");
        return new Response(String(connection.state.count));
      },
      "/abort": (request, { connection }) => { connection.abort(); },
      "/background": (request, context) => {
        const timer = new Promise((done) => setTimeout(done, 20));
        context.waitUntil(timer.then(() => seen.background++));
        context.waitUntil(Promise.reject(new Error("logged, not thrown")));
        return new Response("at once");
      },
      "/seen": () => Response.json(seen),
    },
  };
`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

t.test("the signal aborts when the peer goes before its answer, else never", async (t) => {
  const server = await startApp(t, APP);
  const seen = async (): Promise<{ aborted: number }> =>
    (await (await fetch(`${server.url}/seen`)).json()) as { aborted: number };
  const client = await server.connect();
  client.write(get("/signal"));
  await client.response();
  client.close();
  t.equal((await seen()).aborted, 0);
  const leaving = await server.connect();
  leaving.write(get("/wait"));
  await until("the request", () => server.server.stats().workers[0]!.requests >= 3);
  leaving.close();
  await until("the signal", async () => (await seen()).aborted === 1);
});

t.test("state lives as long as the connection, close handlers run once at its end", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  for (const count of ["1", "2", "3"]) {
    client.write(get("/state"));
    t.equal((await client.response()).body, count);
  }
  client.close();
  await until("the close handler", async () => {
    const { closed } = (await (await fetch(`${server.url}/seen`)).json()) as { closed: number };
    return closed === 1;
  });
});

t.test("abort closes without an answer", async (t) => {
  const server = await startApp(t, APP);
  await t.rejects(fetch(`${server.url}/abort`));
});

t.test("waitUntil outlives the answer, and a rejection is only logged", async (t) => {
  const server = await startApp(t, APP);
  t.equal(await (await fetch(`${server.url}/background`)).text(), "at once");
  await until("the background work", async () => {
    const seen = (await (await fetch(`${server.url}/seen`)).json()) as { background: number };
    return seen.background === 1;
  });
});
