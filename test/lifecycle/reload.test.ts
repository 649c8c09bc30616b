/** Tests of reloads: which version answers whom, and what becomes of the old workers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { collect, connectMany, get } from "../support/lifecycle.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startVersions, versionSource } from "../support/versions.ts";
import type { VersionedServer } from "../support/versions.ts";

function notes(server: VersionedServer): string[] {
  return readFileSync(join(server.folder, "notes"), "utf8").split("\n").slice(0, -1);
}

function threads(server: VersionedServer): { id: number; generation: number }[] {
  return server.server.stats().workers.map(({ id, generation }) => ({ id, generation }));
}

t.test("when reload() has resolved every new and idle connection is the new app's", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  const idle = await connectMany(server, 20);
  const partial = await server.connect();
  partial.write("GET / HTTP/1.1\r\nHo");
  await until("its bytes", () => server.server.stats().workers.length === 2);
  server.write(versionSource("v2"));
  await server.server.reload();
  t.equal(server.server.generation, 2);
  for (const client of [...idle, await server.connect()]) {
    t.match(await client.request(get()), { status: 200, body: "v2" });
  }
  partial.write("st: a\r\n\r\n");
  t.match(await partial.response(), { status: 200, body: "v2" });
  await until("the old ones to end", () => threads(server).every((each) => each.generation === 2));
  t.strictSame(notes(server), ["close v1", "close v1"]);
});

t.test("a running request ends on its old worker, and then its connection moves", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const busy = await server.connect();
  // The second one is not parsed on the old worker any more, or waits behind the first.
  busy.write(get("/wait") + get() + get("/thread"));
  await server.gate.arrived();
  server.write(versionSource("v2"));
  await server.server.reload();
  t.match(server.server.stats().workers, [
    { generation: 1, state: "draining", connections: 1 },
    { generation: 2, state: "serving" },
  ]);
  const other = await server.connect();
  t.equal((await other.request(get())).body, "v2");
  server.gate.open();
  t.match(await busy.response(), { status: 200, body: "v1" });
  await busy.response();
  await busy.response();
  t.match(await busy.request(get()), { status: 200, body: "v2" });
  await until("the old one to end", () => threads(server).length === 1);
  t.strictSame(notes(server), ["close v1"]);
});

t.test("a connection with state of the app ends with its next answer", async (t) => {
  const server = await startVersions(t, { drainQuietMs: 60_000 });
  const bound = await server.connect();
  await bound.request(get("/state"));
  server.write(versionSource("v2"));
  await server.server.reload();
  const answer = await bound.request(get());
  t.equal(answer.body, "v1", "its thread has its state");
  t.equal(answer.header("connection"), "close");
  t.equal(await bound.readToEnd(), "", "FIN, no reset");
  bound.end();
  await until("the old one to end", () => threads(server).length === 1);
});

t.test("one that stays quiet is closed after drainQuietMs", async (t) => {
  const server = await startVersions(t, { drainQuietMs: 200 });
  const bound = await server.connect();
  await bound.request(get("/state"));
  await server.server.reload();
  t.equal(await bound.readToEnd(), "", "FIN");
  bound.end();
  await until("the old one to end", () => threads(server).length === 1);
});

t.test("what waitUntil was given is waited for", async (t) => {
  const server = await startVersions(t);
  const client = await server.connect();
  await client.request(get("/after"));
  await server.gate.arrived();
  server.write(versionSource("v2"));
  await server.server.reload();
  t.equal((await client.request(get())).body, "v2", "the connection has moved");
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.strictSame(notes(server), []);
  server.gate.open();
  await until("the old one to end", () => threads(server).length === 1);
  t.strictSame(notes(server), ["after v1", "close v1"]);
});

t.test("at the deadline the old worker is ended, and says why", async (t) => {
  const server = await startVersions(t, { deadlineMs: 300 });
  const busy = await server.connect();
  busy.write(get("/wait"));
  await server.gate.arrived();
  const exits = collect<{ id: number; error?: Error }>(server, "workerExit");
  await server.server.reload();
  t.match(await busy.response(), { status: 500 });
  t.equal((await exits)[0]?.id, 1);
  t.strictSame(threads(server), [{ id: 2, generation: 2 }]);
});

t.test("an old worker that is blocked is killed after its deadline", async (t) => {
  const server = await startVersions(t, { deadlineMs: 300, stuckMs: 50 });
  const busy = await server.connect();
  busy.write(get("/block"));
  await server.gate.arrived();
  const exits = collect<{ error: { code: string } }>(server, "workerExit");
  const reloaded = server.server.reload();
  await until("the new one", () => threads(server).length === 2);
  const fresh = await server.connect();
  t.match(await fresh.request(get()), { status: 200 }, "the new generation serves meanwhile");
  setTimeout(() => server.gate.open(), 2000);
  t.strictSame(await reloaded, { generation: 2, workers: 1 });
  t.match((await exits)[0]?.error, { code: "ERR_MILLRACE_RETIRE_TIMEOUT" });
});

t.test("setApp serves another module, and reload() that one from then on", async (t) => {
  const server = await startVersions(t);
  const client = await server.connect();
  const other = await startVersions(t);
  other.write(versionSource("other"));
  t.match(await server.server.setApp(other.file), { generation: 2 });
  t.equal((await client.request(get())).body, "other");
  other.write(versionSource("another"));
  await server.server.reload();
  t.equal((await client.request(get())).body, "another");
  await t.rejects(server.server.setApp(`${server.folder}/none.mjs`), {
    code: "ERR_MILLRACE_APP_NOT_FOUND",
  });
  t.equal(server.server.generation, 3);
});

t.test("calls that wait for their turn are one, the one that has begun is another", async (t) => {
  const server = await startVersions(t);
  const { server: api } = server;
  const begun = collect<{ generation: number }>(server, "reloading");
  const first = api.reload();
  await begun;
  const [second, third, fourth] = [api.reload(), api.reload(), api.setApp(server.file)];
  t.match(await Promise.all([first, second, third, fourth]), [
    { generation: 2 }, { generation: 3 }, { generation: 3 }, { generation: 4 },
  ]);
});

t.test("a handler can ask for it", async (t) => {
  const server = await startVersions(t);
  const client = await server.connect();
  server.write(versionSource("v2"));
  t.match(await client.request(get("/reload")), { body: '{"generation":2,"workers":1}' });
  t.equal((await client.request(get())).body, "v2");
});

t.test("with workers: 0 there is nothing to reload", async (t) => {
  const server = await startVersions(t, { workers: 0 });
  await t.rejects(server.server.reload(), { code: "ERR_MILLRACE_NO_WORKERS" });
  await t.rejects(server.server.scale(2), { code: "ERR_MILLRACE_NO_WORKERS" });
});

t.test("a server that closes meanwhile closes, and the reload says so", async (t) => {
  const server = await startVersions(t);
  const { server: api } = server;
  server.write(versionSource("v2", "await new Promise(() => setInterval(() => {}, 1000));"));
  const begun = collect(server, "reloading");
  const reloaded = t.rejects(api.reload(), { code: "ERR_MILLRACE_SERVER_CLOSED" });
  await begun;
  await api.close();
  await reloaded;
  t.equal(api.stats().workers.length, 0);
  await t.rejects(api.reload(), { code: "ERR_MILLRACE_SERVER_CLOSED" });
  await t.rejects(api.scale(2), { code: "ERR_MILLRACE_SERVER_CLOSED" });
});

t.test("a reload heals an app whose workers die one after the other", async (t) => {
  const server = await startVersions(t);
  const client = await server.connect();
  await client.request(get());
  server.write(versionSource("v2", "", "init() { setTimeout(() => { throw 1; }, 20); },"));
  await server.server.reload();
  await collect(server, "workerExit", 4);
  server.write(versionSource("v3"));
  await server.server.reload();
  const { generation } = server.server;
  await until("the others to end", () =>
    threads(server).every((each) => each.generation === generation));
  t.match(await client.request(get()), { status: 200, body: "v3" });
});

t.test("a listener that stops while both generations live stops on both", async (t) => {
  const server = await startVersions(t);
  const [busy, idle] = await connectMany(server, 2) as [RawClient, RawClient];
  busy.write(get("/wait"));
  await server.gate.arrived();
  await server.server.reload();
  const stopped = server.server.stopListener(server.server.listeners[0]!.id);
  t.equal(await idle.readToEnd(), "", "on the new one: quiet, then FIN");
  idle.end();
  server.gate.open();
  const answer = await busy.response();
  t.equal(answer.header("connection"), "close", "on the old one");
  busy.end();
  t.match(await stopped, { graceful: true, destroyed: 0 });
});
