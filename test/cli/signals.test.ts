/** Tests of what SIGINT and SIGTERM do to a server, by sending them to this process. */
import t from "tap";
import type { Test } from "tap";
import { SignalStop } from "../../src/cli/signals.ts";
import type { StopOptions } from "../../src/shared/app.ts";
import { MillraceError } from "../../src/shared/errors.ts";
import { until } from "../support/deadline.ts";

interface Seen {
  readonly calls: unknown[];
  readonly lines: string[];
  readonly stop: SignalStop;
}

const terminal = { isThere: true };

function install(t: Pick<Test, "teardown">, isServing: boolean, drainDelayMs = 0): Seen {
  const calls: unknown[] = [];
  const lines: string[] = [];
  const server = {
    close: async (options?: StopOptions) => {
      calls.push(options);
    },
    drain: async () => {
      calls.push("drain");
    },
    reopenLogs: async () => {
      calls.push("reopened");
    },
    reload: async () => {
      calls.push("reload");
      if (calls.length > 1) throw new MillraceError("ERR_MILLRACE_APP_SHAPE", "it is no app");
      return { generation: 2, workers: 1 };
    },
  };
  const stop = new SignalStop({
    abortStart: () => calls.push("abort"),
    server: () => (isServing ? server : undefined),
    say: (line) => lines.push(line),
    deadlineMs: 10_000,
    drainDelayMs,
    logsToFile: true,
    hasTerminal: () => terminal.isThere,
  });
  stop.install();
  t.teardown(() => stop.remove());
  return { calls, lines, stop };
}

t.test("the first signal drains, the second one forces", async (t) => {
  const { calls, lines, stop } = install(t, true);
  process.kill(process.pid, "SIGTERM");
  await until("the drain", () => calls.length === 1);
  t.strictSame(calls, ["drain"]);
  t.match(lines, ["SIGTERM: draining for at most 10000 ms, a second signal ends it"]);
  t.equal(stop.exitCode, 0);
  process.kill(process.pid, "SIGINT");
  await until("the force", () => calls.length === 2);
  t.strictSame(calls, ["drain", { force: true }]);
  t.equal(stop.exitCode, 130);
});

t.test("the delay of a drain is told", async (t) => {
  const { calls, lines } = install(t, true, 3000);
  process.kill(process.pid, "SIGTERM");
  await until("the drain", () => calls.length === 1);
  t.match(lines, [/^SIGTERM: not ready, draining for at most 10000 ms in 3000 ms, a second/]);
});

t.test("SIGHUP loads the app anew and says if that failed", async (t) => {
  const before = process.listenerCount("SIGHUP");
  const { calls, lines, stop } = install(t, true);
  process.kill(process.pid, "SIGHUP");
  await until("the reload", () => calls.length === 1);
  process.kill(process.pid, "SIGHUP");
  await until("the failure", () => lines.length === 1);
  t.strictSame(calls, ["reload", "reload"]);
  t.strictSame(lines, [
    "SIGHUP: the old version goes on, for it is no app (ERR_MILLRACE_APP_SHAPE)",
  ]);
  stop.remove();
  t.equal(process.listenerCount("SIGHUP"), before);
});

t.test("SIGHUP of a terminal that is closed drains", async (t) => {
  const { calls, lines } = install(t, true);
  terminal.isThere = false;
  t.teardown(() => {
    terminal.isThere = true;
  });
  process.kill(process.pid, "SIGHUP");
  await until("the drain", () => calls.length === 1);
  t.strictSame(calls, ["drain"]);
  t.match(lines, [/^SIGHUP: draining/]);
});

t.test("SIGUSR2 opens the logs again", async (t) => {
  const before = process.listenerCount("SIGUSR2");
  const { calls, stop } = install(t, true);
  process.kill(process.pid, "SIGUSR2");
  await until("the files", () => calls.length === 1);
  t.strictSame(calls, ["reopened"]);
  stop.remove();
  t.equal(process.listenerCount("SIGUSR2"), before);
});

t.test("a signal during the start aborts it", async (t) => {
  const { calls, stop } = install(t, false);
  process.kill(process.pid, "SIGINT");
  await until("the abort", () => calls.length === 1);
  t.strictSame(calls, ["abort"]);
  t.equal(stop.exitCode, 130);
});

t.test("removed, it leaves no listener behind", async (t) => {
  const before = process.listenerCount("SIGTERM");
  const { stop } = install(t, true);
  stop.remove();
  t.equal(process.listenerCount("SIGTERM"), before);
});
