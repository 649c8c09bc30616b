/** Tests of the worker threads: how many, with which settings, and who gets new connections. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { loadNative, type Native } from "../../src/native.ts";
import { resolveOptions } from "../../src/options.ts";
import { PrimaryLog } from "../../src/primary/log.ts";
import { type PoolHost, WorkerPool } from "../../src/primary/pool.ts";
import { MillraceError } from "../../src/shared/errors.ts";
import { until } from "../support/deadline.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";
import { startApp, startServer, writeApp } from "../support/server.ts";

function threadNames(): string[] {
  return readdirSync("/proc/self/task").map((task) => {
    return readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim();
  });
}

t.test("each worker is a thread with a name, and connections are shared out", async (t) => {
  const server = await startLifecycle(t, { workers: 3 });
  t.equal(server.server.stats().workers.length, 3);
  for (const id of [1, 2, 3]) t.ok(threadNames().includes(`millrace-${id}`));
  const counts = new Map<string, number>();
  for (let i = 0; i < 9; i++) {
    const { body } = await (await server.connect()).request(get("/thread"));
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  t.strictSame([...counts.values()], [3, 3, 3], "fewest connections first");
});

t.test("a worker that is blocked in a handler gets no new connections", async (t) => {
  const server = await startLifecycle(t, { workers: 2, stuckMs: 1000 });
  // The other one has more connections, so that only being stuck speaks against the first.
  const blocker = await server.connect();
  const blocked = (await blocker.request(get("/thread"))).body;
  while ((await (await server.connect()).request(get("/thread"))).body === blocked);
  blocker.write(get("/block"));
  await server.gate.arrived();
  const isStuck = (): boolean =>
    server.server.stats().workers.some(({ state }) => state === "stuck");
  await until("the worker to be stuck", isStuck);
  for (let i = 0; i < 10; i++) {
    const { body } = await (await server.connect()).request(get("/thread"));
    t.not(body, blocked);
  }
  server.gate.open();
  t.equal((await blocker.response()).body, "blocked");
  await until("the worker to be well", () => !isStuck());
  const { body } = await (await server.connect()).request(get("/thread"));
  t.equal(body, blocked, "it has the fewest again");
});

t.test("with workers: 0 handlers run in this thread", async (t) => {
  const before = globalThis.Request;
  const server = await startLifecycle(t, { workers: 0 });
  t.not(globalThis.Request, before, "the globals are replaced while it runs");
  t.equal((await (await server.connect()).request(get("/thread"))).body, "0");
  t.match(server.server.stats().workers, [{ threadId: 0, state: "serving" }]);
  await server.server.close({ force: true });
  t.equal(globalThis.Request, before);
});

t.test("environment, flags and limits reach the workers", async (t) => {
  const server = await startApp(t, `
    import { resourceLimits } from "node:worker_threads";
    export default { fetch: () => Response.json({
      env: process.env.POOL_TEST, execArgv: process.execArgv, resourceLimits }) };`, {
    env: cleanEnv({ POOL_TEST: "yes", NODE_OPTIONS: "" }),
    execArgv: ["--no-warnings"],
    resourceLimits: { maxOldGenerationSizeMb: 77 },
  });
  t.match(await (await fetch(server.url)).json(), {
    env: "yes",
    execArgv: ["--no-warnings"],
    resourceLimits: { maxOldGenerationSizeMb: 77 },
  });
});

t.test("starts and deaths are events", async (t) => {
  const server = await startLifecycle(t, { workers: 2 });
  const [first] = server.server.stats().workers;
  const exits = collect<{ id: number; threadId: number; error: Error }>(server, "workerExit");
  const starts = collect<{ id: number; threadId: number; generation: number }>(
    server, "workerStart",
  );
  const client = await server.connect();
  const thread = Number((await client.request(get("/thread"))).body);
  await client.request(get("/late-throw"));
  const [exit] = await exits;
  t.equal(exit?.threadId, thread);
  t.match(exit?.error, { code: "ERR_MILLRACE_WORKER_DIED", message: /thrown on purpose/ });
  const [start] = await starts;
  t.match(start, { id: 3, generation: 1 });
  t.not(start?.threadId, thread);
  t.ok(first!.id < 3);
  t.strictSame(server.server.stats().workers.map(({ id }) => id).includes(3), true);
});

t.test("heap exhaustion is told with its code", async (t) => {
  const server = await startLifecycle(t, { resourceLimits: { maxOldGenerationSizeMb: 24 } });
  const exits = collect<{ error: { cause: { code: string } } }>(server, "workerExit");
  const client = await server.connect();
  t.equal((await client.request(get("/heap"))).status, 500);
  t.equal((await exits)[0]?.error.cause.code, "ERR_WORKER_OUT_OF_MEMORY");
});

t.test("a thread that dies before it can load the app says why, at once", async (t) => {
  const app = writeApp(t, "export default () => new Response('x');");
  const preload = ["--import", "data:text/javascript,throw new Error('no preload')"];
  const started = performance.now();
  await t.rejects(startServer(t, { app, workers: 2, execArgv: preload }), {
    code: "ERR_MILLRACE_WORKER_DIED",
    message: /no preload/,
  });
  t.ok(performance.now() - started < 10_000);
});

t.test("the log says of which error a worker has died", async (t) => {
  const app = writeApp(t, `export default () => {
    setImmediate(() => { throw new Error("nobody caught it"); });
    return new Response("bye");
  };`);
  const logDestination = join(ownFolder(t), "log");
  const server = await startServer(t, { app, workers: 1, logLevel: "error", logDestination });
  const exits = collect(server, "workerExit");
  t.equal((await (await server.connect()).request(get("/"))).body, "bye");
  await exits;
  await server.server.close();
  const lines = readFileSync(logDestination, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line) as unknown);
  t.match(lines, [{
    level: 50,
    worker: 1,
    msg: "a worker has died",
    err: { code: "ERR_MILLRACE_WORKER_DIED", stack: /caused by: Error: nobody caught it/ },
  }]);
  t.equal(lines.length, 1, "not of one that is asked to end");
});

/** A pool of one worker, on a server of its own without listeners. */
function poolOf(owner: Test, given: Partial<PoolHost> = {}): WorkerPool {
  const { handle, id } = loadNative().createServer({
    stuckMs: 250, balance: 0, connectionsMax: 0, connectionsPerAddressMax: 0,
  });
  const app = writeApp(owner, "export default () => new Response('x');");
  const options = resolveOptions({ app, port: 0, execArgv: [], env: cleanEnv() });
  let workers = 0;
  const pool = new WorkerPool({
    native: loadNative(),
    server: handle,
    serverId: id,
    instance: "test",
    options,
    log: new PrimaryLog(options),
    listeners: () => [null],
    nextWorkerId: () => ++workers,
    emit: () => {},
    call: async () => {},
    spawned: () => {},
    gone: () => {},
    seriesOf: () => null,
    routesOf: () => ({}),
    admit: async () => {},
    joined: () => {},
    ...given,
  }, { number: 1, app: options.app }, 1);
  owner.teardown(async () => await pool.destroy());
  return pool;
}

