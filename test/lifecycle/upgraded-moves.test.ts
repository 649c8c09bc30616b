/** What becomes of upgraded connections when their worker goes: by a reload, by death, by far. */
import { join } from "node:path";
import t from "tap";
import { askControl } from "../support/ask-control.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { isAlive } from "../../src/primary/predecessor.ts";
import { repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import { ask, startUpgrades, switched } from "../support/upgrades.ts";

const HELLO = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

t.test("a reload asks the handlers of the old workers to stop, and waits for them", async (t) => {
  const server = await startUpgrades(t, { ids: ["web", "admin"] });
  const polite = [await server.open("polite"), await server.open("polite", "admin")];
  const slow = await server.open("slow");
  await server.gate.arrived();
  await server.server.reload();
  const fresh = await server.open("polite");
  for (const client of polite) t.equal(await client.readToEnd(), "bye");
  t.equal(server.notes().filter((line) => line === "stop polite").length, 1, "for good");
  t.equal(server.server.stats().workers.length, 2, "the old one waits for its last socket");
  server.gate.open();
  t.equal(await slow.readToEnd(), "late");
  for (const client of [...polite, slow]) client.close();
  await until("its end", () => server.server.stats().workers.length === 1);
  t.equal(fresh.state, "open", "those of the new app go on");
});

t.test("what does not end is closed at the deadline of the reload", async (t) => {
  const server = await startUpgrades(t, { deadlineMs: 2000 });
  const client = await server.open("stubborn");
  await server.server.reload();
  await server.noted("stop stubborn");
  await until("its end", () => client.state !== "open");
  await until("one worker", () => server.server.stats().workers.length === 1);
  t.match(server.server.stats().listeners[0], { upgraded: 0, connections: 0 });
});

t.test("an upgrade that is due on a worker that leaves is refused", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(ask("/late/echo"));
  await server.gate.arrived();
  await server.server.reload();
  server.gate.open();
  const answer = await client.response();
  t.equal(answer.status, 503);
  t.equal(answer.header("connection"), "close");
  t.strictSame(server.notes(), []);
});

for (const way of ["throw", "exit", "heap"]) {
  t.test(`a worker that dies by ${way} closes its upgraded connections alone`, async (t) => {
    const server = await startUpgrades(t, { resourceLimits: { maxOldGenerationSizeMb: 48 } });
    const sockets = [await server.open("echo"), await server.open("facts")];
    const idle = await server.connect();
    t.equal((await idle.request(HELLO)).status, 200);
    const killer = await server.open("dies");
    killer.write(way);
    for (const client of [...sockets, killer]) {
      await until("its end", () => client.state !== "open", 30_000);
    }
    t.equal((await idle.request(HELLO)).status, 200, "those of HTTP go to the next worker");
    await until("the counts", () => server.server.stats().listeners[0]!.upgraded === 0);
    t.equal(server.server.stats().listeners[0]!.connections, 1);
    const again = await server.open("echo");
    again.write("back");
    t.equal((await again.read(4)).toString(), "back");
  });
}

t.test("fewer workers: those that leave stop their sockets, the others' go on", async (t) => {
  const server = await startUpgrades(t, { workers: 2 });
  const clients = await Promise.all(Array.from({ length: 8 }, () => server.open("polite")));
  const busy = server.server.stats().workers.filter(({ connections }) => connections > 0);
  t.equal(busy.length, 2, "both have some");
  await server.server.scale(1);
  await server.noted("polite end web", busy[1]!.connections);
  await until("one worker", () => server.server.stats().workers.length === 1);
  const open = clients.filter((client) => client.state === "open").length;
  t.equal(open, busy[0]!.connections);
  t.match(server.server.stats().listeners[0], { upgraded: open });
});

t.test("another process in this one's place lets the sockets say good-bye", async (t) => {
  const folder = ownFolder(t);
  const control = join(folder, "c");
  const app = repositoryFile("examples/line-chat.mjs");
  const args = [app, "--workers", "1", "--control", control, "--port", "0", "--host", "127.0.0.1"];
  const command = new Command(t, args);
  const { port } = new URL(await command.url());
  const open = async (): ReturnType<typeof connectRaw> => {
    const client = await connectRaw({ host: "127.0.0.1", port: Number(port) });
    t.teardown(() => client.close());
    client.write(ask("/chat", "", "line-chat"));
    await switched(client);
    await client.readUntil("\n");
    return client;
  };
  const before = await open();
  const told = await askControl(control, "POST /upgrade");
  t.equal(told.status, 200);
  t.teardown(() => process.kill(told.value.pid, "SIGKILL"));
  t.equal(await before.readToEnd(), "the server goes, good-bye\n");
  before.close();
  await until("the end of the old process", () => !isAlive(command.child.pid!));
  const after = await open();
  t.equal(after.state, "open");
});
