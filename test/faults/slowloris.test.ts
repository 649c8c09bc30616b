/**
 * Thousands of connections with heads that do not end: they are cheap, they are cut when their
 * clock is over, and others are served meanwhile.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import t from "tap";
import { startChild } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { foreignEnv, sanitized } from "../support/environment.ts";
import { get } from "../support/lifecycle.ts";

const CONNECTIONS = 10_000;
const BATCH = 250;
const DESCRIPTORS = 12_000;
/** Resident bytes of the server for each: the parser and a small buffer, and some slack. */
const BYTES_EACH_MAX = 4500;

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

async function openSlow(port: number, count: number): Promise<Socket[]> {
  const opened: Socket[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, async () => {
      const socket = connect({ port, host: "127.0.0.1" });
      await once(socket, "connect");
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nX-Sl");
      return socket;
    });
    opened.push(...await Promise.all(batch));
  }
  return opened;
}

function descriptorLimit(): number {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))![1]);
}

const skip = descriptorLimit() < DESCRIPTORS && `needs a limit of ${DESCRIPTORS} descriptors`;

t.test("10,000 heads that stand still", { skip }, async (t) => {
  const clocks = { headTimeoutMs: 120_000 };
  const server = await startChild(t, clocks, DESCRIPTORS);
  const healthy = await server.connect();
  t.equal((await healthy.request(get())).status, 200);
  const before = residentBytes(server.child.pid!);
  const sockets = await openSlow(server.port, CONNECTIONS);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  t.equal((await healthy.request(get())).status, 200, "a connection that was there");
  t.equal((await (await server.connect()).request(get())).status, 200, "a new one");
  for (const socket of sockets) socket.write("o");
  t.equal((await healthy.request(get())).status, 200, "after a byte of each");
  const each = (residentBytes(server.child.pid!) - before) / CONNECTIONS;
  if (!sanitized) t.ok(each < BYTES_EACH_MAX, `${Math.round(each)} bytes each`);
  let answered = 0;
  for (const socket of sockets) {
    socket.once("data", (data: Buffer) => {
      if (data.toString("latin1").startsWith("HTTP/1.1 200 ")) answered++;
    });
    socket.write("w: 1\r\n\r\n");
  }
  await until("an answer for each", () => answered === CONNECTIONS, 30_000);
  t.equal(answered, CONNECTIONS, "who ends the head after all is answered");
  server.child.kill("SIGKILL");
});

const hasTool = spawnSync("slowhttptest", ["-h"]).error === undefined;
const skipTool = { skip: !hasTool && "slowhttptest of Debian is not installed" };
const SECONDS = 2;

for (const [name, mode] of [["slow heads", "-H"], ["slow bodies", "-B"], ["slow reads", "-X"]]) {
  t.test(`slowhttptest with ${name}`, skipTool, async (t) => {
    const clocks = { headTimeoutMs: 700, bodyTimeoutMs: 700, writeTimeoutMs: 700 };
    const server = await startChild(t, clocks);
    const args = [
      mode!, "-c", "400", "-r", "400", "-i", "1", "-l", String(SECONDS), "-p", "2",
      "-u", `http://127.0.0.1:${server.port}/`,
    ];
    const tool = spawn("slowhttptest", args, { env: foreignEnv({ TERM: "dumb" }) });
    t.teardown(() => void tool.kill("SIGKILL"));
    let printed = "";
    tool.stdout.on("data", (text: Buffer) => (printed += text.toString("latin1")));
    const over = once(tool, "close");
    const attack = { isOver: false };
    void over.then(() => (attack.isOver = true));
    let served = 0;
    while (!attack.isOver) {
      const client = await server.connect();
      t.equal((await client.request(get())).status, 200);
      client.close();
      served++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await over;
    t.ok(served > 0, `${served} served meanwhile`);
    t.notMatch(printed, /service available:\s*.*NO/, "it found the server available to the end");
    t.match(printed, /service available:\s*.*YES/);
    server.child.kill("SIGKILL");
  });
}
