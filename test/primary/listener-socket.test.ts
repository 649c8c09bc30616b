/** Tests of listening sockets: every kind of place, and what happens when one breaks. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import type { Test } from "tap";
import { addressOf } from "../../src/primary/listener-socket.ts";
import type { ListenerErrorInfo } from "../../src/shared/app.ts";
import { startChild } from "../support/child.ts";
import type { ChildServer } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { foreignEnv, repositoryFile, skipSanitized } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { get, LIFECYCLE_APP } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startServer } from "../support/server.ts";

interface Breakable extends ChildServer {
  /** The next so many wake-ups of a listening socket find it shut down. */
  break(times: number): void;
  faults(): string[];
}

async function startBreakable(
  t: Test,
  listener: object = {},
  options: object = {},
): Promise<Breakable> {
  const folder = ownFolder(t);
  const shim = join(folder, "accept-fault.so");
  const file = join(folder, "faults");
  const source = repositoryFile("test/support/accept-fault.c");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"]);
  writeFileSync(file, Buffer.alloc(4));
  const env = { LD_PRELOAD: shim, MILLRACE_TEST_FAULTS: file };
  const listeners = [{ id: "default", port: 0, ...listener }];
  const server = await startChild(t, { listeners, ...options }, undefined, env);
  return {
    ...server,
    break(times) {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(times);
      writeFileSync(file, bytes, { flag: "r+" }); // the server has mapped it
    },
    faults: () => server.printed().match(/^(?:listenerError|listening|error) .*$/gm) ?? [],
  };
}

/** Has the server accept: the connection may be lost with the socket that breaks. */
async function knock(port: number): Promise<void> {
  const client = await connectRaw({ port }).catch(() => null);
  client?.close();
}

async function answers(port: number): Promise<boolean> {
  const client = await connectRaw({ port }).catch(() => null);
  const answer = await client?.request(get()).catch(() => null);
  client?.close();
  return answer?.body === "hello";
}

t.test("one that breaks is opened again on its port", skipSanitized, async (t) => {
  const server = await startBreakable(t);
  const kept = await server.connect();
  t.equal((await kept.request(get())).body, "hello");
  server.break(1);
  await knock(server.port);
  await until("it is open again", () => answers(server.port));
  t.strictSame(server.faults(), ["listenerError EINVAL reopens", "listening default"]);
  t.equal((await kept.request(get())).body, "hello", "its connections have gone on");
});

t.test("it fails for good after reopenMax times in a row", skipSanitized, async (t) => {
  const server = await startBreakable(t, { reopenMax: 2 });
  server.break(1000);
  await until("its end", async () => {
    await knock(server.port);
    return server.printed().includes("listenerError EINVAL fails");
  });
  await server.prints("ERR_MILLRACE_LISTENER_FAILED");
  t.strictSame(server.faults(), [
    "listenerError EINVAL reopens", "listening default",
    "listenerError EINVAL reopens", "listening default",
    "listenerError EINVAL fails", "error ERR_MILLRACE_LISTENER_FAILED",
  ]);
  await t.rejects(connectRaw({ port: server.port }), { code: "ECONNREFUSED" });
});

t.test("one that has accepted since has its tries again", skipSanitized, async (t) => {
  const server = await startBreakable(t, { reopenMax: 1 });
  for (let round = 1; round <= 3; round++) {
    server.break(1);
    await knock(server.port);
    await until(`round ${round}`, () => answers(server.port));
  }
  t.equal(server.faults().filter((each) => each.endsWith("reopens")).length, 3);
});

t.test("with reopenMax 0 it fails at once", skipSanitized, async (t) => {
  const server = await startBreakable(t, { reopenMax: 0 });
  server.break(1);
  await knock(server.port);
  await server.prints("error ERR_MILLRACE_LISTENER_FAILED");
  t.match(server.faults()[0], "listenerError EINVAL fails");
});

for (const when of ["as its queue is emptied", "before, and waits to be opened again"]) {
  t.test(`one that breaks ${when} stops all the same`, skipSanitized, async (t) => {
    const server = await startBreakable(t, {}, { signals: true });
    const kept = await server.connect();
    t.equal((await kept.request(get())).body, "hello");
    server.break(1000);
    if (when.startsWith("before")) {
      await knock(server.port);
      await server.prints("listenerError EINVAL reopens");
    }
    server.child.kill("SIGTERM");
    t.equal(await server.ended(), 0);
    const [, stopping] = server.printed().split("stopping accepting\n");
    t.match(stopping, /^closed$/m);
    t.notMatch(stopping, /^listening/m, "it is not opened again");
  });
}

