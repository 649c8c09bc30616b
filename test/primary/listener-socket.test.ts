/** Tests of listening sockets: every kind of place, and what happens when one breaks. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import type { Test } from "tap";
import type { Native } from "../../src/native.ts";
import { addressOf, ListenerSocket, type SocketOwner } from "../../src/primary/listener-socket.ts";
import type { ListenerErrorInfo } from "../../src/shared/app.ts";
import { askControl } from "../support/ask-control.ts";
import { startChild } from "../support/child.ts";
import type { ChildServer } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { foreignEnv, preloaded, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { get, LIFECYCLE_APP } from "../support/lifecycle.ts";
import { nameHosts } from "../support/lookup.ts";
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
  hosts: Record<string, string[]> = {},
): Promise<Breakable> {
  const folder = ownFolder(t);
  const shim = join(folder, "accept-fault.so");
  const file = join(folder, "faults");
  const source = repositoryFile("test/support/accept-fault.c");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"]);
  writeFileSync(file, Buffer.alloc(4));
  const env = {
    ...preloaded(shim), MILLRACE_TEST_FAULTS: file, CHILD_HOSTS: JSON.stringify(hosts),
  };
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

async function answers(port: number, host: string = "127.0.0.1"): Promise<boolean> {
  const client = await connectRaw({ host, port }).catch(() => null);
  const answer = await client?.request(get()).catch(() => null);
  client?.close();
  return answer?.body === "hello";
}

t.test("one that breaks is opened again on its port", async (t) => {
  const server = await startBreakable(t);
  const kept = await server.connect();
  t.equal((await kept.request(get())).body, "hello");
  server.break(1);
  await knock(server.port);
  await until("it is open again", () => answers(server.port));
  t.strictSame(server.faults(), ["listenerError EINVAL reopens", "listening default"]);
  t.equal((await kept.request(get())).body, "hello", "its connections have gone on");
});

t.test("it fails for good after reopenMax times in a row", async (t) => {
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

t.test("one that has accepted since has its tries again", async (t) => {
  const server = await startBreakable(t, { reopenMax: 1 });
  for (let round = 1; round <= 3; round++) {
    server.break(1);
    await knock(server.port);
    await until(`round ${round}`, () => answers(server.port));
  }
  t.equal(server.faults().filter((each) => each.endsWith("reopens")).length, 3);
});

t.test("with reopenMax 0 it fails at once", async (t) => {
  const server = await startBreakable(t, { reopenMax: 0 });
  server.break(1);
  await knock(server.port);
  await server.prints("error ERR_MILLRACE_LISTENER_FAILED");
  t.match(server.faults()[0], "listenerError EINVAL fails");
});

t.test("one of several that fails is told, and can be started again", async (t) => {
  const control = join(ownFolder(t), "control");
  const [first, second] = ["127.0.0.1", "127.0.0.2"];
  const server = await startBreakable(
    t, { host: "two.test", reopenMax: 0 }, { control }, { "two.test": [first, second] },
  );
  const listener = async (): Promise<object> =>
    (await askControl(control, "GET /status")).value.listeners[0];
  const { port } = server;
  server.break(1);
  const client = await connectRaw({ host: second, port });
  client.close();
  await server.prints("listenerError EINVAL fails");
  t.strictSame(server.faults(), ["listenerError EINVAL fails"], "the others go on");
  const whole = [
    { address: first, port, family: "IPv4" }, { address: second, port, family: "IPv4" },
  ];
  const error = `${second}:${port} cannot accept connections: EINVAL (EINVAL)`;
  t.match(await listener(), { state: "listening", addresses: [whole[0], { ...whole[1], error }] });
  await t.rejects(connectRaw({ host: second, port }), { code: "ECONNREFUSED" });
  t.ok(await answers(port, first));
  const start = async (): Promise<unknown> =>
    await askControl(control, "POST /listeners/default/start");
  t.match(await start(), { status: 200 });
  t.ok(await answers(port, first) && await answers(port, second));
  t.strictSame((await listener() as { addresses: unknown }).addresses, whole);
  t.match(await start(), { status: 200 });
  t.strictSame(server.faults().slice(1), ["listening default"], "nothing to do, nothing told");
});

t.test("it has five tries unless the option says otherwise", async (t) => {
  const server = await startBreakable(t);
  server.break(1000);
  await until("its end", async () => {
    await knock(server.port);
    return server.printed().includes("listenerError EINVAL fails");
  });
  const reopened = ["listenerError EINVAL reopens", "listening default"];
  t.strictSame(server.faults().slice(0, -2), Array.from({ length: 5 }, () => reopened).flat());
});

for (const when of ["as its queue is emptied", "before, and waits to be opened again"]) {
  t.test(`one that breaks ${when} stops all the same`, async (t) => {
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

t.test("its port can be bound again while connections it has closed linger", async (t) => {
  const { server, port } = await startServer(t, { app: LIFECYCLE_APP });
  const client = await connectRaw({ port });
  client.write(get().replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  t.match(await client.readToEnd(), /hello$/, "the server was the first to close");
  await server.stopListener("default");
  await server.startListener("default");
  t.equal(server.listeners[0]?.port, port);
  t.ok(await answers(port));
});

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
  nameHosts(t, { "two.test": ["127.0.0.1", "127.0.0.2"] });
  const { server } = await startServer(t, {
    app: LIFECYCLE_APP, listeners: [{ id: "name", host: "two.test", port: 0 }],
  });
  const [{ port, addresses, bind }] = server.listeners as [typeof server.listeners[0]];
  t.equal(bind, `two.test:${port}`);
  t.strictSame(addresses, [
    { address: "127.0.0.1", port, family: "IPv4" }, { address: "127.0.0.2", port, family: "IPv4" },
  ]);
  for (const { address } of addresses) t.ok(await answers(port!, address), address);
});

t.test("an address in use is told, the others serve, and a start tries it again", async (t) => {
  nameHosts(t, { "two.test": ["127.0.0.1", "127.0.0.2"] });
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.2", resolve));
  const { port } = taken.address() as { port: number };
  const errors: ListenerErrorInfo[] = [];
  const listeners = [{ id: "name", host: "two.test", port, autoStart: false }];
  const { server } = await startServer(t, { app: LIFECYCLE_APP, listeners });
  t.match(server.listeners, [{ state: "created", addresses: [] }]);
  server.events.on("listenerError", (detail: ListenerErrorInfo) => errors.push(detail));
  await server.startListener("name");
  t.match(server.listeners[0]!.addresses, [
    { address: "127.0.0.1", port },
    { address: "127.0.0.2", port, error: /the address is in use \(EADDRINUSE\)/ },
  ]);
  const address = { address: "127.0.0.2" };
  t.match(errors, [{ action: "skips", address, listener: { id: "name" } }]);
  t.ok(await answers(port));
  await server.startListener("name");
  t.match(errors.slice(1), [{ action: "fails", address }]);
  await new Promise((resolve) => taken.close(resolve));
  await server.startListener("name");
  t.ok(server.listeners[0]!.addresses.every(({ error }) => error === undefined));
  t.ok(await answers(port, "127.0.0.2"));
});

/** A socket whose timers wait for the test; `fail` breaks it or refuses the next time. */
function staged(t: Test, reopenMax: number) {
  const told: string[] = [];
  const timers: { run: () => void; delay: number }[] = [];
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = ((run: () => void, delay: number) => {
    timers.push({ run, delay });
    return { unref: () => undefined };
  }) as unknown as typeof setTimeout;
  t.teardown(() => (globalThis.setTimeout = real));
  let onFailure!: (errno: number, isBroken: boolean, hasAccepted: boolean) => void;
  const native = {
    listen: (...given: unknown[]) => {
      onFailure = given[4] as typeof onFailure;
      return { handle: {}, host: "127.0.0.1", port: 1, path: "" };
    },
    closeListener: () => undefined,
  } as unknown as Native;
  const owner: SocketOwner = {
    native, server: {} as never, index: 0, backlog: 1, reopenMax,
    troubled: (_error, action) => void told.push(action),
    reopened: () => void told.push("reopened"),
    failed: () => void told.push("failed"),
  };
  const socket = new ListenerSocket(owner, { host: "127.0.0.1", port: 1 }, { used: 0 });
  socket.open();
  return {
    told,
    break: (hasAccepted: boolean) => onFailure(constants.errno.EINVAL, true, hasAccepted),
    /** Lets the next timer run out: how long it was. */
    pass() {
      const { run, delay } = timers.shift()!;
      run();
      return delay;
    },
  };
}

t.test("the delays double, up to the longest, and begin anew after a success", async (t) => {
  const stage = staged(t, 8);
  const delays = (count: number): number[] => Array.from({ length: count }, () => {
    stage.break(false);
    return stage.pass();
  });
  t.strictSame(delays(7), [100, 200, 400, 800, 1600, 3200, 5000]);
  stage.break(true);
  t.equal(stage.pass(), 100, "it has accepted since");
  t.strictSame(delays(7), [200, 400, 800, 1600, 3200, 5000, 5000]);
  t.strictSame(new Set(stage.told), new Set(["reopens", "reopened"]));
  stage.break(false);
  t.strictSame(stage.told.slice(-2), ["fails", "failed"], "and all its tries");
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
