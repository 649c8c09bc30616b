/**
 * Replacing a process without closing a port: under load, when the new one fails at every step,
 * and what becomes of paths, listeners and the word to systemd.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { isAlive } from "../../src/primary/predecessor.ts";
import { askControl, type Told } from "../support/ask-control.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { activateArguments, foreignEnv } from "../support/environment.ts";
import { freePort } from "../support/free-port.ts";
import { ownFolder } from "../support/folder.ts";
import { Lanes } from "../support/lanes.ts";
import { isHeard, receiveNotices, skipWithoutPython } from "../support/notify-receiver.ts";

const APP = `import { existsSync } from "node:fs";
export default {
  routes: { "/pid": () => String(process.pid) },
  fetch: () => new Promise((resolve) => {
    const look = setInterval(() => {
      if (!existsSync(new URL("go", import.meta.url))) return;
      clearInterval(look);
      resolve(new Response("late"));
    }, 10);
  }),
};`;

interface Served {
  readonly folder: string;
  readonly command: Command;
  readonly control: string;
  readonly pidFile: string;
  readonly socket: string;
  readonly url: string;
  upgrade(): Promise<Told>;
  /** Of the process that answers on the control socket. */
  pid(): Promise<number>;
}

async function serve(t: Test, options: { args?: string[]; env?: object } = {}): Promise<Served> {
  const folder = ownFolder(t);
  const at = (name: string): string => join(folder, name);
  writeFileSync(at("app.mjs"), APP);
  const [control, pidFile, socket] = [at("c"), at("pid"), at("s")];
  const command = new Command(t, [
    at("app.mjs"), "--workers", "1", "--control", control, "--pid-file", pidFile,
    "--listener", "id=web,bind=127.0.0.1:0", "--listener", `id=local,bind=${socket}`,
    ...options.args ?? [],
  ], { cwd: folder, env: { ...options.env } });
  const url = await command.url();
  const pid = async (): Promise<number> => (await askControl(control, "GET /status")).value.pid;
  // The processes that follow are no children of this one.
  t.teardown(async () => {
    try {
      process.kill(await pid(), "SIGKILL");
    } catch {
      // None is left, or it was the first one, which goes with its command.
    }
  });
  const upgrade = async (): Promise<Told> => await askControl(control, "POST /upgrade");
  return { folder, command, control, pidFile, socket, url, upgrade, pid };
}

t.test("five times under load: every request is answered, and every path stays",
  { timeout: 110_000 }, async (t) => {
    const { command, control, pidFile, socket, url, upgrade } = await serve(t);
    const load = new Lanes(new URL(`${url}/pid`), socket);
    const file = statSync(socket).ino;
    const pids = [command.child.pid!];
    for (let round = 0; round < 5; round++) {
      await load.more(200);
      const told = await upgrade();
      t.match(told, { status: 200, value: { dropped: [] } });
      t.equal(readFileSync(pidFile, "utf8"), `${told.value.pid}\n`);
      pids.push(told.value.pid);
      await load.more(200);
      await until("the end of the old one", () => !isAlive(pids.at(-2)!));
      t.equal(statSync(socket).ino, file, "the Unix socket is the same file");
    }
    await load.end();
    t.strictSame(load.failures, []);
    t.ok(load.answered > 2000, `${load.answered} requests`);
    t.strictSame(load.seen, new Set(pids.map(String)), "each process has answered some");
    await until("the old one's end", () => command.child.exitCode === 0);
    await askControl(control, "POST /drain");
    await until("the last one's end", () => !isAlive(pids.at(-1)!));
    for (const path of [control, pidFile, socket]) t.notOk(existsSync(path), path);
  });

t.test("a request in flight is answered by the old process, a new one by the new", async (t) => {
  const { folder, control, command, url, upgrade } = await serve(t);
  const answer = fetch(`${url}/slow`);
  await until("the request", async () =>
    (await askControl(control, "GET /status")).value.workers[0].inFlight === 1);
  const { value } = await upgrade();
  t.equal(await (await fetch(`${url}/pid`)).text(), String(value.pid));
  t.ok(isAlive(command.child.pid!));
  writeFileSync(join(folder, "go"), "");
  t.equal(await (await answer).text(), "late");
  await until("the old one's end", () => command.child.exitCode === 0);
});

t.test("a new version that fails leaves the old one serving, and says why", async (t) => {
  const { folder, command, pidFile, url, upgrade, pid } = await serve(t);
  const sources: [string, RegExp][] = [
    ["export default {", /does not serve[^]*app\.mjs/],
    ['throw new Error("no luck today");', /no luck today/],
    ['export default { fetch() {}, init() { throw new Error("bad init") } };', /bad init/],
    ["import { constants } from 'node:os'; process.kill(process.pid, 'SIGKILL');", /SIGKILL/],
  ];
  const before = command.child.pid!;
  for (const [source, message] of sources) {
    writeFileSync(join(folder, "app.mjs"), source);
    const { status, value } = await upgrade();
    t.equal(status, 409);
    t.equal(value.error.code, "ERR_MILLRACE_UPGRADE");
    t.match(value.error.message, message);
    t.equal(await pid(), before);
    t.equal(readFileSync(pidFile, "utf8"), `${before}\n`);
    t.equal(await (await fetch(`${url}/pid`)).text(), String(before));
  }
  writeFileSync(join(folder, "app.mjs"), APP);
  t.equal((await upgrade()).status, 200, "and it can be tried again");
});

