/** Tests of listeners that come and go while the server runs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Server } from "../../src/shared/server.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { Gate } from "../support/gate.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";

const FACTS_APP = `
  let late;
  export default {
    routes: {
      "/constant": new Response("constant"),
      "/id": (request, context) => Response.json([context.listener.id, context.listener.data]),
      "/late": (request, context) => {
        late = context;
        return new Response("kept");
      },
      "/who": () => new Response(late.listener.id),
      "/add": async (request, context) => Response.json(
        await context.server.addListener({ id: "added", host: "127.0.0.1", port: 0, data: [1] })),
      "/remove": async (request, context) => Response.json(
        await context.server.removeListener("added")),
      "/echo": async (request) => new Response(String((await request.text()).length)),
    },
  };
`;

async function urlOf(server: Server, id: string): Promise<string> {
  return server.listeners.find((each) => each.id === id)!.url;
}

t.test("one that is added reaches running workers with its data and its settings", async (t) => {
  const { server } = await startApp(t, FACTS_APP, { workers: 2 });
  const info = await server.addListener({
    id: "second", name: "two", comment: "for tests", host: "127.0.0.1", port: 0,
    data: { a: 1 }, headers: { "X-From": "second" }, targetBytesMax: 20, metricsPath: "",
  });
  t.match(info, { id: "second", name: "two", comment: "for tests", state: "listening" });
  t.equal(server.listeners.length, 2);
  for (let i = 0; i < 4; i++) {
    const answer = await fetch(`${info.url}/id`);
    t.equal(answer.headers.get("x-from"), "second");
    t.strictSame(await answer.json(), ["second", { a: 1 }]);
  }
  t.equal((await fetch(`${info.url}/${"x".repeat(30)}`)).status, 414);
  t.equal((await fetch(`${server.url}/${"x".repeat(30)}`)).status, 404, "of the first it is not");
  t.equal((await fetch(`${server.url}/id`)).headers.get("x-from"), null);
});

t.test("a constant that native has bound gets the headers of one that comes later", async (t) => {
  const { server, url } = await startApp(t, `
    export default { routes: { "/": new Response("c", { headers: { "x-from": "route" } }) } };
  `);
  for (let i = 0; i < 3; i++) t.equal((await fetch(url)).headers.get("x-from"), "route");
  const headers = { "X-From": "listener", "X-More": "1" };
  const added = await server.addListener({ host: "127.0.0.1", port: 0, headers });
  for (const target of [url, added.url, url, added.url]) {
    const answer = await fetch(target);
    t.equal(answer.headers.get("x-from"), "route", "a route's own field wins");
    t.equal(answer.headers.get("x-more"), target === url ? null : "1");
  }
});

t.test("larger limits than those of the start are served", async (t) => {
  const { server } = await startApp(t, FACTS_APP, { headBytesMax: 1024, headersMax: 10 });
  const added = await server.addListener({
    host: "127.0.0.1", port: 0, headBytesMax: 65_535, headersMax: 400, pipelineMax: 1024,
  });
  const first = await connectRaw({ port: server.listeners[0]!.port! });
  t.equal((await first.request(get("/constant"))).body, "constant");
  const long = `GET /constant HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(60_000)}\r\n\r\n`;
  const fields = Array.from({ length: 390 }, (_, at) => `X-${at}: 1\r\n`).join("");
  const many = `GET /id HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const client = await connectRaw({ port: added.port! });
  for (let i = 0; i < 3; i++) {
    t.equal((await client.request(long)).body, "constant");
    t.match((await client.request(many)).body, added.id);
    t.equal((await first.request(get("/constant"))).body, "constant", "the old one goes on");
  }
  client.write(get("/constant").repeat(900));
  for (let i = 0; i < 900; i++) t.equal((await client.response()).status, 200);
  const refused = await connectRaw({ port: server.listeners[0]!.port! });
  t.equal((await refused.request(many)).status, 431, "limits stay those of the listener");
  for (const each of [first, client, refused]) each.close();
});

t.test("it is found by id, name, bind and URL, and forgotten when removed", async (t) => {
  const { server } = await startLifecycle(t);
  const { port } = await server.addListener({ id: "x", name: "n", host: "127.0.0.1", port: 0 });
  for (const key of ["x", "n", `127.0.0.1:${port}`, `http://127.0.0.1:${port}`]) {
    await server.pauseListener(key);
    t.equal(server.listeners[1]?.state, "paused");
    await server.startListener(key);
    t.equal(server.listeners[1]?.port, port);
  }
  t.strictSame(await server.removeListener("n"), { graceful: true, destroyed: 0 });
  t.equal(server.listeners.length, 1);
  await t.rejects(server.startListener("x"), { code: "ERR_MILLRACE_LISTENER_UNKNOWN" });
  await t.rejects(connectRaw({ port }), { code: "ECONNREFUSED" });
  await server.addListener({ id: "x", name: "n", host: "127.0.0.1", port: port! });
  t.equal((await fetch(await urlOf(server, "x"))).status, 200, "all of it is free again");
});

t.test("duplicates are refused and change nothing", async (t) => {
  const { server, port } = await startLifecycle(t);
  const host = "127.0.0.1";
  for (const options of [
    { id: "default", host, port: 0 }, { name: "default", host, port: 0 }, { host, port },
    { bind: `http://127.0.0.1:${port}` },
  ]) {
    await t.rejects(server.addListener(options), { code: "ERR_MILLRACE_LISTENER_DUPLICATE" });
  }
  await t.rejects(server.addListener({ host: "0.0.0.0", port }), {
    code: "ERR_MILLRACE_BIND", cause: { code: "EADDRINUSE" },
  }, "what only the kernel knows");
  await t.rejects(server.addListener({ host }), { code: "ERR_MILLRACE_OPTION_INVALID" });
  t.equal(server.listeners.length, 1);
  t.equal(server.stats().listeners.length, 1);
});

t.test("autoStart: false only makes it known", async (t) => {
  const path = join(ownFolder(t), "later.sock");
  const { server } = await startLifecycle(t);
  t.match(await server.addListener({ id: "later", path, autoStart: false }), {
    state: "created", addresses: [],
  });
  t.notOk(existsSync(path));
  await server.startListener("later");
  t.ok(existsSync(path));
  await server.removeListener("later");
  t.notOk(existsSync(path));
});

t.test("handlers add and remove them too", async (t) => {
  const { server, url } = await startApp(t, FACTS_APP, { workers: 2 });
  const info = await (await fetch(`${url}/add`)).json() as { url: string };
  t.strictSame(await (await fetch(`${info.url}/id`)).json(), ["added", [1]]);
  t.match(await (await fetch(`${url}/remove`)).json(), { destroyed: 0 });
  t.equal(server.listeners.length, 1);
});

t.test("a replacement of a dead worker knows those that came since", async (t) => {
  const { server, connectTo } = await startLifecycle(t);
  const added = await server.addListener({ id: "late", host: "127.0.0.1", port: 0 });
  const gone = await server.addListener({ id: "gone", host: "127.0.0.1", port: 0 });
  await server.removeListener("gone");
  const client = await connectTo("late");
  await client.request(get("/late-throw"));
  await until("another worker", () => (
    server.stats().workers.some(({ id, state }) => id > 1 && state === "serving")
  ));
  t.equal(await (await fetch(added.url)).text(), "hello");
  await t.rejects(connectRaw({ port: gone.port }));
});

t.test("an index is used again without a trace of who had it", async (t) => {
  const { server, url } = await startApp(t, FACTS_APP, { accessLog: false });
  const host = "127.0.0.1";
  const first = await server.addListener({ id: "old", host, port: 0, headBytesMax: 65_000 });
  await fetch(`${first.url}/late`);
  t.equal(server.stats().listeners[1]?.requests, 1);
  await server.removeListener("old", { force: true });
  // All other indices are in use or were free for longer.
  for (let i = 0; i < 126; i++) {
    await server.addListener({ id: `n${i}`, host, port: 0, autoStart: false });
  }
  await t.rejects(server.addListener({ host, port: 0 }).then(
    () => server.addListener({ host, port: 0 }),
  ), { code: "ERR_MILLRACE_LISTENER_LIMIT" });
  const again = server.listeners.at(-1)!;
  t.strictSame(
    { ...server.stats().listeners.at(-1), id: "" },
    {
      id: "", connections: 0, requests: 0, bytesIn: 0, bytesOut: 0, refused: 0, rejected: 0,
      unannounced: 0, upgraded: 0,
    },
  );
  const client = await connectRaw({ port: again.port! });
  const answer = await client.request(get("/id"));
  t.equal(answer.header("connection"), undefined, "no trace of the stop");
  t.match(answer.body, again.id);
  t.equal(server.stats().listeners.at(-1)?.requests, 1);
  t.equal(await (await fetch(`${url}/who`)).text(), "old", "a context keeps what it came through");
  client.close();
});

t.test("the only one that runs is kept if that is wanted", async (t) => {
  const { server } = await startLifecycle(t, { ids: ["a", "b"], protectLastListener: true });
  await server.stopListener("a");
  const refused = { code: "ERR_MILLRACE_LISTENER_LAST" };
  await t.rejects(server.stopListener("b"), refused);
  await t.rejects(server.removeListener("b", { force: true }), refused);
  t.match(server.listeners, [{ state: "stopped" }, { state: "listening" }]);
  await server.removeListener("a");
  await server.close();
  t.equal(server.listeners[0]?.state, "stopped", "close() stops it all the same");
});

t.test("a removal forces a stop that is under way, and all who wait are told", async (t) => {
  const { server, connectTo, gate } = await startLifecycle(t, { ids: ["a", "b"] });
  const client = await connectTo("a");
  client.write(get("/wait"));
  await gate.arrived();
  const all = [
    server.stopListener("a"), server.removeListener("a"),
    server.removeListener("a", { force: true }),
  ];
  for (const each of all) t.strictSame(await each, { graceful: false, destroyed: 1 });
  t.strictSame(server.listeners.map(({ id }) => id), ["b"]);
});

t.test("after close nothing is added or started", async (t) => {
  const { server } = await startLifecycle(t);
  const closed = server.close();
  const refused = { code: "ERR_MILLRACE_SERVER_CLOSED" };
  await t.rejects(server.addListener({ port: 0 }), refused);
  await t.rejects(server.startListener("default"), refused);
  await closed;
  await t.rejects(server.addListener({ port: 0 }), refused);
  await t.rejects(server.startListener("default"), refused);
  t.strictSame(await server.stopListener("default"), { graceful: true, destroyed: 0 });
});

t.test("one is removed while it is being added", async (t) => {
  const { server } = await startLifecycle(t, { workers: 2 });
  const added = server.addListener({ id: "x", host: "127.0.0.1", port: 0 });
  const removed = server.removeListener("x");
  const results = await Promise.allSettled([added, removed]);
  t.equal(results[1].status, "fulfilled");
  t.equal(server.listeners.length, 1);
  await server.addListener({ id: "x", host: "127.0.0.1", port: 0, data: new Gate().buffer });
  t.equal(await (await fetch(await urlOf(server, "x"))).text(), "hello");
});
