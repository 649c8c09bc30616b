/** Tests of listeners: binds, states, and one that stops while others go on. */
import { existsSync, linkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { until, within } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { nameHosts } from "../support/lookup.ts";
import { connectRaw } from "../support/raw-client.ts";
import { get, LIFECYCLE_APP, startLifecycle } from "../support/lifecycle.ts";
import { startServer } from "../support/server.ts";

t.test("port 0 becomes a real one, told in bind and URL", async (t) => {
  const { server, connect } = await startLifecycle(t);
  const [listener] = server.listeners;
  t.ok(listener!.port! > 0);
  t.match(listener, {
    id: "default",
    name: "default",
    host: "127.0.0.1",
    bind: `127.0.0.1:${listener!.port}`,
    url: `http://127.0.0.1:${listener!.port}`,
    state: "listening",
  });
  t.equal((await (await connect()).request(get())).body, "hello");
});

t.test("a name and an IPv6 address are bound", async (t) => {
  const listeners = [{ id: "a", host: "localhost", port: 0 }, { id: "b", host: "::1", port: 0 }];
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  for (const { url } of server.listeners) {
    t.equal(await (await fetch(url)).text(), "hello", url);
  }
});

t.test("one stops while the others are undisturbed", async (t) => {
  const { server, gate, connectTo } = await startLifecycle(t, { ids: ["a", "b", "c"] });
  const [a, b] = [await connectTo("a"), await connectTo("b")];
  await a.request(get());
  b.write(get("/wait"));
  await gate.arrived();
  t.strictSame(await server.stopListener("a", { force: true }), { graceful: false, destroyed: 1 });
  await until("a's end", () => a.state !== "open");
  t.strictSame(server.listeners.map(({ state }) => state), ["stopped", "listening", "listening"]);
  await t.rejects(connectTo("a"), { code: "ECONNREFUSED" });
  gate.open();
  const answer = await b.response();
  t.equal(answer.body, "waited");
  t.equal(answer.header("connection"), undefined, "b goes on");
  t.equal((await b.request(get())).status, 200);
  t.equal((await (await connectTo("c")).request(get())).status, 200);
});

t.test("a stopped one is started again on the same port", async (t) => {
  const { server, connect, port } = await startLifecycle(t);
  t.strictSame(await server.stopListener("default"), { graceful: true, destroyed: 0 });
  t.match(server.listeners, [{ state: "stopped", port }]);
  t.strictSame(await server.stopListener("default"), { graceful: true, destroyed: 0 }, "again");
  await server.startListener("default");
  t.match(server.listeners, [{ state: "listening", port }]);
  const client = await connect();
  const answer = await client.request(get());
  t.equal(answer.header("connection"), undefined);
  t.equal((await client.request(get())).status, 200);
});

for (const last of ["stopped", "listening"] as const) {
  t.test(`of stops and starts in a row the last one counts: ${last}`, async (t) => {
    const { server, gate, connect, port } = await startLifecycle(t);
    const client = await connect();
    client.write(get("/wait"));
    await gate.arrived();
    const first = server.stopListener("default");
    const started = server.startListener("default");
    const second = server.stopListener("default");
    const again = last === "listening" ? server.startListener("default") : null;
    const settled = Promise.allSettled([started, again]);
    gate.open();
    await client.response();
    client.end();
    t.match(await Promise.all([first, second]), [{ graceful: true }, { graceful: true }]);
    const [result] = await settled;
    t.match(result, last === "stopped"
      ? { status: "rejected", reason: { code: "ERR_MILLRACE_LISTENER_STOPPED" } }
      : { status: "fulfilled" });
    t.match(server.listeners, [{ state: last, port }]);
    await server.startListener("default");
    t.match(server.listeners, [{ state: "listening", port }]);
  });
}

t.test("a start during a stop waits for its end", async (t) => {
  const { server, gate, connect, port } = await startLifecycle(t);
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const stopped = server.stopListener("default");
  const started = server.startListener("default");
  t.equal(server.listeners[0]?.state, "stopping");
  gate.open();
  await client.response();
  client.end();
  t.match(await stopped, { graceful: true });
  await started;
  t.match(server.listeners, [{ state: "listening", port }]);
});

t.test("a start during a stop does not outlive the server's close", async (t) => {
  const started = await startLifecycle(t);
  const { server, gate, connect, port } = started;
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const listening: unknown[] = [];
  server.events.on("listening", (info) => listening.push(info));
  void server.stopListener("default");
  const again = server.startListener("default");
  const closed = server.close();
  gate.open();
  await t.rejects(again, { code: "ERR_MILLRACE_SERVER_CLOSED" });
  client.end();
  await closed;
  t.same(listening, []);
  await t.rejects(connectRaw({ port }), { code: "ECONNREFUSED" });
});

for (const how of ["stopListener", "close"] as const) {
  t.test(`a ${how} that comes during a start can be forced`, async (t) => {
    const { server, gate, connect } = await startLifecycle(t, { deadlineMs: 60_000 });
    const client = await connect();
    client.write(get("/wait"));
    await gate.arrived();
    await server.pauseListener("default");
    const started = server.startListener("default").catch((error: unknown) => error);
    const stop = async (force: boolean): Promise<unknown> => how === "close"
      ? await server.close({ force })
      : await server.stopListener("default", { force });
    const stopped = Promise.all([stop(false), stop(true)]);
    const result = await within("the stop", stopped);
    if (how === "stopListener") t.match(result[0], { graceful: false, destroyed: 1 });
    const closed = how === "close" ? "SERVER_CLOSED" : "LISTENER_STOPPED";
    t.match(await started, { code: `ERR_MILLRACE_${closed}` });
  });
}

t.test("a subscriber can force the stop that it is told of", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { deadlineMs: 60_000 });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const phases: unknown[] = [];
  let forced: Promise<unknown> | undefined;
  server.events.on("stopping", ({ phase }: { phase: string }) => {
    phases.push(phase);
    forced ??= server.stopListener("default", { force: true });
  });
  const result = await within("the stop", server.stopListener("default"));
  t.strictSame([result, await forced], [result, { graceful: false, destroyed: 1 }]);
  t.strictSame(phases, ["accepting", "destroying"]);
});