t.test("one that dies with the paths, before it says so, leaves them to the old one", async (t) => {
  const folder = ownFolder(t);
  const preload = join(folder, "preload.mjs");
  // What the machine could do at that moment, at exactly that moment.
  writeFileSync(preload, `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    import { isMainThread } from "node:worker_threads";
    const { renameSync } = fs;
    if (isMainThread && fs.existsSync(${JSON.stringify(join(folder, "die"))})) {
      fs.renameSync = (from, to) => {
        renameSync(from, to);
        if (to.endsWith("/c")) process.kill(process.pid, "SIGKILL");
      };
      syncBuiltinESMExports();
    }
  `);
  const env = { NODE_OPTIONS: `--import=${preload}` };
  const { command, control, pidFile, url, upgrade, pid } = await serve(t, { env });
  const before = command.child.pid!;
  const inode = statSync(control).ino;
  writeFileSync(join(folder, "die"), "");
  const { status, value } = await upgrade();
  t.equal(status, 409);
  t.match(value.error.message, /SIGKILL/);
  t.not(statSync(control).ino, inode, "the path was the other's, and is this one's again");
  t.equal(await pid(), before);
  t.equal(readFileSync(pidFile, "utf8"), `${before}\n`);
  t.equal(await (await fetch(`${url}/pid`)).text(), String(before));
  rmSync(join(folder, "die"));
  t.equal((await upgrade()).status, 200, "and it can be tried again");
});

const activate = spawnSync("systemd-socket-activate", ["--version"], { env: foreignEnv() });
for (const bind of ["systemd:web", "fd:3"]) {
  t.test(`a socket that was inherited (${bind}) is handed on`,
    { skip: activate.status !== 0 && "systemd-socket-activate is not installed" }, async (t) => {
      const folder = ownFolder(t);
      const control = join(folder, "c");
      writeFileSync(join(folder, "app.mjs"), APP);
      const port = await freePort();
      const command = new Command(t, [
        join(folder, "app.mjs"), "--workers", "1", "--control", control,
        "--listener", `id=web,bind=${bind}`,
      ], {
        wrapper: [
          "systemd-socket-activate", "-l", `127.0.0.1:${port}`, "--fdname=web",
          ...activateArguments(),
        ],
      });
      const ask = async (): Promise<string> =>
        await (await fetch(`http://127.0.0.1:${port}/pid`)).text();
      await until("the first answer", async () => await ask().then(() => true, () => false));
      const first = await ask();
      const { status, value } = await askControl(control, "POST /upgrade");
      t.equal(status, 200, JSON.stringify(value));
      t.teardown(() => process.kill(value.pid, "SIGKILL"));
      await until("the old one's end", () => command.child.exitCode === 0);
      t.strictSame([await ask(), value.dropped], [String(value.pid), []]);
      t.not(String(value.pid), first);
    });
}

t.test("a new version that never becomes ready is given up", async (t) => {
  const { folder, command, url, upgrade } = await serve(t, { args: ["--init-timeout-ms", "5000"] });
  writeFileSync(join(folder, "app.mjs"), "await new Promise(() => setInterval(() => {}, 1e6));");
  const { status, value } = await upgrade();
  t.equal(status, 409);
  t.match(value.error.message, /not ready within 5000 ms/);
  t.equal(await (await fetch(`${url}/pid`)).text(), String(command.child.pid));
});

t.test("one upgrade at a time", async (t) => {
  const { command, upgrade } = await serve(t);
  const told = await Promise.all([upgrade(), upgrade(), upgrade()]);
  const statuses = told.map(({ status }) => status).toSorted((one, other) => one - other);
  t.strictSame(statuses, [200, 409, 409]);
  const refused = told.find(({ status }) => status === 409);
  t.match(refused?.value.error.message, /another upgrade is under way/);
  await until("the old one's end", () => command.child.exitCode === 0);
});

t.test("what was paused stays paused; a listener of this process alone ends", async (t) => {
  const { control, url, upgrade } = await serve(t);
  await askControl(control, "POST /listeners/local/pause");
  const extra = { id: "extra", host: "127.0.0.1", port: 0 };
  t.equal((await askControl(control, "POST /listeners", extra)).status, 201);
  t.strictSame((await upgrade()).value.dropped, ["extra"]);
  const { listeners } = (await askControl(control, "GET /listeners")).value;
  t.match(listeners, [{ id: "web", state: "listening" }, { id: "local", state: "created" }]);
  t.equal(listeners.length, 2);
  t.equal(listeners[0].port, Number(new URL(url).port), "port 0 is the same port");
});