t.test("an abstract name leaves no file", async (t) => {
  const path = `@millrace-test-${process.pid}`;
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners: [{ path }] });
  t.match(server.listeners, [
    { path, bind: path, addresses: [{ address: path, family: "unix" }], state: "listening" },
  ]);
  // Node.js 20 cannot connect to such a name.
  const curl = promisify(execFile);
  const answer = await curl("curl", [
    "-s", "--abstract-unix-socket", path.slice(1), "http://a/",
  ], { env: foreignEnv() });
  t.equal(answer.stdout, "hello");
  t.notOk(existsSync(path));
});

t.test("the file of a Unix socket has the mode that was asked for", async (t) => {
  const path = join(ownFolder(t), "mode.sock");
  const listeners = [{ id: "unix", path, mode: "0620" }];
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  t.equal(statSync(path).mode & 0o777, 0o620);
  await server.stopListener("unix");
  t.notOk(existsSync(path));
});

t.test("the file of another socket in its place is not removed", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "taken.sock");
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners: [{ id: "u", path }] });
  execFileSync("rm", [path], { env: foreignEnv() });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(path, resolve));
  await server.stopListener("u");
  t.ok(existsSync(path));
  await new Promise((resolve) => other.close(resolve));
});

t.test("a host name has one port on each of its addresses", async (t) => {
  const { server } = await startServer(t, {
    app: LIFECYCLE_APP, listeners: [{ id: "name", host: "localhost", port: 0 }],
  });
  const [{ port, addresses, bind }] = server.listeners as [typeof server.listeners[0]];
  t.equal(bind, `localhost:${port}`);
  t.ok(addresses.some(({ error }) => error === undefined));
  for (const { address, port: own, error } of addresses) {
    t.equal(own, port);
    if (error !== undefined) continue;
    const client = await connectRaw({ host: address, port: port! });
    t.equal((await client.request(get())).body, "hello", address);
    client.close();
  }
});

t.test("an address in use is told, and the others serve", async (t) => {
  const probe = createServer();
  const isDual = await new Promise<boolean>((resolve) => {
    probe.once("error", () => resolve(false)).listen(0, "::1", () => resolve(true));
  });
  const { lookup } = await import("node:dns/promises");
  const found = (await lookup("localhost", { all: true })).map(({ address }) => address);
  if (!isDual || !found.includes("::1") || found.length < 2) {
    probe.close();
    t.pass("localhost has one address here");
    return;
  }
  const { port } = probe.address() as { port: number };
  const errors: ListenerErrorInfo[] = [];
  const listeners = [{ id: "name", host: "localhost", port, autoStart: false }];
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  t.match(server.listeners, [{ state: "created", addresses: [] }]);
  server.events.on("listenerError", (detail: ListenerErrorInfo) => errors.push(detail));
  await server.startListener("name");
  t.match(server.listeners[0]!.addresses, [
    { address: "127.0.0.1", port },
    { address: "::1", port, error: /the address is in use \(EADDRINUSE\)/ },
  ]);
  t.match(errors, [{ action: "skips", address: { address: "::1" }, listener: { id: "name" } }]);
  t.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), "hello");
  await new Promise((resolve) => probe.close(resolve));
});

t.test("a descriptor that does not listen is refused and stays open", async (t) => {
  const fds = readdirSync("/proc/self/fd").length;
  await t.rejects(startServer(t, { app: LIFECYCLE_APP, listeners: [{ fd: 1 }] }), {
    code: "ERR_MILLRACE_BIND", cause: { code: /^(ENOTSOCK|EINVAL)$/ },
  });
  await t.rejects(startServer(t, { app: LIFECYCLE_APP, listeners: [{ bind: "fd:99999" }] }), {
    code: "ERR_MILLRACE_BIND", cause: { code: "EBADF" },
  });
  t.doesNotThrow(() => process.stdout.write(""));
  t.ok(readdirSync("/proc/self/fd").length <= fds + 8);
});

t.test("addresses are told with their family", async (t) => {
  t.strictSame(addressOf({ host: "::1", port: 1 }), { address: "::1", port: 1, family: "IPv6" });
  t.strictSame(addressOf({ host: "127.0.0.1", port: 1 }), {
    address: "127.0.0.1", port: 1, family: "IPv4",
  });
  t.strictSame(addressOf({ path: "@a" }), { address: "@a", family: "unix" });
});
