/** Tests of the balancing policies with real connections. */
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { collect, connectMany, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";

async function threadOf(client: RawClient): Promise<string> {
  return (await client.request(get("/thread"))).body;
}

async function connectFrom(t: Test, server: LifecycleServer, from: string): Promise<RawClient> {
  const client = await connectRaw({ port: server.port, from });
  t.teardown(() => client.close());
  return client;
}

/** The thread that serves each address, by one connection each. */
async function mapAddresses(
  t: Test,
  server: LifecycleServer,
  addresses: readonly string[],
): Promise<Map<string, string>> {
  const threads = new Map<string, string>();
  for (const address of addresses) {
    threads.set(address, await threadOf(await connectFrom(t, server, address)));
  }
  return threads;
}

t.test("round-robin goes round, however many connections one has", async (t) => {
  const server = await startLifecycle(t, { workers: 3, balance: "round-robin" });
  const threads: string[] = [];
  for (let i = 0; i < 9; i++) {
    const client = await server.connect();
    threads.push(await threadOf(client));
    if (i % 3 !== 0) client.close();
  }
  t.equal(new Set(threads).size, 3);
  t.strictSame(threads.slice(3), threads.slice(0, 6), "the same order each time");
});

t.test("least-busy serves too", async (t) => {
  const server = await startLifecycle(t, { workers: 2, balance: "least-busy" });
  const clients = await connectMany(server, 8);
  t.equal(clients.length, 8);
});

t.test("client-address: one address, one worker; its replacement inherits it", async (t) => {
  const server = await startLifecycle(t, { workers: 3, balance: "client-address" });
  const addresses = Array.from({ length: 40 }, (_, index) => `127.0.7.${index + 1}`);
  const before = await mapAddresses(t, server, addresses);
  t.equal(new Set(before.values()).size, 3, "all workers have some");
  t.strictSame(await mapAddresses(t, server, addresses), before, "the same again");
  const killer = await connectFrom(t, server, addresses[0]!);
  const starts = collect<{ threadId: number }>(server, "workerStart");
  const dead = await threadOf(killer);
  await killer.request(get("/late-exit"));
  const heir = String((await starts)[0]?.threadId);
  const isServing = async (): Promise<boolean> =>
    (await threadOf(await connectFrom(t, server, addresses[0]!))) === heir;
  await until("the replacement to take its address", isServing);
  const after = await mapAddresses(t, server, addresses);
  for (const [address, thread] of before) {
    t.equal(after.get(address), thread === dead ? heir : thread, address);
  }
});

/** The seat of each address: by the order in which the workers of a generation were started. */
async function seatsOf(
  t: Test,
  server: LifecycleServer,
  addresses: readonly string[],
): Promise<Map<string, number>> {
  const { generation } = server.server;
  const threads = server.server.stats().workers
    .filter((worker) => worker.generation === generation && worker.state === "serving")
    .map(({ threadId }) => String(threadId));
  const found = await mapAddresses(t, server, addresses);
  return new Map([...found].map(([address, thread]) => [address, threads.indexOf(thread)]));
}

t.test("client-address: no address moves when the app is loaded anew", async (t) => {
  const server = await startLifecycle(t, { workers: 3, balance: "client-address" });
  const addresses = Array.from({ length: 30 }, (_, index) => `127.0.8.${index + 1}`);
  const before = await seatsOf(t, server, addresses);
  t.equal(new Set(before.values()).size, 3, "all workers have some");
  for (let round = 0; round < 2; round++) {
    await server.server.reload();
    t.strictSame(await seatsOf(t, server, addresses), before, `reload ${round + 1}`);
  }
  await server.server.scale(5);
  await server.server.scale(3);
  t.strictSame(await seatsOf(t, server, addresses), before, "those that came last have left");
  await server.server.reload();
  t.strictSame(await seatsOf(t, server, addresses), before);
});

t.test("client-address: no address on a Unix socket, so the fewest connections", async (t) => {
  const path = join(ownFolder(t), "s");
  const server = await startLifecycle(t, {
    workers: 2, balance: "client-address", listeners: [{ id: "unix", path }],
  });
  await connectMany(server, 10);
  t.strictSame(server.server.stats().workers.map(({ connections }) => connections), [5, 5]);
});