t.test("one that was started goes on listening, though it does not start by itself", async (t) => {
  const listener = (id: string): string[] =>
    ["--listener", `id=${id},bind=127.0.0.1:0,autoStart=false`];
  const { control, upgrade } = await serve(t, { args: [...listener("late"), ...listener("off")] });
  t.equal((await askControl(control, "POST /listeners/late/start")).status, 200);
  const before = (await askControl(control, "GET /listeners")).value.listeners[2];
  t.strictSame((await upgrade()).value.dropped, []);
  const { listeners } = (await askControl(control, "GET /listeners")).value;
  t.match(listeners.slice(2), [
    { id: "late", state: "listening", port: before.port }, { id: "off", state: "created" },
  ]);
  t.equal((await fetch(`${before.url}/pid`)).status, 200);
});

t.test("a listener that is being stopped is not started again", async (t) => {
  const { folder, control, command, url, upgrade } = await serve(t);
  const stateOf = async (): Promise<string> =>
    (await askControl(control, "GET /listeners")).value.listeners[0].state;
  const answer = fetch(`${url}/slow`);
  await until("the request", async () =>
    (await askControl(control, "GET /status")).value.workers[0].inFlight === 1);
  const stopped = askControl(control, "POST /listeners/web/stop");
  await until("the stop", async () => await stateOf() === "stopping");
  t.equal((await upgrade()).status, 200);
  t.equal(await stateOf(), "created");
  await t.rejects(fetch(`${url}/pid`));
  writeFileSync(join(folder, "go"), "");
  t.equal(await (await answer).text(), "late");
  t.match((await stopped).value, { graceful: true });
  await until("the old one's end", () => command.child.exitCode === 0);
});

const SLOW_START = `import { existsSync, writeFileSync } from "node:fs";
export default {
  fetch: () => String(process.pid),
  async init() {
    writeFileSync(new URL("begun", import.meta.url), "");
    while (!existsSync(new URL("go", import.meta.url))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
};`;

t.test("while the new process starts, listeners cannot be changed: nothing is lost", async (t) => {
  const { folder, control, upgrade } = await serve(t);
  writeFileSync(join(folder, "app.mjs"), SLOW_START);
  const upgraded = upgrade();
  await until("the start", () => existsSync(join(folder, "begun")));
  const extra = { id: "extra", host: "127.0.0.1", port: 0 };
  const listener = "POST /listeners/local";
  for (const told of [
    await askControl(control, "POST /listeners", extra),
    await askControl(control, `${listener}/pause`),
    await askControl(control, `${listener}/start`),
    await askControl(control, `${listener}/stop`),
    await askControl(control, `${listener}/remove`),
  ]) {
    t.match(told, { status: 409, value: { error: { code: "ERR_MILLRACE_UPGRADE" } } });
    t.match(told.value.error.message, /while this process is being replaced: try again/);
  }
  writeFileSync(join(folder, "go"), "");
  t.match(await upgraded, { status: 200, value: { dropped: [] } });
  t.equal((await askControl(control, `${listener}/pause`)).status, 200, "the new process takes it");
});

t.test("when the new process has failed, they can be changed again", async (t) => {
  const { folder, control, upgrade } = await serve(t);
  writeFileSync(join(folder, "app.mjs"), "throw new Error();");
  t.equal((await upgrade()).status, 409);
  t.equal((await askControl(control, "POST /listeners/local/pause")).status, 200);
});

t.test("systemd hears of the new process, and nothing more of the old one", skipWithoutPython,
  async (t) => {
    const socket = `@millrace-upgrade-${process.pid}`;
    const notices = await receiveNotices(t, socket);
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "100000" };
    const { command, upgrade } = await serve(t, { env });
    const old = command.child.pid!;
    await until("READY", () => isHeard(notices, "READY=1"));
    await until("a beat", () => isHeard(notices, "WATCHDOG=1"));
    const { value } = await upgrade();
    await until("the old one's end", () => command.child.exitCode === 0);
    const from = (pid: number): (readonly string[])[] =>
      notices.filter((each) => each.pid === pid).map(({ lines }) => lines);
    await until("its beats", () => from(value.pid).some(([line]) => line === "WATCHDOG=1"));
    t.strictSame(from(old).at(-1), [`MAINPID=${value.pid}`]);
    t.notOk(isHeard(notices, "STOPPING=1"));
    t.match(from(value.pid)[0], [`MAINPID=${value.pid}`, "READY=1", /^STATUS=Serving on/]);
  });

const unshare = spawnSync("unshare", ["-pf", "--mount-proc", "true"], { env: foreignEnv() });
t.test("as process 1 it is refused, with the reason",
  { skip: unshare.status !== 0 && "unshare may not make a pid namespace" }, async (t) => {
    const folder = ownFolder(t);
    const control = join(folder, "c");
    writeFileSync(join(folder, "app.mjs"), APP);
    const args = [join(folder, "app.mjs"), "--port", "0", "--workers", "1", "--control", control];
    const command = new Command(t, args, { wrapper: ["unshare", "-pf", "--mount-proc"] });
    await command.url();
    const { status, value } = await askControl(control, "POST /upgrade");
    t.equal(status, 409);
    t.match(value.error.message, /has the number 1: when it ends, its container ends/);
    await askControl(control, "POST /drain");
    await command.ended();
  });
