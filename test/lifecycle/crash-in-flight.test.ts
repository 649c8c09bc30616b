/** Tests of what a worker's death does to requests in every stage. */
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";
import { collect, connectMany, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";

/** Connections that all belong to one of the workers. */
async function connectToOne(server: LifecycleServer, count: number): Promise<RawClient[]> {
  const clients = await connectMany(server, count * 2);
  const byThread = new Map<string, RawClient[]>();
  for (const client of clients) {
    const { body } = await client.request(get("/thread"));
    byThread.set(body, [...byThread.get(body) ?? [], client]);
  }
  return [...byThread.values()].sort((a, b) => b.length - a.length)[0]!.slice(0, count);
}

function received({ server }: LifecycleServer): number {
  return server.stats().listeners[0]!.bytesIn;
}

for (const workers of [1, 2]) {
  t.test(`with ${workers} workers, seen is 500 and unseen is served elsewhere`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const [blocker, killer, ...rest] = await connectToOne(server, 12);
    blocker!.write(get("/block"));
    await server.gate.arrived();
    // They wait in their sockets, in this order, and become one batch.
    killer!.write(get("/exit"));
    for (const client of rest) client.write(get("/thread"));
    server.gate.open();
    t.match(await blocker!.response(), { status: 200, body: "blocked" });
    const answer = await killer!.response();
    t.equal(answer.status, 500);
    t.equal(answer.header("connection"), "close");
    for (const client of rest) t.match(await client.response(), { status: 200 });
    for (const client of rest) t.match(await client.request(get()), { status: 200 });
  });

  t.test(`with ${workers} workers, a pending handler's request is 500`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const [pending, killer] = await connectToOne(server, 2);
    pending!.write(get("/wait"));
    await server.gate.arrived();
    await killer!.request(get("/late-throw"));
    const answer = await pending!.response();
    t.equal(answer.status, 500);
    t.equal(answer.header("connection"), "close");
    t.equal(await pending!.readToEnd(), "");
  });

  t.test(`with ${workers} workers, a half-received head survives`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const [half, killer] = await connectToOne(server, 2);
    const before = received(server);
    half!.write("GET /thread HTTP/1.1\r\nHost: a.te");
    await until("its bytes", () => received(server) > before);
    const exits = collect(server, "workerExit");
    await killer!.request(get("/late-exit"));
    await exits;
    half!.write("st\r\n\r\n");
    t.match(await half!.response(), { status: 200 });
    t.match(await half!.request(get()), { status: 200, body: "hello" });
  });

  t.test(`with ${workers} workers, pipelined answers that were made are sent`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const client = await server.connect();
    client.write(get() + get() + get("/exit") + get());
    t.match(await client.response(), { status: 200, body: "hello" });
    t.match(await client.response(), { status: 200, body: "hello" });
    t.match(await client.response(), { status: 500 });
    t.equal(await client.readToEnd(), "");
  });

  t.test(`with ${workers} workers, a stream in flight is cut`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const [stream, killer] = await connectToOne(server, 2);
    stream!.write(get("/stream"));
    await stream!.readUntil("first ");
    await server.gate.arrived();
    await killer!.request(get("/late-throw"));
    await until("the end of the stream", () => stream!.state !== "open");
    t.notMatch(stream!.pending, /0\r\n\r\n/, "without the mark of a whole body");
  });

  t.test(`with ${workers} workers, a request whose body comes is 500`, async (t) => {
    const server = await startLifecycle(t, { workers });
    const [body, killer] = await connectToOne(server, 2);
    const before = received(server);
    const head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345";
    body!.write(head);
    await until("its bytes", () => received(server) >= before + head.length);
    await killer!.request(get("/late-throw"));
    t.match(await body!.response(), { status: 500 });
  });
}

t.test("a stopping listener's connections are drained by the replacement too", async (t) => {
  const server = await startLifecycle(t, { drainQuietMs: 5000, ids: ["a"] });
  const [idle, killer, half] = await connectMany(server, 3) as [RawClient, RawClient, RawClient];
  half.write("GET / HTTP/1.1\r\nHo");
  killer.write(get("/late-exit"));
  const exits = collect(server, "workerExit");
  const stopped = server.server.stopListener("a");
  t.match(await killer.response(), { status: 200 });
  await exits;
  for (const [client, bytes] of [[idle, get()], [half, "st: a\r\n\r\n"]] as const) {
    const answer = await client.request(bytes, "GET");
    t.equal(answer.status, 200);
    t.equal(answer.header("connection"), "close");
    client.end();
  }
  killer.end();
  t.match(await stopped, { graceful: true, destroyed: 0 });
});

async function nothingIsLeft(t: Test, server: LifecycleServer): Promise<void> {
  await server.server.close({ force: true });
  t.equal(server.server.stats().workers.length, 0);
}

t.test("a server can be closed while its only worker is being replaced", async (t) => {
  const server = await startLifecycle(t);
  const [idle, killer] = await connectMany(server, 2) as [RawClient, RawClient];
  const exits = collect(server, "workerExit");
  await killer.request(get("/late-exit"));
  await exits;
  await nothingIsLeft(t, server);
  t.equal(await idle.readToEnd(), "", "FIN");
});
