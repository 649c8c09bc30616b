/** Thousands of upgraded connections on which nothing happens: cheap, and all still alive. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import t from "tap";
import { startChild } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { repositoryFile, sanitized } from "../support/environment.ts";
import { get } from "../support/lifecycle.ts";
import { ask } from "../support/upgrades.ts";

const CONNECTIONS = 10_000;
const BATCH = 250;
const DESCRIPTORS = 12_000;
/** Resident bytes of the server for each: a Duplex of Node.js takes most of it. */
const BYTES_EACH_MAX = 10_000;

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

function descriptorLimit(): number {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))![1]);
}

const skip = descriptorLimit() < DESCRIPTORS && `needs a limit of ${DESCRIPTORS} descriptors`;

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  socket.write(ask("/up/echo"));
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error(head.toString());
  return socket;
}

t.test("10,000 upgraded connections that stand still", { skip }, async (t) => {
  const app = repositoryFile("dist/test/support/upgrade-app.js");
  const server = await startChild(t, { app, idleTimeoutMs: 500, headTimeoutMs: 500 }, DESCRIPTORS);
  const warm = await Promise.all(Array.from({ length: 100 }, () => open(server.port)));
  const before = residentBytes(server.child.pid!);
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of [...warm, ...sockets]) socket.destroy();
  });
  while (sockets.length < CONNECTIONS) {
    sockets.push(...await Promise.all(Array.from({ length: BATCH }, () => open(server.port))));
  }
  const each = (residentBytes(server.child.pid!) - before) / CONNECTIONS;
  if (!sanitized) t.ok(each < BYTES_EACH_MAX, `${Math.round(each)} bytes each`);
  t.equal((await (await server.connect()).request(get())).status, 200, "others are served");
  let echoes = 0;
  for (const socket of sockets) {
    socket.once("data", (data: Buffer) => {
      if (data.toString() === "still there?") echoes++;
    });
    socket.write("still there?");
  }
  await until("an echo of each", () => echoes === CONNECTIONS, 30_000);
  t.equal(echoes, CONNECTIONS, "no clock has ended any");
  server.child.kill("SIGKILL");
});
