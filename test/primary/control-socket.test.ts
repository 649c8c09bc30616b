/** Tests of the control socket's path: who takes it, who keeps it, what is left behind. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { ControlSocket } from "../../src/primary/control-socket.ts";
import { askControl } from "../support/ask-control.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";

function socketThatSays(owner: Owner, path: string, word: string): ControlSocket {
  const socket = new ControlSocket(path, (_, outgoing) => outgoing.end(JSON.stringify(word)));
  owner.teardown(() => socket.close());
  return socket;
}

/** A socket file whose process has died without removing it. */
function leaveStale(path: string): void {
  const source = `require("net").createServer().listen(${JSON.stringify(path)},
    () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", source], { env: cleanEnv() });
}

async function wordAt(path: string): Promise<unknown> {
  return (await askControl(path, "GET /")).value;
}

t.test("only its owner may use it, and nothing is left when it closes", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "c");
  const socket = socketThatSays(t, path, "one");
  const mask = process.umask(0);
  await socket.open();
  process.umask(mask);
  t.notOk(existsSync(path), "nobody finds it before it is published");
  await socket.publish(false);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(await wordAt(path), "one");
  await socket.close();
  t.strictSame(readdirSync(folder), []);
});

t.test("a file left by a dead server is replaced", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "c");
  leaveStale(path);
  t.ok(statSync(path).isSocket());
  const socket = socketThatSays(t, path, "alive");
  await socket.open();
  await socket.publish(false);
  t.equal(await wordAt(path), "alive");
  t.strictSame(readdirSync(folder), ["c"]);
});

t.test("of many that find a stale file at once, one gets the path and keeps it", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "c");
  leaveStale(path);
  const words = Array.from({ length: 8 }, (_, index) => String(index));
  const sockets = words.map((word) => socketThatSays(t, path, word));
  await Promise.all(sockets.map((socket) => socket.open()));
  const taken = await Promise.allSettled(sockets.map((socket) => socket.publish(false)));
  const winners = words.filter((_, index) => taken[index]?.status === "fulfilled");
  t.equal(winners.length, 1);
  t.equal(await wordAt(path), winners[0]);
});

t.test("the path of a server that lives is refused, and it goes on", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "c");
  const first = socketThatSays(t, path, "first");
  await first.open();
  await first.publish(false);
  const second = socketThatSays(t, path, "second");
  await second.open();
  await t.rejects(second.publish(false), {
    code: "ERR_MILLRACE_CONTROL_SOCKET", message: /another server has it/,
  });
  await second.close();
  t.equal(await wordAt(path), "first");
  t.strictSame(readdirSync(folder), ["c"]);
});

t.test("who replaces takes the path at once, and the old owner leaves it alone", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "c");
  const old = socketThatSays(t, path, "old");
  await old.open();
  await old.publish(false);
  const young = socketThatSays(t, path, "young");
  await young.open();
  await young.publish(true);
  t.equal(await wordAt(path), "young");
  await old.close();
  t.equal(await wordAt(path), "young");
  t.strictSame(readdirSync(folder), ["c"]);
});

t.test("what is no socket is not removed", async (t) => {
  const path = join(ownFolder(t), "c");
  writeFileSync(path, "precious");
  const socket = socketThatSays(t, path, "x");
  await socket.open();
  await t.rejects(socket.publish(false), { message: /no socket is there/ });
  await socket.close();
  t.ok(statSync(path).isFile());
});

t.test("a path that cannot be bound says why", async (t) => {
  const folder = ownFolder(t);
  const missing = socketThatSays(t, join(folder, "none", "c"), "x");
  await t.rejects(missing.open(), {
    code: "ERR_MILLRACE_CONTROL_SOCKET", message: /there is no folder .*none$/,
  });
  const long = socketThatSays(t, join(folder, "c".repeat(100)), "x");
  await t.rejects(long.open(), { message: /the path may have at most \d+ bytes/ });
});

t.test("a folder that cannot be written is named", { skip: process.getuid?.() === 0 && "root" },
  async (t) => {
    const folder = join(ownFolder(t), "closed");
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    await t.rejects(socketThatSays(t, join(folder, "c"), "x").open(), { message: /permission/ });
  });
