/** The drain of a whole server: what probes are told, and when its listeners stop. */
import { once } from "node:events";
import t from "tap";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const APP = `
  export default {
    routes: {
      "/": () => new Response("served"),
      "/drain": async (request, { server }) => {
        await server.drain({ delayMs: 1_000_000 });
        return new Response("told");
      },
    },
  };
`;
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const PROBE = GET.replace("/", "/readyz");
const LIVE = GET.replace("/", "/livez");
const PATHS = { livenessPath: "/livez", readinessPath: "/readyz" };
const OPTIONS = { ...PATHS, drainQuietMs: 0 };

async function readiness({ connect }: TestServer): Promise<string> {
  const client = await connect();
  const { status, body } = await client.request(PROBE);
  client.close();
  return `${status} ${body}`;
}

t.test("readiness goes first, everything else goes on for the delay", async (t) => {
  const started = await startApp(t, APP, OPTIONS);
  const { server, connect } = started;
  const old = await connect();
  t.equal((await old.request(GET)).status, 200);
  t.equal(await readiness(started), "200 ready");
  const told = once(server.events, "draining");
  // Far longer than this test: nothing but the cut below can end it.
  const drained = server.drain({ delayMs: 1_000_000 });
  t.same(await told, [{ delayMs: 1_000_000 }]);
  t.equal(await readiness(started), "503 draining");
  const refused = await old.request(PROBE);
  t.equal(refused.status, 503);
  t.equal(refused.header("retry-after"), "1");
  const fresh = await connect();
  for (const client of [old, fresh]) {
    const answer = await client.request(GET);
    t.same([answer.status, answer.header("connection")], [200, undefined]);
    t.equal((await client.request(LIVE)).status, 200);
  }
  t.equal(server.listeners[0]!.state, "listening");
  let isOver = false;
  const second = server.drain({ delayMs: 0 }).then(() => (isOver = true));
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(isOver, "a second drain waits for the first one's delay");
  old.close();
  fresh.close();
  await server.close();
  await Promise.all([drained, second]);
  t.equal(server.listeners[0]!.state, "stopped");
});

t.test("after the delay the server closes by itself", async (t) => {
  const { server } = await startApp(t, APP, { ...OPTIONS, drainDelayMs: 50 });
  const drained = server.drain();
  t.equal(server.listeners[0]!.state, "listening");
  await drained;
  t.equal(server.listeners[0]!.state, "stopped");
  await server.drain();
  await server.closed;
});

t.test("a handler can ask for it, and is not waited for", async (t) => {
  const started = await startApp(t, APP, OPTIONS);
  const client = await started.connect();
  const answer = await client.request(GET.replace("/", "/drain"));
  t.equal(answer.body, "told");
  t.equal(await readiness(started), "503 draining");
});

t.test("a listener that stops alone is not ready, the others are", async (t) => {
  const listeners = ["a", "b"].map((id) => ({ id, host: "127.0.0.1", port: 0 }));
  const { server, connect, url } = await startApp(t, APP, { ...PATHS, listeners });
  const held = await connect();
  await held.request(LIVE);
  const stopping = once(server.events, "stopping");
  const stopped = server.stopListener("a");
  await stopping;
  const answer = await held.request(PROBE);
  t.same([answer.status, answer.header("connection")], [503, "close"]);
  const other = server.listeners[1]!.url;
  t.equal((await fetch(new URL("/readyz", other))).status, 200);
  held.close();
  await stopped;
  await t.rejects(fetch(url));
});
