/** Tests of adding and retiring workers while the server runs. */
import { writeFileSync } from "node:fs";
import t from "tap";
import { until } from "../support/deadline.ts";
import { connectMany, get } from "../support/lifecycle.ts";
import { startLoad } from "../support/load.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startVersions, versionSource } from "../support/versions.ts";

async function threadsOf(clients: readonly RawClient[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const client of clients) {
    const { body } = await client.request(get("/thread"));
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  return counts;
}

t.test("1, 4 and 1 workers under full load: no request fails", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const load = startLoad(t, `${server.url}/`, 16);
  const served = (): number => server.server.stats().listeners[0]!.requests;
  await until("the load", () => served() > 500);
  for (let round = 0; round < 3; round++) {
    for (const workers of [4, 1]) {
      await server.server.scale(workers);
      const before = served();
      await until("more requests", () => served() > before + 500);
      await until("the workers", () => server.server.stats().workers.length === workers);
    }
  }
  const result = await load.stop();
  t.ok(result.requests > 1000, `${load.client}: ${result.requests} requests`);
  t.equal(result.failed, 0);
});

t.test("new workers take new connections, and those of retired ones live on", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const old = await connectMany(server, 4);
  await server.server.scale(3);
  t.equal(server.server.stats().workers.filter(({ state }) => state === "serving").length, 3);
  const fresh = await connectMany(server, 8);
  t.strictSame([...(await threadsOf([...old, ...fresh])).values()], [4, 4, 4], "fewest first");
  await server.server.scale(1);
  t.equal((await threadsOf([...old, ...fresh])).size, 1, "all live on, with one worker");
  await until("the others to end", () => server.server.stats().workers.length === 1);
  t.match(server.server.stats().workers, [{ id: 1, generation: 1, connections: 12 }]);
});

t.test("a reload has as many workers as were last asked for", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  await server.server.scale(3);
  t.match(await server.server.reload(), { generation: 2, workers: 3 });
  await server.server.scale(2);
  await until("the others to end", () => server.server.stats().workers.length === 2);
});

t.test("a running request ends on a worker that is retired", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  const busy = [await server.connect(), await server.connect()];
  for (const client of busy) client.write(get("/wait"));
  await server.gate.arrived(2);
  await server.server.scale(1);
  t.equal(server.server.stats().workers.filter(({ state }) => state === "draining").length, 1);
  server.gate.open();
  for (const client of busy) t.match(await client.response(), { status: 200 });
  for (const client of busy) t.match(await client.request(get()), { status: 200 });
  await until("the other to end", () => server.server.stats().workers.length === 1);
});

t.test("workers that cannot start leave as many as there were", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const client = await server.connect();
  writeFileSync(server.file, versionSource("v2", "", 'init() { throw new Error("no"); },'));
  const started: unknown[] = [];
  server.server.events.on("workerStart", (info) => started.push(info));
  for (let i = 0; i < 5; i++) {
    await t.rejects(server.server.scale(3), { code: "ERR_MILLRACE_INIT_FAILED" });
    await until("the failed ones to end", () => server.server.stats().workers.length === 1);
  }
  t.match(await client.request(get()), { status: 200, body: "v1" });
  server.write(versionSource("v1"));
  await server.server.scale(2);
  t.equal(server.server.stats().workers.length, 2);
  t.equal(started.length, 1, "nobody was put in the place of those that failed");
});

t.test("a worker has a thread of its own, with modules of its own", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  for (let i = 0; i < 3; i++) {
    server.write(versionSource("v2", "", 'init() { throw new Error("no"); },'));
    let exits = 0;
    const next = new Promise<void>((resolve, reject) => {
      const onExit = (): void => {
        if (++exits < 2) return;
        server.server.events.off("workerExit", onExit);
        // The thread of the one that has failed is still there.
        server.write(versionSource("v1"));
        server.server.scale(2).then(resolve, reject);
      };
      server.server.events.on("workerExit", onExit);
    });
    await t.rejects(server.server.scale(3), { code: "ERR_MILLRACE_INIT_FAILED" });
    await next;
    await server.server.scale(1);
    await until("the other to end", () => server.server.stats().workers.length === 1);
  }
});

t.test("a worker that dies is replaced up to the new number", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  await server.server.scale(1);
  const killer = await server.connect();
  killer.write(get("/die"));
  t.match(await killer.response(), { status: 500 });
  const idle = await server.connect();
  t.match(await idle.request(get()), { status: 200, body: "v1" });
  t.equal(server.server.stats().workers.filter(({ state }) => state === "serving").length, 1);
});

t.test("a handler can ask for it", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const client = await server.connect();
  t.match(await client.request(get("/scale/2")), { status: 200 });
  t.equal(server.server.stats().workers.length, 2);
});

t.test("what is no number of workers is refused", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  for (const wrong of [0, -1, 1.5, 257, NaN, Infinity, "2"]) {
    await t.rejects(server.server.scale(wrong as number), {
      code: "ERR_MILLRACE_OPTION_INVALID",
      message: /from 1 to 256/,
    });
  }
  t.equal(server.server.stats().workers.length, 1);
});