t.test("no stop waits for a host name that is being looked up", async (t) => {
  const found: ((addresses: string[]) => void)[] = [];
  nameHosts(t, {
    get "slow.test"() {
      return new Promise<string[]>((resolve) => found.push(resolve));
    },
  });
  const slow = { id: "slow", host: "slow.test", port: 0, autoStart: false };
  const { server } = await startLifecycle(t, {
    listeners: [{ id: "default", port: 0 }, slow], deadlineMs: 60_000,
  });
  const listening: unknown[] = [];
  server.events.on("listening", (info) => listening.push(info));
  const first = server.startListener("slow").catch((error: unknown) => error);
  const stopped = await within("the stop", server.stopListener("slow"));
  t.strictSame(stopped, { graceful: true, destroyed: 0 });
  t.match(await within("the start", first), { code: "ERR_MILLRACE_LISTENER_STOPPED" });
  found.shift()!(["127.0.0.1"]);
  await new Promise((resolve) => setImmediate(resolve));
  t.match(server.listeners[1], { state: "created", addresses: [] });
  // Of starts and stops in a row the last one counts.
  const second = server.startListener("slow");
  void server.stopListener("slow");
  const third = server.startListener("slow");
  for (const find of found.splice(0)) find(["127.0.0.1"]);
  const isAsked = (): boolean => found.length > 0 || server.listeners[1]?.state !== "created";
  await until("another look-up", isAsked);
  for (const find of found.splice(0)) find(["127.0.0.1"]);
  await Promise.all([second, third]);
  t.match([listening.length, server.listeners[1]], [1, { state: "listening" }]);
  await server.stopListener("slow");
  const last = server.startListener("slow").catch((error: unknown) => error);
  await within("the close", server.close());
  t.match(await last, { code: "ERR_MILLRACE_SERVER_CLOSED" });
  for (const find of found.splice(0)) find(["127.0.0.1"]);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(listening.length, 1);
});

