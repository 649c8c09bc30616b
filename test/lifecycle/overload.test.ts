/** Tests of too many connections: who is turned away, how, and that the counts come back. */
import { once } from "node:events";
import { connect } from "node:net";
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw, RawClient } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const APP = `export default { routes: {
  "/": () => new Response("hello"),
  "/die": () => { process.exit(1); },
} };`;

async function connectMany(server: TestServer, count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => server.connect()));
  for (const client of clients) t.equal((await client.request(GET)).status, 200);
  return clients;
}

/** It is told 503, whether it has sent something or not, and sees no reset. */
async function isTurnedAway(t: Test, client: RawClient): Promise<void> {
  const { status, header, body } = await client.response();
  t.match([status, body], [503, "too many connections\n"]);
  t.equal(header("retry-after"), "1");
  t.equal(header("connection"), "close");
  t.equal(await client.readToEnd(), "");
  client.close();
}

async function connections(server: TestServer, count: number): Promise<void> {
  await until(`${count} connections`, () =>
    server.server.stats().listeners.reduce((sum, each) => sum + each.connections, 0) === count);
}

t.test("connections of the process", async (t) => {
  const path = `${ownFolder(t)}/socket`;
  const server = await startApp(t, APP, {
    connectionsMax: 5, drainQuietMs: 0,
    listeners: [{ id: "tcp", host: "127.0.0.1", port: 0 }, { id: "unix", path }],
  });
  const clients = await connectMany(server, 4);
  const local = await connectRaw({ path });
  t.equal((await local.request(GET)).status, 200);
  for (const target of [{ port: server.port }, { path }]) {
    await isTurnedAway(t, await connectRaw(target));
    const writer = await connectRaw(target);
    writer.write(GET);
    await isTurnedAway(t, writer);
  }
  t.match(server.server.stats().listeners, [{ id: "tcp", refused: 2 }, { id: "unix", refused: 2 }]);
  t.equal((await local.request(GET)).status, 200, "those that are there go on");
  clients[0]!.close();
  await connections(server, 4);
  t.equal((await (await server.connect()).request(GET)).status, 200);
  local.close();
});

t.test("connections of an address", async (t) => {
  const server = await startApp(t, APP, { connectionsPerAddressMax: 2 });
  const from = async (localAddress: string): Promise<RawClient> => {
    const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
    await once(socket, "connect");
    t.teardown(() => socket.destroy());
    return new RawClient(socket, 10_000);
  };
  const first = await from("127.0.0.2");
  const second = await from("127.0.0.2");
  for (const client of [first, second]) t.equal((await client.request(GET)).status, 200);
  await isTurnedAway(t, await from("127.0.0.2"));
  t.equal((await (await from("127.0.0.3")).request(GET)).status, 200);
  first.reset();
  await connections(server, 2);
  t.equal((await (await from("127.0.0.2")).request(GET)).status, 200);
  await isTurnedAway(t, await from("127.0.0.2"));
});

t.test("the counts are right after a crash that moved the connections", async (t) => {
  const server = await startApp(t, APP, {
    workers: 2, connectionsMax: 10, connectionsPerAddressMax: 9,
  });
  const clients = await connectMany(server, 8);
  const died = once(server.server.events, "workerExit");
  const victim = await server.connect();
  victim.write(GET.replace("/", "/die"));
  t.equal((await victim.response()).status, 500);
  await died;
  for (const client of clients) t.equal((await client.request(GET)).status, 200);
  await connections(server, 8);
  const ninth = await server.connect();
  t.equal((await ninth.request(GET)).status, 200);
  await isTurnedAway(t, await server.connect());
  for (const client of [...clients, ninth]) client.close();
  await connections(server, 0);
  await connectMany(server, 9);
  await isTurnedAway(t, await server.connect());
});

t.test("a flood of connections costs those that are there nothing", async (t) => {
  const server = await startApp(t, APP, { connectionsMax: 1 });
  const [client] = await connectMany(server, 1);
  const { port } = server;
  for (let round = 0; round < 5; round++) {
    const flood = await Promise.all(Array.from({ length: 60 }, () => connectRaw({ port })));
    t.equal((await client!.request(GET)).status, 200);
    for (const each of flood) each.close();
  }
  const { refused } = server.server.stats().listeners[0]!;
  t.equal(refused, 300);
});
