/** Tests of SIGINT and SIGTERM with `signals: true`, in this process and in one of its own. */
import t from "tap";
import { handleReload, handleSignals } from "../../src/primary/signals.ts";
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
  // The signal may come after the handler's end, and tap's own would then send it on.
  const ignore = (): void => undefined;
  process.on("SIGUSR2", ignore);
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
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off("SIGUSR2", ignore);
});

t.test("SIGHUP loads the app anew, and a failure is an error event", async (t) => {
  const before = process.listenerCount("SIGHUP");
  const told: unknown[][] = [];
  const failure = new Error("no");
  let calls = 0;
  const remove = handleReload({
    reload: () => (++calls === 1 ? Promise.resolve() : Promise.reject(failure)),
    emit: (...detail) => told.push(detail),
  });
  t.teardown(remove);
  process.kill(process.pid, "SIGHUP");
  await until("the first", () => calls === 1);
  process.kill(process.pid, "SIGHUP");
  await until("the failure", () => told.length > 0);
  t.strictSame(told, [["error", failure]]);
  remove();
  t.equal(process.listenerCount("SIGHUP"), before);
});

t.test("with signals: true SIGHUP reloads", async (t) => {
  const server = await startChild(t, { signals: true });
  const client = await server.connect();
  await client.request(get());
  server.child.kill("SIGHUP");
  await server.prints("reload 2");
  t.match(await client.request(get()), { status: 200, body: "hello" });
});
