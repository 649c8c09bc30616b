/** Tests of connections without a worker, and of workers that die again and again. */
import t from "tap";
import type { RawClient } from "../support/raw-client.ts";
import { until } from "../support/deadline.ts";
import { collect, connectMany, elapsed, get, startLifecycle } from "../support/lifecycle.ts";

interface Exit {
  readonly id: number;
  readonly error: { readonly code: string; readonly message: string };
}

t.test("connections that nobody adopts in time are closed by FIN", async (t) => {
  const server = await startLifecycle(t, { again: "hang", adoptTimeoutMs: 300 });
  const clients = await connectMany(server, 20);
  const exits = collect(server, "workerExit");
  await clients[0]!.request(get("/late-exit"));
  await exits;
  const fresh = await server.connect();
  const took = await elapsed(async () => {
    for (const client of [...clients, fresh]) t.equal(await client.readToEnd(), "");
  });
  t.ok([...clients, fresh].every((client) => client.state === "ended"), "no reset");
  t.ok(took < 4500, `after ${took} ms; without the option it is 5 s`);
  t.equal(server.server.stats().listeners[0]?.connections, 0);
  await server.server.close();
});

t.test("a replacement that hangs in init is killed and replaced", async (t) => {
  const server = await startLifecycle(t, { again: "hang", initTimeoutMs: 5000 });
  const exits = collect<Exit>(server, "workerExit", 2);
  const client = await server.connect();
  await client.request(get("/late-exit"));
  const [, second] = await exits;
  t.equal(second?.error.code, "ERR_MILLRACE_INIT_TIMEOUT");
  t.equal(second?.id, 2);
  await until("the third worker", () => server.notes().length === 3);
});

t.test("workers that die young are replaced later and later, and it is reported", async (t) => {
  const server = await startLifecycle(t, { again: "crash" });
  const times: number[] = [];
  server.server.events.on("workerExit", () => times.push(performance.now()));
  server.server.events.on("workerStart", () => times.push(performance.now()));
  const errors = collect<{ code: string; message: string }>(server, "error");
  const exits = collect<Exit>(server, "workerExit", 6);
  const client = await server.connect();
  await client.request(get("/late-throw"));
  const [error] = await errors;
  t.equal(error?.code, "ERR_MILLRACE_CRASH_LOOP");
  t.match(error?.message, /^5 workers in a row died within 5000 ms/);
  await exits;
  // Exit and start alternate; the pause before the fifth is 50 x 2^3 ms less than the sixth's.
  const pauses = times.filter((_, i) => i % 2 === 1).map((time, i) => time - times[i * 2]!);
  t.ok(pauses[3]! >= 195, `pauses ${pauses.join(", ")}`);
  t.ok(pauses[4]! >= 395, `pauses ${pauses.join(", ")}`);
});

t.test("an app that fails again is tried again, and its error is told", async (t) => {
  const server = await startLifecycle(t, { again: "fail" });
  const exits = collect<Exit>(server, "workerExit", 3);
  const client = await server.connect();
  await client.request(get("/late-throw"));
  const [first, second] = await exits;
  t.match(first?.error, { code: "ERR_MILLRACE_WORKER_DIED", message: /thrown on purpose/ });
  t.match(second?.error, { code: "ERR_MILLRACE_INIT_FAILED", message: /thrown on purpose/ });
});

t.test("an error that nobody listens to is a warning, not the end", async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", onWarning);
  t.teardown(() => process.off("warning", onWarning));
  const server = await startLifecycle(t, { again: "crash" });
  const client = await server.connect();
  await client.request(get("/late-throw"));
  const reported = (): boolean =>
    warnings.some((warning) => (warning as { code?: string }).code === "ERR_MILLRACE_CRASH_LOOP");
  await until("the warning", reported);
});

t.test("an idle connection survives one death after the other", async (t) => {
  const server = await startLifecycle(t, { workers: 2 });
  const [idle, ...killers] = await connectMany(server, 4) as [RawClient, ...RawClient[]];
  for (const killer of killers) {
    const exits = collect(server, "workerExit");
    await killer.request(get("/late-throw"));
    await exits;
    t.match(await idle.request(get()), { status: 200, body: "hello" });
  }
});
