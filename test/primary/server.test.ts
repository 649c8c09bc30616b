/** Tests of serve() and of the server's own life: start, several servers, close. */
import t from "tap";
import { serve } from "../../src/index.ts";
import { until, within } from "../support/deadline.ts";
import { freePort } from "../support/free-port.ts";
import { connectRaw } from "../support/raw-client.ts";
import { connectMany, elapsed, get, LIFECYCLE_APP, startLifecycle } from "../support/lifecycle.ts";
import { startApp, startServer, writeApp } from "../support/server.ts";

t.test("several servers live in one process", async (t) => {
  const servers = [
    await startLifecycle(t), await startLifecycle(t), await startLifecycle(t, { workers: 0 }),
  ];
  for (const { url } of servers) t.equal(await (await fetch(url)).text(), "hello");
  await servers[1]!.server.close({ force: true });
  t.equal(await (await fetch(servers[0]!.url)).text(), "hello");
  await servers[2]!.server.close({ force: true });
  t.equal(await (await fetch(servers[0]!.url)).text(), "hello");
});

t.test("an object app is served in this thread", async (t) => {
  const app = { fetch: () => new Response("object") };
  const { url } = await startServer(t, { app, workers: 0 });
  t.equal(await (await fetch(url)).text(), "object");
});

t.test("the app's own port and hostname are used where nothing else is said", async (t) => {
  const port = await freePort();
  const app = writeApp(t, `export default
    { port: ${port}, hostname: "localhost", fetch: () => new Response("own") };`);
  const own = await serve({ app, workers: 1, execArgv: [], logLevel: "silent" });
  t.teardown(async () => await own.close({ force: true }));
  t.match(own.listeners, [{ host: "localhost", port }]);
  t.equal(await (await fetch(own.url)).text(), "own");
  const { server } = await startServer(t, { app });
  t.match(server.listeners, [{ host: "127.0.0.1" }], "the option wins");
  t.not(server.listeners[0]?.port, port);
});

t.test("close is idempotent, and closed resolves with it", async (t) => {
  const { server, notes, port } = await startLifecycle(t, { workers: 2 });
  let isClosed = false;
  void server.closed.then(() => (isClosed = true));
  const [first, second] = [server.close(), server.close()];
  await Promise.all([first, second, server.closed, server.close()]);
  t.ok(isClosed);
  t.strictSame(notes().sort(), [
    "close", "close", "init", "init", "object close", "object close",
  ], "each worker has closed once");
  await t.rejects(connectRaw({ port }), { code: "ECONNREFUSED" });
  t.match(server.listeners, [{ state: "stopped" }]);
  await t.rejects(server.startListener("default"), { code: "ERR_MILLRACE_SERVER_CLOSED" });
});

t.test("options that no timer can take are refused, and nothing has begun", async (t) => {
  const { server, url } = await startLifecycle(t);
  const wrong = 5n as unknown as number;
  const told: string[] = [];
  server.events.on("draining", () => told.push("draining"));
  server.events.on("stopping", () => told.push("stopping"));
  const calls: (() => Promise<unknown>)[] = [
    () => server.drain({ delayMs: wrong }),
    () => server.drain({ deadlineMs: Infinity }),
    () => server.close({ deadlineMs: wrong }),
    () => server.stopListener("default", { deadlineMs: Number.NaN }),
    () => server.removeListener("default", { deadlineMs: -1 }),
    () => server.removeRoute("/", { deadlineMs: wrong }),
    () => server.waitClosed(wrong),
  ];
  for (const call of calls) await t.rejects(call(), { code: "ERR_MILLRACE_OPTION_INVALID" });
  t.strictSame(told, []);
  t.equal(await (await fetch(url)).text(), "hello", "its route is there, too");
  await server.close();
});

t.test("force follows a graceful close", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { workers: 2 });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const graceful = server.close({ deadlineMs: 60_000 });
  await within("the end by force", Promise.all([server.close({ force: true }), graceful]));
  await until("the end of the connection", () => client.state !== "open");
});

t.test("force ends an app that does not finish", async (t) => {
  const { server, connect } = await startApp(t, `export default {
    fetch(request, context) { context.waitUntil(new Promise(() => {})); return "kept"; },
    close: () => new Promise(() => {}),
  };`, { drainQuietMs: 50 });
  const client = await connect();
  t.equal((await client.request(get())).body, "kept");
  client.close();
  const closed = server.close();
  await until("the stop", () => server.listeners[0]?.state === "stopped");
  void server.close({ force: true });
  await closed;
});

