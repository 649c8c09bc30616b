/**
 * Tests of a worker's death with 200 keep-alive connections open: no idle one is lost, whatever
 * ended the thread, with another worker and without one.
 */
import t from "tap";
import type { Test } from "tap";
import type { RawClient } from "../support/raw-client.ts";
import { collect, connectMany, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";

const CONNECTIONS = 200;
const HEAP = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 };

async function startMany(t: Test, workers: number): Promise<[LifecycleServer, RawClient[]]> {
  const server = await startLifecycle(t, { workers, resourceLimits: HEAP });
  return [server, await connectMany(server, CONNECTIONS)];
}

/** Each answers its next request on the same socket. */
async function allAnswer(t: Test, clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) client.write(get());
  let answered = 0;
  for (const client of clients) {
    const answer = await client.response();
    if (answer.status === 200 && answer.body === "hello") answered++;
  }
  t.equal(answered, clients.length, "answers on the same sockets");
}

for (const workers of [1, 2]) {
  for (const path of ["/late-throw", "/late-exit", "/late-rejection", "/late-heap"]) {
    t.test(`${path} with ${workers} workers loses no idle connection`, async (t) => {
      const [server, clients] = await startMany(t, workers);
      const exits = collect<{ error: { code: string } }>(server, "workerExit");
      const killer = await server.connect();
      t.equal((await killer.request(get(path))).body, "bye");
      const [exit] = await exits;
      t.equal(exit?.error.code, "ERR_MILLRACE_WORKER_DIED");
      await allAnswer(t, [...clients, killer]);
      await allAnswer(t, [...clients, killer]);
      t.equal(server.server.stats().listeners[0]?.connections, CONNECTIONS + 1);
    });

    t.test(`${path} with ${workers} workers loses no request on its way`, async (t) => {
      const [server, clients] = await startMany(t, workers);
      const exits = collect(server, "workerExit");
      const killer = await server.connect();
      killer.write(get(path));
      await allAnswer(t, clients);
      await exits;
      await allAnswer(t, [...clients, killer].slice(0, -1));
    });
  }

  for (const path of ["/exit", "/heap"]) {
    t.test(`${path} in a handler with ${workers} workers is 500 for that one`, async (t) => {
      const [server, clients] = await startMany(t, workers);
      const exits = collect(server, "workerExit");
      const killer = await server.connect();
      const answer = await killer.request(get(path));
      t.equal(answer.status, 500);
      t.equal(answer.header("connection"), "close");
      await killer.readToEnd();
      t.equal(killer.state, "ended", "FIN, no reset");
      await allAnswer(t, clients);
      await exits;
      await allAnswer(t, clients);
    });
  }
}
