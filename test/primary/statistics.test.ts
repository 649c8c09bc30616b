/** Tests of stats() after known traffic. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";

t.test("requests, bytes and connections add up per worker and per listener", async (t) => {
  const { server, connectTo } = await startLifecycle(t, { ids: ["a", "b"], workers: 2 });
  const [a, b, c] = [await connectTo("a"), await connectTo("a"), await connectTo("b")];
  const request = get();
  let bytesOut = 0;
  for (const [client, count] of [[a, 3], [b, 2], [c, 4]] as const) {
    for (let i = 0; i < count; i++) bytesOut += (await client.request(request)).length;
  }
  // An answer is counted after it was sent, so the last one may have overtaken its count.
  const sent = (): number => server.stats().listeners.reduce((all, each) => all + each.bytesOut, 0);
  await until("the last answer to be counted", () => sent() === bytesOut);
  const { workers, listeners } = server.stats();
  t.match(listeners, [
    { id: "a", connections: 2, requests: 5, bytesIn: 5 * request.length, upgraded: 0 },
    { id: "b", connections: 1, requests: 4, bytesIn: 4 * request.length, upgraded: 0 },
  ]);
  const sum = (field: "connections" | "requests" | "bytesIn" | "bytesOut"): number =>
    workers.reduce((all, worker) => all + worker[field], 0);
  t.equal(workers.length, 2);
  t.strictSame([sum("connections"), sum("requests"), sum("bytesIn"), sum("bytesOut")],
    [3, 9, 9 * request.length, bytesOut]);
  for (const { generation, state, threadId, utilisation } of workers) {
    t.match({ generation, state }, { generation: 1, state: "serving" });
    t.ok(threadId > 0);
    t.ok(utilisation >= 0 && utilisation <= 1);
  }
  c.close();
  await until("the end of c", () => server.stats().listeners[1]!.connections === 0);
  t.match(server.stats().listeners[1], { connections: 0, requests: 4 });
});

t.test("a worker's death loses no count of its listener", async (t) => {
  const started = await startLifecycle(t);
  const { server } = started;
  const client = await started.connect();
  for (let i = 0; i < 3; i++) await client.request(get());
  const starts = collect(started, "workerStart");
  await client.request(get("/late-throw"));
  await starts;
  t.equal((await client.request(get())).status, 200);
  t.match(server.stats().listeners, [{ connections: 1, requests: 5 }]);
  t.match(server.stats().workers, [{ id: 2, connections: 1, requests: 1, state: "serving" }]);
});

t.test("utilisation is the share of time that the loop was busy", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  server.stats();
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.ok(server.stats().workers[0]!.utilisation < 0.3, "idle");
  const client = await connect();
  client.write(get("/block"));
  await gate.arrived();
  server.stats();
  await new Promise((resolve) => setTimeout(resolve, 200));
  gate.open();
  await client.response();
  const seen: number[] = [];
  await until("the block to be counted", () => {
    seen.push(server.stats().workers[0]!.utilisation);
    return seen.at(-1)! > 0.5;
  });
});

t.test("what is drained or destroyed is no connection any more", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  t.match(server.stats().listeners, [{ connections: 1, requests: 1 }]);
  await server.stopListener("default", { force: true });
  t.match(server.stats().listeners, [{ connections: 0, requests: 1 }]);
  t.match(server.stats().workers, [{ connections: 0 }]);
});
