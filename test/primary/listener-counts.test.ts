/** Tests of what is counted for a listener, by all workers and by each. */
import t from "tap";
import { loadNative } from "../../src/native.ts";
import {
  countsOf, FIRST_LISTENER, readSlot, workersOf,
} from "../../src/primary/listener-counts.ts";
import { connectMany, startLifecycle } from "../support/lifecycle.ts";

t.test("a server without workers has counted nothing", async (t) => {
  const native = loadNative();
  const options = { stuckMs: 250, balance: 0, connectionsMax: 0, connectionsPerAddressMax: 0 };
  const { handle } = native.createServer(options);
  t.strictSame(countsOf(native, handle, 127), {
    requests: 0, bytesIn: 0, bytesOut: 0, rejected: 0, refused: 0, unannounced: 0,
  });
  const slot = native.addWorker(handle, 0);
  t.ok(readSlot(native, handle, slot).subarray(FIRST_LISTENER).every((count) => count === 0));
  t.strictSame(workersOf(native, handle, [{ id: 1, slot }], 0), []);
});

t.test("each worker's connections are known", async (t) => {
  const started = await startLifecycle(t, { workers: 2 });
  const clients = await connectMany(started, 6);
  const { listeners, workers } = started.server.running();
  t.match(listeners, [{ id: "default", state: "listening", phase: null, connections: 6 }]);
  const held = listeners[0]!.workers;
  t.strictSame(held.map(({ id }) => id), workers);
  t.equal(held.reduce((sum, { connections }) => sum + connections, 0), 6);
  for (const client of clients) client.close();
});
