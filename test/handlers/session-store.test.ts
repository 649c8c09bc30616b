/** Tests of the store in the primary: what it asks of the server. */
import t from "tap";
import { memorySessions } from "../../src/handlers/session-store.ts";
import { Records } from "../../src/primary/records.ts";
import type { RecordCall, ServerControl } from "../../src/shared/app.ts";

t.test("sessions are records of the server", async (t) => {
  const records = new Records();
  const server = { records: async (call: RecordCall) => records.call(call) };
  const store = memorySessions({ perUserMax: 2, sessionsMax: 3 });
  const table = store.open(server as unknown as ServerControl);
  const write = { value: "v", owner: "o", idleMs: 1000, lifetimeMs: 1000, version: 0 };
  t.equal(await table.write({ ...write, key: "a" }), "written");
  t.strictSame(await table.read("a", 1000), { value: "v", owner: "o", version: 1 });
  t.equal(await table.write({ ...write, key: "b", replacesKey: "a" }), "written");
  t.equal(await table.read("a", 1000), null);
  for (const key of ["c", "d"]) await table.write({ ...write, key });
  t.equal(await table.read("b", 1000), null, "beyond perUserMax");
  t.equal(await table.deleteOwned("o", "d"), 1);
  await table.delete("d");
  t.equal(await table.deleteOwned("o"), 0);
  t.throws(() => memorySessions({ sessionsMax: 0 }), TypeError);
  t.throws(() => memorySessions({ bytesMax: 1.5 }), TypeError);
  for (const name of [5, ""] as string[]) t.throws(() => memorySessions({ name }), TypeError);
  t.throws(() => memorySessions({ maxSessions: 5 } as object), { message: '"maxSessions"' });
});
