/** Tests of what is done about workers, all at once. */
import t from "tap";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";

const ALL = {
  stuckMs: 50, stuckTerminateMs: 100, rebalanceMs: 20, workerRequestsMax: 20,
  workerMemoryBytesMax: 1,
} as const;

t.test("a server with all of it serves, and closes while it is at work", async (t) => {
  // A thread that the machine holds up for a while is not to end: its request would be a 503.
  const server = await startLifecycle(t, { workers: 2, ...ALL, stuckTerminateMs: 60_000 });
  const recycled = collect(server, "recycle", 2);
  const client = await server.connect();
  for (let i = 0; i < 30; i++) t.equal((await client.request(get())).status, 200);
  await recycled;
  t.equal((await client.request(get())).status, 200);
  client.end();
  await server.server.close();
  t.strictSame(server.server.stats().workers, []);
});

t.test("with workers: 0 there is nobody to replace", async (t) => {
  const server = await startLifecycle(t, { workers: 0, ...ALL });
  const seen: string[] = [];
  for (const event of ["recycle", "rebalance", "stuck", "workerExit"]) {
    server.server.events.on(event, () => seen.push(event));
  }
  const client = await server.connect();
  for (let i = 0; i < 50; i++) t.equal((await client.request(get())).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.strictSame(seen, []);
});
