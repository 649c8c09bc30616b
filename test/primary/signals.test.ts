/** Tests of SIGINT and SIGTERM with `signals: true`, in this process and in one of its own. */
import t from "tap";
import { handleSignals } from "../../src/primary/signals.ts";
import { startChild } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { get } from "../support/lifecycle.ts";
import { startApp } from "../support/server.ts";

t.test("the first drains, a second one forces, and they can be taken off", async (t) => {
  const counts = (): number[] =>
    ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal));
  const before = counts();
  const calls: boolean[] = [];
  const remove = handleSignals((force) => calls.push(force));
  t.teardown(remove);
  process.kill(process.pid, "SIGTERM");
  await until("the first", () => calls.length === 1);
  process.kill(process.pid, "SIGINT");
  await until("the second", () => calls.length === 2);
  t.strictSame(calls, [false, true]);
  remove();
  t.strictSame(counts(), before);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  t.test(`${signal} drains, a second one forces`, async (t) => {
    const server = await startChild(t, { signals: true, drainQuietMs: 50 });
    const [idle, busy] = [await server.connect(), await server.connect()];
    t.equal((await idle.request(get())).body, "hello");
    busy.write(get("/wait"));
    await server.prints("at the gate");
    server.child.kill(signal);
    await server.prints("stopping requests");
    t.equal(await idle.readToEnd(), "", "FIN");
    idle.end();
    t.equal(busy.state, "open", "the drain waits for it");
    server.child.kill(signal);
    await server.prints("closed");
    await until("its end", () => busy.state !== "open");
    t.equal(await server.ended(), 0);
  });
}

t.test("without in-flight requests one signal ends the process", async (t) => {
  const server = await startChild(t, { signals: true, drainQuietMs: 50 });
  const idle = await server.connect();
  await idle.request(get());
  server.child.kill("SIGTERM");
  t.equal(await idle.readToEnd(), "");
  idle.end();
  t.equal(await server.ended(), 0);
  t.match(server.printed(), /closed\n$/);
});

t.test("without signals: true a signal is the process's own", async (t) => {
  const server = await startChild(t, {});
  server.child.kill("SIGTERM");
  t.equal(await server.ended(), "SIGTERM");
});

t.test("SIGUSR2 is handled until the logs are closed", async (t) => {
  const before = process.listenerCount("SIGUSR2");
  // The disk is full: that the lines are lost is told when the log's last ones are written.
  const accessLog = { path: "/dev/full", format: "json" } as const;
  const { server, connect } = await startApp(t, "export default () => \"hello\";", {
    signals: true, accessLog, drainQuietMs: 0,
  });
  const client = await connect();
  t.equal((await client.request(get())).body, "hello");
  client.close();
  const counts: number[] = [];
  server.events.once("error", (error: { code?: string }) => {
    counts.push(process.listenerCount("SIGUSR2"));
    t.equal(error.code, "ERR_MILLRACE_ACCESS_LOG");
    process.kill(process.pid, "SIGUSR2");
  });
  await server.close();
  t.same(counts, [before + 1]);
  t.equal(process.listenerCount("SIGUSR2"), before);
});
