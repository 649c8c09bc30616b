/** `context.server` without a server: what workers share is there, the rest says why it is not. */
import t from "tap";
import { absentServer } from "../../src/create-fetch/absent-server.ts";
import { createFetch } from "../../src/create-fetch.ts";

const topics = { publish: () => 4, count: () => 0 };

void t.test("shared memory, records and topics work", async (t) => {
  const server = absentServer(topics);
  const block = await server.sharedMemory("counts", 8);
  t.equal(await server.sharedMemory("counts", 8), block);
  await t.rejects(server.sharedMemory("", 8), { code: "ERR_MILLRACE_SHARED_MEMORY" });
  const table = { name: "sessions", recordsMax: 2, bytesMax: 4096, perOwnerMax: 1 };
  const written = await server.records({
    kind: "write", table, key: "k", owner: "", value: "v", version: 0,
    idleMs: 1000, lifetimeMs: 1000,
  });
  t.equal(written, "written");
  const read = await server.records({ kind: "read", table: "sessions", key: "k", idleMs: 1000 });
  t.match(read, { value: "v" });
  t.equal(server.publish("t", "data"), 4);
  t.equal(await server.subscriberCount("t"), 0);
});

void t.test("control calls reject", async (t) => {
  const server = absentServer(topics);
  for (const call of [
    server.routes(), server.reload(), server.close(), server.scale(2), server.metrics(),
    server.stopListener("default"),
  ]) {
    await t.rejects(call as Promise<void>, { code: "ERR_MILLRACE_NO_SOCKET" });
  }
  const fetchApp = await createFetch({
    init: async ({ server: given }) => {
      const message = /server\.drain\(\)/;
      await t.rejects(given.drain(), { code: "ERR_MILLRACE_NO_SOCKET", message });
    },
    fetch: () => "served",
  });
  t.equal((await fetchApp("/")).status, 200);
  await fetchApp.close();
});
