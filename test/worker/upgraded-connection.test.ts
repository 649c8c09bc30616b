/** The life of an upgraded connection: who ends it, what is sent and read until then. */
import { createHash } from "node:crypto";
import t from "tap";
import { until } from "../support/deadline.ts";
import { ask, startUpgrades, switched } from "../support/upgrades.ts";

t.test("what start has written is sent, then FIN", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(`${ask("/up/returns")}nobody reads this`);
  await switched(client);
  t.equal(await client.readToEnd(), "hello, and goodbye");
  client.write("nor this");
  client.end();
  await until("its end", () => server.server.stats().listeners[0]!.connections === 0);
});

t.test("half-close: the peer ends first and is answered", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(`${ask("/up/half")}12345`);
  client.write("678");
  client.end();
  await switched(client);
  t.equal(await client.readToEnd(), "8 bytes");
  await server.noted("half end web");
});

t.test("a FIN that came with the request", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(ask("/late/half") + "abc");
  client.end();
  await server.gate.arrived();
  server.gate.open();
  await switched(client);
  t.equal(await client.readToEnd(), "3 bytes");
});

t.test("a megabyte both ways at once", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("echo");
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255));
  client.write(bytes);
  const echoed = await client.read(bytes.length);
  const hash = (each: Buffer): string => createHash("sha1").update(each).digest("hex");
  t.equal(hash(echoed), hash(bytes));
});

t.test("a slow reader stops its writer", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.pause();
  client.write(ask("/up/pours"));
  await server.noted("pours start web");
  let before = -1;
  await until("it waits", async () => {
    const { bytesOut } = server.server.stats().listeners[0]!;
    const isStill = bytesOut === before;
    before = bytesOut;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return isStill;
  });
  // What the kernel's buffers hold at both ends, and one limit of ours.
  t.ok(before < 20_000_000, `${before} bytes were written`);
  const [worker] = server.server.stats().workers;
  t.ok(worker!.heldBytes < 4_000_000, `${worker!.heldBytes} bytes wait`);
  client.reset();
  await server.noted("pours end web");
  const closed = server.notes().find((line) => line.startsWith("pours closed"));
  t.ok(Number(closed!.split(" ")[3]) < 400, `${closed}`);
});

t.test("who does not read stops the peer", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("deaf");
  const block = Buffer.alloc(1 << 20, "x");
  let sent = 0;
  while (sent < 64 && client.socket.writableLength < block.length) {
    client.socket.write(block);
    sent++;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.ok(sent < 64, `${sent} MiB were taken`);
  const { bytesIn } = server.server.stats().listeners[0]!;
  t.ok(bytesIn < 400_000, `${bytesIn} bytes were read`);
  client.reset();
  await server.noted("deaf end web");
});

t.test("a start that fails ends its connection, and only that", async (t) => {
  const server = await startUpgrades(t);
  const other = await server.open("echo");
  for (const name of ["throws", "rejects", "listener"]) {
    const client = await server.open(name);
    client.write("x");
    await until(`${name} is closed`, () => client.state !== "open");
    t.equal(client.pending, "");
    await server.noted(`${name} end web`);
  }
  other.write("still here");
  t.equal((await other.read(10)).toString(), "still here");
});

t.test("a detached socket lives on", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("detached");
  await server.noted("detached end web");
  t.equal(server.server.stats().listeners[0]!.upgraded, 1, "start has settled");
  t.equal(client.state, "open");
  client.write("done");
  t.equal(await client.readToEnd(), "");
  const failing = await server.open("detached");
  failing.write("fail");
  await until("it is closed", () => failing.state !== "open");
});

t.test("resets of either side", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("resets");
  client.write("x");
  await until("the reset", () => client.state === "reset");
  await server.noted("resets end web");
  for (const name of ["echo", "deaf", "half", "slow"]) {
    const other = await server.open(name);
    if (name === "deaf") other.write("unread");
    if (name === "slow") await server.gate.arrived();
    other.reset();
    if (name === "slow") server.gate.open();
    await server.noted(`${name} end web`);
  }
  const early = await server.connect();
  early.write(ask("/early/echo"));
  early.reset();
  await until("all have gone", () => server.server.stats().listeners[0]!.connections === 0);
  t.notOk(server.notes().some((line) => line.startsWith("early")));
});

t.test("what a handler is told, and close handlers run once at the real close", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(ask("/up/facts", "X-Own: 7\r\n"));
  await switched(client);
  client.write("?");
  const facts = JSON.parse(await client.readToEnd()) as Record<string, unknown>;
  t.match(facts, {
    remoteAddress: "127.0.0.1", remotePort: client.socket.localPort, localPort: server.port,
    remoteFamily: "IPv4", readyState: "open", listener: "web", client: "127.0.0.1", header: "7",
    url: "http://a.test/up/facts", closed: false,
  });
  t.match(facts["id"], /^\d+$/);
  client.end();
  await server.noted("facts other");
  const closed = server.notes().filter((line) => /^facts (?!start|end)/.test(line));
  t.strictSame(closed, ["facts replaced", "facts other"]);
});

t.test("a peer that takes nothing of what is left is given up after writeTimeoutMs", async (t) => {
  const server = await startUpgrades(t, { writeTimeoutMs: 500 });
  const client = await server.connect();
  client.pause();
  client.write(ask("/up/floods"));
  const connections = (): number => server.server.stats().listeners[0]!.connections;
  await server.noted("floods end web");
  t.equal(connections(), 1);
  await until("it is given up", () => connections() === 0);
});