t.test("the deadline ends a close", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { deadlineMs: 60_000 });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const took = await elapsed(async () =>
    await within("the close's own deadline", server.close({ deadlineMs: 200 })));
  t.ok(took >= 195, `after ${took} ms`);
});

t.test("signal, aborted, is close", async (t) => {
  const controller = new AbortController();
  const { server, connect } = await startLifecycle(t, { signal: controller.signal });
  const client = await connect();
  await client.request(get());
  controller.abort();
  t.equal(await client.readToEnd(), "");
  client.end();
  await server.closed;
});

t.test("a server is async disposable", async (t) => {
  const { server, connect } = await startLifecycle(t);
  const client = await connect();
  await client.request(get());
  client.end();
  await server[Symbol.asyncDispose]();
  t.match(server.listeners, [{ state: "stopped" }]);
});

t.test("an unknown id rejects and names the known ones", async (t) => {
  const { server } = await startLifecycle(t, { ids: ["a", "b"] });
  const calls = ["stopListener", "pauseListener", "startListener", "removeListener"] as const;
  for (const call of calls) {
    await t.rejects(async () => void (await server[call]("c")), {
      code: "ERR_MILLRACE_LISTENER_UNKNOWN",
      message: 'No listener has the id, name or bind "c"; there are "a", "b"',
    });
  }
});

t.test("handlers control the server", async (t) => {
  const { server, connectTo } = await startLifecycle(t, { ids: ["a", "b"], workers: 2 });
  const client = await connectTo("a");
  t.equal((await client.request(get("/pause/b"))).body, "paused");
  t.equal(server.listeners[1]?.state, "paused");
  t.equal((await client.request(get("/start/b"))).body, "started");
  t.equal(server.listeners[1]?.state, "listening");
  t.strictSame(JSON.parse((await client.request(get("/stop/b"))).body),
    { graceful: true, destroyed: 0 });
  t.equal(server.listeners[1]?.state, "stopped");
  const wrong = await client.request(get("/stop/none"));
  t.equal(wrong.status, 500);
  t.strictSame(JSON.parse(wrong.body), { code: "ERR_MILLRACE_LISTENER_UNKNOWN" });
  const last = await client.request(get("/close"));
  t.equal(last.body, "closing");
  t.equal(last.header("connection"), "close");
  client.end();
  await server.closed;
});

t.test("events tell what listeners do", async (t) => {
  const { server } = await startLifecycle(t);
  const seen: unknown[] = [];
  for (const name of ["listening", "paused", "stopping", "stopped"]) {
    server.events.on(name, (detail: { id: string; state: string; phase?: string }) => {
      seen.push(`${name} ${detail.id} ${detail.phase ?? detail.state}`);
    });
  }
  await server.pauseListener("default");
  await server.startListener("default");
  await server.stopListener("default");
  t.strictSame(seen, [
    "paused default paused", "listening default listening",
    "stopping default accepting", "stopping default requests", "stopping default sockets",
    "stopped default stopped",
  ]);
});

t.test("a close with many idle connections resets none", async (t) => {
  const started = await startLifecycle(t, { workers: 2 });
  const clients = await connectMany(started, 100);
  const closed = started.server.close();
  for (const client of clients) {
    t.equal(await client.readToEnd(), "");
    client.end();
  }
  await closed;
  t.ok(clients.every(({ state }) => state === "ended"));
});

t.test("options are checked before anything is started", async (t) => {
  const failed = serve({ app: LIFECYCLE_APP, port: 0, wrokers: 1 } as never);
  await t.rejects(failed, { code: "ERR_MILLRACE_OPTION_UNKNOWN", message: /workers/ });
  await t.rejects(serve({ app: { fetch: () => new Response("x") }, port: 0, workers: 1 }), {
    code: "ERR_MILLRACE_APP_NOT_PATH",
  });
  const aborted = serve({ app: LIFECYCLE_APP, port: 0, signal: AbortSignal.abort() });
  await t.rejects(aborted, { code: "ERR_MILLRACE_SERVER_CLOSED" });
});