t.test("without a slot for a replacement it waits for one", async (t) => {
  const native = Object.create(loadNative()) as Native & { addWorker: Native["addWorker"] };
  let refused = 0;
  let areTaken = false;
  native.addWorker = (...args) => {
    if (!areTaken) return loadNative().addWorker(...args);
    refused++;
    return -1;
  };
  const errors: unknown[] = [];
  const emit = (event: string, detail: unknown): void => {
    if (event === "error") errors.push(detail);
  };
  const pool = poolOf(t, { native, emit });
  await pool.start();
  await pool.open();
  areTaken = true;
  const [first] = pool.channels;
  pool.terminate(first!, new MillraceError("ERR_MILLRACE_WORKER_STUCK"));
  await until("it has asked twice", () => refused === 2);
  t.match(errors, [{ code: "ERR_MILLRACE_WORKER_DIED", message: /no slot/ }], "told once");
  areTaken = false;
  await until("another serves", () => [...pool.channels].some(({ state }) => state === "serving"));
});

t.test("a replacement that is still loading when the server opens is opened later", async (t) => {
  const opened: string[] = [];
  const pool = poolOf(t, { admit: async ({ id, state }) => void opened.push(`${id} ${state}`) });
  await pool.start();
  const [first] = pool.channels;
  pool.terminate(first!, new MillraceError("ERR_MILLRACE_WORKER_STUCK"));
  const isLoading = (): boolean => [...pool.channels].some(({ state }) => state === "starting");
  await until("the other to load", isLoading);
  await pool.open();
  await until("it to be opened", () => opened.length > 0);
  t.strictSame(opened, ["2 serving"]);
});
