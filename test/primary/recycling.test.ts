/** Tests of workers that are replaced because they have served their time. */
import t from "tap";
import type { Test } from "tap";
import { capOf } from "../../src/primary/recycling.ts";
import type { RecycleInfo } from "../../src/shared/worker-events.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleOptions, LifecycleServer } from "../support/lifecycle.ts";
import { startTraffic } from "../support/traffic.ts";

interface Watched {
  readonly server: LifecycleServer;
  readonly recycled: RecycleInfo[];
  readonly exits: { id: number; error?: Error }[];
  /** The fewest workers that served at any event. */
  fewest(): number;
}

async function start(t: Test, options: LifecycleOptions): Promise<Watched> {
  const server = await startLifecycle(t, options);
  const recycled: RecycleInfo[] = [];
  const exits: { id: number; error?: Error }[] = [];
  let fewest = Infinity;
  const look = (): void => {
    const { workers } = server.server.stats();
    fewest = Math.min(fewest, workers.filter(({ state }) => state === "serving").length);
  };
  const { events } = server.server;
  events.on("recycle", (info: RecycleInfo) => recycled.push(info));
  events.on("workerExit", (exit: { id: number; error?: Error }) => exits.push(exit));
  for (const event of ["recycle", "workerStart", "workerExit"]) events.on(event, look);
  return { server, recycled, exits, fewest: () => fewest };
}

t.test("caps lie apart, and never above the option", (t) => {
  const caps = Array.from({ length: 8 }, (_, index) => capOf(10_000, index + 1));
  t.equal(new Set(caps).size, 8);
  t.ok(Math.min(...caps) >= 9000);
  t.ok(Math.max(...caps) <= 10_000);
  for (let id = 1; id < 100; id++) t.equal(capOf(1, id), 1);
  t.end();
});

for (const workers of [1, 2]) {
  t.test(`with ${workers} workers requests go on while one after the other is replaced`,
    async (t) => {
      const { server, recycled, exits, fewest } =
        await start(t, { workers, workerRequestsMax: 500 });
      const first = server.server.stats().workers.map(({ id }) => id);
      const traffic = await startTraffic(server, 20);
      await until("each of the first workers and more to have ended", () =>
        exits.length >= workers + 2, 20_000);
      const { statuses, failures } = await traffic.stop();
      t.strictSame(failures, [], "no connection was lost");
      t.strictSame(Object.keys(statuses), ["200"], "and no request failed");
      t.ok(fewest() >= workers, `${fewest()} served at the worst moment`);
      for (const id of first) t.ok(exits.some((exit) => exit.id === id));
      for (const exit of exits) t.equal(exit.error, undefined, "nobody has died");
      for (const { id, reason, value } of recycled) {
        t.equal(reason, "requests");
        t.ok(value >= capOf(500, id));
      }
      t.equal(server.server.stats().listeners[0]!.connections, 20);
    });
}

t.test("requests of every listener count", async (t) => {
  const { server, recycled } = await start(t, { ids: ["a", "b"], workerRequestsMax: 5 });
  const client = await server.connectTo("b");
  for (let i = 0; i < 5; i++) await client.request(get());
  await until("the worker to be replaced", () => recycled.length > 0);
  t.match(recycled, [{ reason: "requests", value: 5 }]);
});

t.test("a request that runs ends on the old worker, and then its connection moves", async (t) => {
  const { server, exits } = await start(t, { workerRequestsMax: 3 });
  const [slow, quick] = [await server.connect(), await server.connect()];
  const before = (await slow.request(get("/thread"))).body;
  slow.write(get("/wait"));
  await server.gate.arrived();
  for (let i = 0; i < 4; i++) await quick.request(get());
  await until("the other to serve", async () =>
    (await quick.request(get("/thread"))).body !== before);
  t.strictSame(exits, [], "the old one waits for its request");
  server.gate.open();
  t.equal((await slow.response()).body, "waited");
  await until("its end", () => exits.some(({ id }) => id === 1));
  t.not((await slow.request(get("/thread"))).body, before);
});

t.test("memory that is kept has its worker replaced, garbage does not", async (t) => {
  const server = await startApp(t, `
    const kept = [];
    export default { routes: {
      "/keep": () => { kept.push(Buffer.alloc(1 << 23, 1)); return new Response("kept"); },
      "/drop": () => new Response(String(Buffer.alloc(1 << 23, 1).length)),
    } };`, { workerMemoryBytesMax: 200 * 2 ** 20 });
  const recycled: RecycleInfo[] = [];
  server.server.events.on("recycle", (info: RecycleInfo) => recycled.push(info));
  const client = await server.connect();
  for (let i = 0; i < 60; i++) await client.request(get("/drop"));
  t.strictSame(recycled, []);
  const exits = collect<{ id: number; error?: Error }>(server, "workerExit");
  for (let i = 0; i < 30; i++) await client.request(get("/keep"));
  await until("its turn", () => recycled.length === 1);
  t.match(recycled, [{ id: 1, reason: "memory" }]);
  t.ok(recycled[0]!.value > 180 * 2 ** 20);
  const [exit] = await exits;
  t.match(exit, { id: 1 });
  t.equal(exit?.error, undefined);
  t.equal((await client.request(get("/drop"))).status, 200, "on the same connection");
});

t.test("a replacement that cannot serve changes nothing", async (t) => {
  const { server, recycled, exits } = await start(t, { workerRequestsMax: 5, again: "fail" });
  const client = await server.connect();
  for (let i = 0; i < 10; i++) await client.request(get());
  await until("a try", () => recycled.length > 0);
  await until("its failure", () => exits.length > 0);
  t.match(exits[0], { id: 2, error: { code: "ERR_MILLRACE_INIT_FAILED" } });
  t.equal((await client.request(get())).status, 200);
  t.match(server.server.stats().workers[0], { id: 1, state: "serving" });
});
