/** Tests of what systemd is told, with a socket that really receives it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { loadNative } from "../../src/native.ts";
import { Notifier, type NotifyFacts, watchdogMsOf } from "../../src/primary/notifier.ts";
import { until } from "../support/deadline.ts";
import { foreignEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import {
  isHeard, type Notice, receiveNotices, skipWithoutPython,
} from "../support/notify-receiver.ts";
import { startApp } from "../support/server.ts";

type Told = { notifier: Notifier; notices: Notice[]; failures: string[] };

async function told(t: Test, facts: Partial<NotifyFacts> = {}): Promise<Told> {
  const socket = join(ownFolder(t), "n");
  const notices = await receiveNotices(t, socket);
  const failures: string[] = [];
  const notifier = new Notifier({
    native: loadNative(),
    socket,
    watchdogMs: 0,
    workers: () => [{ state: "serving" }],
    failed: (reason) => failures.push(reason),
    ...facts,
  });
  t.teardown(() => notifier.close());
  return { notifier, notices, failures };
}

t.test("ready, reloading and stopping, a line for each fact", skipWithoutPython, async (t) => {
  const { notifier, notices } = await told(t);
  notifier.ready("Serving\non http://x");
  notifier.reloading();
  notifier.reloaded("Serving");
  notifier.stopping();
  notifier.stopping();
  await until("four notices", () => notices.length === 4);
  t.strictSame(notices[0], { pid: process.pid, lines: ["READY=1", "STATUS=Serving on http://x"] });
  const [reloading, clock, status] = notices[1]!.lines;
  t.equal(reloading, "RELOADING=1");
  t.match(clock, /^MONOTONIC_USEC=\d+$/);
  t.ok(Number(clock!.slice(15)) <= Number(process.hrtime.bigint() / 1000n));
  t.equal(status, "STATUS=Reloading");
  t.strictSame(notices[3]!.lines, [
    "STOPPING=1", "STATUS=Draining", "EXTEND_TIMEOUT_USEC=10000000",
  ]);
});

t.test("of reloads that overlap the last one ends them", skipWithoutPython, async (t) => {
  const { notifier, notices } = await told(t);
  notifier.reloading();
  notifier.reloading();
  notifier.reloaded("after the first");
  notifier.reloaded("after the second");
  notifier.reloading();
  notifier.reloaded("after the third");
  notifier.stopping();
  await until("the stop", () => isHeard(notices, "STOPPING=1"));
  t.strictSame(notices.map(({ lines }) => lines.filter((line) => !line.startsWith("MONO"))), [
    ["RELOADING=1", "STATUS=Reloading"], ["READY=1", "STATUS=after the second"],
    ["RELOADING=1", "STATUS=Reloading"], ["READY=1", "STATUS=after the third"],
    ["STOPPING=1", "STATUS=Draining", "EXTEND_TIMEOUT_USEC=10000000"],
  ]);
});

t.test("who stops says nothing of reloads", skipWithoutPython, async (t) => {
  const { notifier, notices } = await told(t);
  notifier.reloading();
  notifier.stopping();
  notifier.reloaded("Serving");
  notifier.reloading();
  notifier.reloaded("Serving");
  notifier.handOver(4711);
  await until("the last word", () => isHeard(notices, "MAINPID=4711"));
  const firsts = notices.map(({ lines }) => lines[0]);
  t.strictSame(firsts, ["RELOADING=1", "STOPPING=1", "MAINPID=4711"]);
});

t.test("who takes another's place says whose number counts", skipWithoutPython, async (t) => {
  const { notifier, notices } = await told(t);
  notifier.ready("Serving", 4711);
  await until("a notice", () => notices.length === 1);
  t.strictSame(notices[0]?.lines, ["MAINPID=4711", "READY=1", "STATUS=Serving"]);
});

t.test("who has handed over says no more", skipWithoutPython, async (t) => {
  const { notifier, notices } = await told(t, { watchdogMs: 20 });
  notifier.ready("Serving");
  notifier.handOver(4711);
  notifier.stopping();
  notifier.ready("again");
  await until("the hand-over", () => isHeard(notices, "MAINPID=4711"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.strictSame(notices.at(-1)?.lines, ["MAINPID=4711"]);
});

t.test("the watchdog hears of it only while the workers are well", skipWithoutPython, async (t) => {
  let state: "serving" | "stuck" | "starting" = "serving";
  let looks = 0;
  const workers: NotifyFacts["workers"] = () => {
    looks++;
    return [{ state: "serving" }, { state }];
  };
  const { notifier, notices } = await told(t, { watchdogMs: 40, workers });
  const beats = (): number => notices.filter(({ lines }) => lines[0] === "WATCHDOG=1").length;
  notifier.ready("Serving");
  await until("three beats", () => beats() >= 3);
  state = "stuck";
  const before = looks;
  await until("looks at the stuck one", () => looks > before + 20);
  const silent = beats();
  await until("more looks", () => looks > before + 40);
  t.equal(beats(), silent);
  state = "starting";
  await until("beats again", () => beats() >= silent + 2);
});

t.test("without a worker that serves there is no beat", skipWithoutPython, async (t) => {
  let looks = 0;
  const workers: NotifyFacts["workers"] = () => {
    looks++;
    return [{ state: "starting" }];
  };
  const { notifier, notices } = await told(t, { watchdogMs: 20, workers });
  notifier.ready("Serving");
  await until("looks", () => looks > 10);
  t.notOk(isHeard(notices, "WATCHDOG=1"));
});

t.test("what cannot be told is said once, and a full queue is waited for", async (t) => {
  const failures: string[] = [];
  const sent: string[] = [];
  let room = 1;
  const facts: NotifyFacts = {
    native: {
      notifyService: (_, text) => {
        if (room-- <= 0) return 11;
        sent.push(text);
        return 0;
      },
    },
    socket: "/x",
    watchdogMs: 0,
    workers: () => [],
    failed: (reason) => failures.push(reason),
  };
  const notifier = new Notifier(facts);
  notifier.ready("one");
  notifier.ready("two");
  notifier.stopping();
  t.equal(sent.length, 1);
  room = 2;
  await until("the others, in order", () => sent.length === 3);
  t.match(sent, [/one/, /two/, /^STOPPING=1/]);
  notifier.close();
  const nowhere = new Notifier({ ...facts, native: loadNative(), socket: "/none/at/all" });
  nowhere.ready("x");
  nowhere.stopping();
  nowhere.close();
  t.match(failures, [/\/none\/at\/all .*ENOENT/]);
  t.equal(failures.length, 1);
});

t.test("the watchdog's time counts only for the process it names", async (t) => {
  t.equal(watchdogMsOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 7), 30_000);
  t.equal(watchdogMsOf({ WATCHDOG_USEC: "30000000" }, 7), 30_000);
  t.equal(watchdogMsOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, 7), 0);
  for (const wrong of ["", "0", "-1", "x", "1e3"]) {
    t.equal(watchdogMsOf({ WATCHDOG_USEC: wrong }, 7), 0, wrong);
  }
});

t.test("a server tells when it is ready and when it stops", skipWithoutPython, async (t) => {
  const name = `@millrace-notify-${process.pid}`;
  const notices = await receiveNotices(t, name);
  process.env["NOTIFY_SOCKET"] = name;
  t.teardown(() => {
    delete process.env["NOTIFY_SOCKET"];
  });
  const app = 'export default () => new Response("hello");';
  const { server, url } = await startApp(t, app, { notify: true });
  await until("READY", () => isHeard(notices, "READY=1"));
  t.strictSame(notices[0]?.lines, ["READY=1", `STATUS=Serving on ${url}`]);
  await server.close();
  await until("STOPPING", () => isHeard(notices, "STOPPING=1"));
  const silent = await startApp(t, app);
  await silent.server.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(notices.length, 2, "and without the option nothing");
});

const notify = spawnSync("systemd-notify", ["--version"], { env: foreignEnv() });
const isMissing = skipWithoutPython.skip !== false || notify.status !== 0;
t.test("the receiver of these tests hears systemd-notify as well",
  { skip: isMissing && "python3 or systemd-notify is not installed" },
  async (t) => {
    const socket = join(ownFolder(t), "n");
    const notices = await receiveNotices(t, socket);
    spawnSync("systemd-notify", ["--no-block", "READY=1"], { env: { NOTIFY_SOCKET: socket } });
    loadNative().notifyService(socket, "READY=1");
    await until("both", () => notices.length >= 2);
    t.ok(notices.every(({ lines }) => lines[0] === "READY=1"));
  });
