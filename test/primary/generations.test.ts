/** Tests of generations beside each other. The ways of a reload are in test/lifecycle. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { collect, get } from "../support/lifecycle.ts";
import { startVersions, versionSource } from "../support/versions.ts";
import type { VersionedServer } from "../support/versions.ts";

function generations({ server }: VersionedServer): number[] {
  return server.stats().workers.map(({ generation }) => generation);
}

t.test("of more than three that end, the oldest is at its deadline", async (t) => {
  const server = await startVersions(t, { deadlineMs: 60_000 });
  for (let version = 1; version <= 3; version++) {
    const client = await server.connect();
    client.write(get("/wait"));
    await server.gate.arrived(version);
    await server.server.reload();
  }
  t.strictSame(generations(server), [1, 2, 3, 4]);
  const last = await server.connect();
  last.write(get("/wait"));
  await server.gate.arrived(4);
  const exits = collect<{ generation: number }>(server, "workerExit");
  await server.server.reload();
  t.equal((await exits)[0]?.generation, 1);
  t.strictSame(generations(server), [2, 3, 4, 5]);
  server.gate.open();
  t.match(await last.response(), { status: 200 });
  await until("the others to end", () => generations(server).length === 1);
});

t.test("all of them are asked and told", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  const busy = await server.connect();
  busy.write(get("/wait"));
  await server.gate.arrived();
  await server.server.reload();
  await until("the idle one to end", () => generations(server).length === 3);
  await server.server.reopenLogs();
  const requests = server.server.stats().listeners[0]!.requests;
  server.gate.open();
  await busy.response();
  await until("the others to end", () => generations(server).length === 2);
  t.ok(server.server.stats().listeners[0]!.requests >= requests, "counts outlive their workers");
});

t.test("a server closes with all of them", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  const busy = await server.connect();
  busy.write(get("/wait"));
  await server.gate.arrived();
  await server.server.reload();
  const closed = server.server.close();
  server.gate.open();
  t.match(await busy.response(), { status: 200, body: "v1" });
  busy.end();
  await closed;
  t.equal(server.server.stats().workers.length, 0);
});

t.test("what happens is told in order", async (t) => {
  const server = await startVersions(t);
  const seen: string[] = [];
  for (const name of ["reloading", "reload", "reloadFailed", "workerStart"]) {
    server.server.events.on(name, ({ generation }) => seen.push(`${name} ${generation}`));
  }
  await server.server.reload();
  server.write(versionSource("v3", "null.x;"));
  await t.rejects(server.server.reload(), { code: "ERR_MILLRACE_APP_LOAD" });
  t.strictSame(seen, [
    "reloading 2", "workerStart 2", "reload 2", "reloading 3", "reloadFailed 3",
  ]);
});

t.test("changes of size wait for reloads, and reloads for them", async (t) => {
  const server = await startVersions(t, { workers: 1 });
  const [first, , second] = await Promise.all([
    server.server.reload(), server.server.scale(2), server.server.reload(),
  ]);
  t.strictSame([first, second], [{ generation: 2, workers: 1 }, { generation: 3, workers: 2 }]);
});
