/** Tests of sockets that systemd passes: its variables, and its own tool. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import t from "tap";
import { readSockets, systemdDescriptors } from "../../src/primary/systemd-sockets.ts";
import { startChild } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { activateArguments, cleanEnv, foreignEnv, repositoryFile } from "../support/environment.ts";
import { freePort } from "../support/free-port.ts";
import { get } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";

const ACTIVATE = "/usr/bin/systemd-socket-activate";

function descriptorOf(server: Server): number {
  // oxlint-disable-next-line no-underscore-dangle -- Node.js has no public way to it
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}

t.test("the variables give descriptors and names, and are gone", async (t) => {
  const env = { LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "web:admin", OTHER: "x" };
  t.strictSame(readSockets(env, 7), [
    { fd: 3, name: "web" }, { fd: 4, name: "admin" }, { fd: 5, name: "unknown" },
  ]);
  t.strictSame(env, { OTHER: "x" });
  t.strictSame(readSockets({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7), [{ fd: 3, name: "unknown" }]);
});

t.test("those of another process are left alone, and nonsense is nothing", async (t) => {
  const env = { LISTEN_PID: "8", LISTEN_FDS: "1" };
  t.strictSame(readSockets(env, 7), []);
  t.strictSame(env, { LISTEN_PID: "8", LISTEN_FDS: "1" });
  t.strictSame(readSockets({}, 0), []);
  t.strictSame(readSockets({ LISTEN_PID: "7" }, 7), []);
  t.strictSame(readSockets({ LISTEN_PID: "7", LISTEN_FDS: "-1" }, 7), []);
});

t.test("without any socket the error says so", async (t) => {
  t.throws(() => systemdDescriptors(""), {
    code: "ERR_MILLRACE_BIND", message: /systemd has passed no socket/,
  });
});

const skip = { skip: !existsSync(ACTIVATE) && `${ACTIVATE} is not installed` };

t.test("systemd's own tool starts a server on two named sockets", skip, async (t) => {
  const [web, admin] = [await freePort(), await freePort()];
  const options = {
    listeners: [
      { id: "web", bind: "systemd:web" }, { id: "admin", bind: "systemd:admin" },
    ],
  };
  const child = spawn(ACTIVATE, [
    "-l", `127.0.0.1:${web}`, "-l", `127.0.0.1:${admin}`, "--fdname=web:admin",
    ...activateArguments(),
    process.execPath, repositoryFile("dist/test/support/child-server.js"), JSON.stringify(options),
  ], { env: foreignEnv(), stdio: ["ignore", "pipe", "ignore"] });
  t.teardown(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  let client = await connectRaw({ port: web }).catch(() => null);
  await until("the tool listens", async () => {
    client ??= await connectRaw({ port: web }).catch(() => null);
    return client !== null;
  });
  t.equal((await client!.request(get())).body, "hello", "the connection that started it");
  await until("its URL", () => printed.includes(`http://127.0.0.1:${web}\n`));
  const other = await connectRaw({ port: admin });
  t.equal((await other.request(get())).body, "hello");
  for (const each of [client!, other]) each.close();
});

t.test("a name that was not passed is told with those that were", async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const fd = descriptorOf(holder);
  // The pid is known only to the process itself: a shell that becomes the server.
  const child = spawn("/bin/sh", [
    "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$@"', "sh", process.execPath,
    repositoryFile("dist/test/support/child-server.js"),
    JSON.stringify({ listeners: [{ bind: "systemd:wep" }] }),
  ], { env: cleanEnv(), stdio: ["ignore", "ignore", "pipe", fd] });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  t.equal(code, 1);
  t.match(errors, /systemd has passed no socket of the name wep; there are web/);
  holder.close();
});

t.test("an inherited socket serves, is held by a pause, and outlives the server", async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void holder.close());
  const { port } = holder.address() as AddressInfo;
  const fd = descriptorOf(holder);
  const listeners = [{ id: "default", bind: "fd:3" }];
  const server = await startChild(t, { listeners }, undefined, {}, [fd]);
  t.equal(server.port, port, "its URL is that of the socket");
  // The holder's loop may take one in a while: only the server answers.
  holder.on("connection", (socket) => socket.destroy());
  await until("an answer", async () => {
    const client = await connectRaw({ port }).catch(() => null);
    const answer = await client?.request(get()).catch(() => null);
    client?.close();
    return answer?.body === "hello";
  });
});