t.test("a server that is closed while it starts does not wait for a look-up", async (t) => {
  let find!: (addresses: string[]) => void;
  const asked = new Promise<void>((resolve) => {
    nameHosts(t, {
      get "slow.test"() {
        resolve();
        return new Promise<string[]>((found) => (find = found));
      },
    });
  });
  const ending = new AbortController();
  const started = startLifecycle(t, {
    listeners: [{ host: "slow.test", port: 0 }], signal: ending.signal,
  });
  await asked;
  ending.abort();
  await t.rejects(within("the start", started), { code: "ERR_MILLRACE_SERVER_CLOSED" });
  find(["127.0.0.1"]);
});

t.test("pause closes only the listening socket", async (t) => {
  const { server, connect, port } = await startLifecycle(t);
  const client = await connect();
  await client.request(get());
  await server.pauseListener("default");
  await server.pauseListener("default");
  t.match(server.listeners, [{ state: "paused", port }]);
  await t.rejects(connectRaw({ port }), { code: "ECONNREFUSED" });
  const answer = await client.request(get());
  t.equal(answer.status, 200);
  t.equal(answer.header("connection"), undefined);
  await server.startListener("default");
  await server.startListener("default");
  t.equal((await (await connect()).request(get())).status, 200);
  t.equal((await client.request(get())).status, 200, "it is the same connection");
});

t.test("a paused one can be stopped", async (t) => {
  const { server, connect } = await startLifecycle(t);
  const client = await connect();
  await client.request(get());
  await server.pauseListener("default");
  const stopped = server.stopListener("default");
  t.equal(await client.readToEnd(), "");
  client.end();
  t.strictSame(await stopped, { graceful: true, destroyed: 0 });
});

t.test("a port that was taken meanwhile fails the start, which can be tried again", async (t) => {
  const { server, port } = await startLifecycle(t);
  await server.stopListener("default");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  await t.rejects(server.startListener("default"), {
    code: "ERR_MILLRACE_BIND",
    cause: { code: "EADDRINUSE" },
  });
  t.equal(server.listeners[0]?.state, "failed");
  await new Promise((resolve) => other.close(resolve));
  await server.startListener("default");
  t.match(server.listeners, [{ state: "listening", port }]);
});

t.test("Unix sockets: a stale file is replaced, ours is removed", async (t) => {
  const path = join(ownFolder(t), "a.sock");
  // A socket file whose listener has died.
  const stale = createServer();
  await new Promise<void>((resolve) => stale.listen(`${path}.old`, resolve));
  linkSync(`${path}.old`, path);
  await new Promise((resolve) => stale.close(resolve));
  t.ok(existsSync(path));
  const listeners = [{ id: "unix", path }];
  const { server, connect } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  t.match(server.listeners, [{ path, bind: path, url: `http+unix:${path}`, state: "listening" }]);
  const client = await connect();
  t.equal((await client.request(get())).body, "hello");
  await server.pauseListener("unix");
  t.notOk(existsSync(path), "gone while paused");
  t.equal((await client.request(get())).body, "hello");
  await server.startListener("unix");
  t.ok(existsSync(path));
  client.close();
  await server.close();
  t.notOk(existsSync(path));
});

t.test("a Unix socket in use, and a file that is no socket, are left alone", async (t) => {
  const folder = ownFolder(t);
  const used = join(folder, "used.sock");
  const other = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => other.listen(used, resolve));
  t.teardown(() => void other.close());
  const file = join(folder, "file");
  writeFileSync(file, "text");
  for (const path of [used, file]) {
    const listeners = [{ id: "unix", path }];
    await t.rejects(startServer(t, { app: LIFECYCLE_APP, listeners }), {
      code: "ERR_MILLRACE_BIND",
      cause: { code: "EADDRINUSE" },
    });
    t.ok(existsSync(path));
  }
});

t.test("port, host and Unix socket together", async (t) => {
  const path = join(ownFolder(t), "b.sock");
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const listeners = [{ id: "tcp", host: "127.0.0.1", port }, { id: "unix", path }];
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  t.equal(server.url, `http://127.0.0.1:${port}`, "the URL is the first one's");
  for (const target of [{ port }, { path }]) {
    const client = await connectRaw(target);
    t.equal((await client.request(get())).body, "hello");
    client.close();
  }
});
