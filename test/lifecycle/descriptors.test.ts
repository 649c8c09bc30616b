/** Tests that nothing stays open: descriptors and threads, before and after many cycles. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";
import type { RawClient } from "../support/raw-client.ts";
import { openDescriptors, runningThreads } from "../support/traces.ts";

const LISTENER_CYCLES = 1000;
const SERVER_CYCLES = 20;
const RELOADS = 20;

t.test("1,000 stops and starts of a listener", async (t) => {
  const { server, connect, port } = await startLifecycle(t, { workers: 2 });
  await server.stopListener("default");
  await server.startListener("default");
  const before = openDescriptors();
  for (let cycle = 0; cycle < LISTENER_CYCLES; cycle++) {
    if (cycle % 50 === 0) {
      const client = await connect();
      await client.request(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      client.close();
    }
    const { graceful } = await server.stopListener("default");
    if (!graceful) t.fail(`stop ${cycle} was not graceful`);
    await server.startListener("default");
    if (server.listeners[0]?.port !== port) t.fail(`start ${cycle} took another port`);
  }
  await until("the descriptors to be as before", () => openDescriptors() <= before);
  t.equal((await (await connect()).request(get())).status, 200);
});

t.test("servers come and go", async (t) => {
  const cycle = async (workers: number): Promise<void> => {
    const { server, connect } = await startLifecycle(t, { workers });
    const client = await connect();
    await client.request(get());
    client.close();
    await server.close();
  };
  await cycle(1);
  await cycle(0);
  const before = { descriptors: openDescriptors(), threads: runningThreads() };
  for (let index = 0; index < SERVER_CYCLES; index++) await cycle(index % 3);
  await until("the descriptors to be as before", () => openDescriptors() <= before.descriptors);
  await until("the threads to be as before", () => runningThreads() <= before.threads);
});

t.test("generations come and go", async (t) => {
  const server = await startLifecycle(t, { workers: 2 });
  const client = await server.connect();
  const cycle = async (): Promise<void> => {
    await server.server.reload();
    t.equal((await client.request(get())).status, 200, "the same connection, handed on");
  };
  for (let index = 0; index < 3; index++) await cycle();
  const isAlone = (): boolean => server.server.stats().workers.length === 2;
  await until("the old ones to end", isAlone);
  const before = { descriptors: openDescriptors(), threads: runningThreads() };
  for (let index = 0; index < RELOADS; index++) await cycle();
  await until("the old ones to end", isAlone);
  await until("the descriptors to be as before", () => openDescriptors() <= before.descriptors);
  await until("the threads to be as before", () => runningThreads() <= before.threads);
});

t.test("workers come and go", async (t) => {
  const server = await startLifecycle(t, { workers: 2 });
  const kill = async (): Promise<void> => {
    const exits = collect(server, "workerExit");
    const client = await server.connect();
    await client.request(get("/late-exit"));
    client.close();
    await exits;
    // Both serve again, and nobody is connected.
    const threads = new Set<string>();
    const clients: RawClient[] = [];
    await until("two threads", async () => {
      clients.push(await server.connect());
      threads.add((await clients.at(-1)!.request(get("/thread"))).body);
      return threads.size === 2;
    });
    for (const each of clients) each.close();
    await until("the end of all", () => server.server.stats().listeners[0]!.connections === 0);
  };
  await kill();
  const before = openDescriptors();
  for (let index = 0; index < 3; index++) await kill();
  await until("the descriptors to be as before", () => openDescriptors() <= before);
});
