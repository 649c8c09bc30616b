/** Tests of workers that do not yield: who is told what of them, and how they are ended. */
import { readFileSync } from "node:fs";
import { close as closeInspector, open as openInspector } from "node:inspector";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import type { ServeOptions } from "../../src/options.ts";
import type { StuckInfo } from "../../src/shared/worker-events.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { collect, get } from "../support/lifecycle.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import type { RawClient } from "../support/raw-client.ts";

/** A thread that a busy machine holds up is not to be taken for one. */
const STUCK_MS = 500;
const TERMINATE_MS = 2000;

/** Each word holds who waits for it until it is 1. `/spin` cannot be woken, only ended. */
const APP = `
  import { threadId } from "node:worker_threads";
  const hold = (context, word) => {
    const words = new Int32Array(context.listener.data);
    Atomics.wait(words, word, 0);
    return new Response("held");
  };
  export default {
    routes: {
      "/": () => new Response("hello"),
      "/thread": () => new Response(String(threadId)),
      "/hold/:word": (request, context) => hold(context, Number(request.params.word)),
      "/spin": () => { for (;;); },
      "/later/:word": async (request, context) => {
        const word = Number(request.params.word);
        setTimeout(() => hold(context, word), 1);
        return new Response("soon");
      },
      "/pending": () => new Promise(() => {}),
    },
    fetch: (request, context) => hold(context, 0),
  };`;

interface StuckServer extends TestServer {
  readonly seen: StuckInfo[];
  release(word: number): void;
}

async function start(t: Test, options: Omit<ServeOptions, "app"> = {}): Promise<StuckServer> {
  const data = new SharedArrayBuffer(64);
  const words = new Int32Array(data);
  const release = (word: number): void => {
    Atomics.store(words, word, 1);
    Atomics.notify(words, word);
  };
  t.teardown(() => words.forEach((_, word) => release(word)));
  const server = await startApp(t, APP, {
    listeners: [{ id: "default", host: "127.0.0.1", port: 0, data }],
    stuckMs: STUCK_MS,
    ...options,
  });
  const seen: StuckInfo[] = [];
  server.server.events.on("stuck", (info: StuckInfo) => seen.push(info));
  return { ...server, seen, release };
}

function states({ seen }: StuckServer): string[] {
  return seen.map(({ state, route }) => `${state} ${route}`);
}

async function episode(server: StuckServer, path: string, word: number): Promise<RawClient> {
  const client = await server.connect();
  const before = server.seen.length;
  client.write(get(path));
  await until("the start of an episode", () => server.seen.length === before + 1);
  t.match(server.server.stats().workers, [{ state: "stuck", route: server.seen.at(-1)!.route }]);
  server.release(word);
  await until("its end", () => server.seen.length === before + 2);
  return client;
}

t.test("each episode has one start and one end, and names the route", async (t) => {
  const server = await start(t);
  const client = await episode(server, "/hold/1", 1);
  t.equal((await client.response()).body, "held");
  await episode(server, "/hold/2", 2);
  await episode(server, "/other", 0);
  await episode(server, "/later/3", 3);
  t.strictSame(states(server), [
    "stuck /hold/:word", "well /hold/:word", "stuck /hold/:word", "well /hold/:word",
    "stuck ", "well ", "stuck null", "well null",
  ]);
  const [worker] = server.server.stats().workers;
  t.match(worker, { state: "serving", route: null });
  for (const info of server.seen) {
    t.match(info, { id: 1, threadId: worker!.threadId, generation: 1 });
    t.ok(info.forMs > STUCK_MS);
  }
});

t.test("the log names it too", async (t) => {
  const logDestination = join(ownFolder(t), "log");
  const server = await start(t, { logLevel: "info", logDestination });
  await episode(server, "/hold/1", 1);
  const lines = readFileSync(logDestination, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line) as unknown);
  t.match(lines, [
    { level: 40, worker: 1, route: "/hold/:word", msg: "a worker does not yield" },
    { level: 40, worker: 1, route: "/hold/:word", msg: "the worker yields again" },
  ]);
});

for (const path of ["/spin", "/hold/1", "/later/1"]) {
  t.test(`after stuckTerminateMs ${path} is ended and replaced`, async (t) => {
    const server = await start(t, { stuckTerminateMs: TERMINATE_MS, drainQuietMs: 0 });
    const [idle, pending, stuck] =
      [await server.connect(), await server.connect(), await server.connect()];
    t.equal((await idle.request(get())).body, "hello");
    pending.write(get("/pending"));
    const exits = collect<{ id: number; error: Error }>(server, "workerExit");
    const isLater = path.startsWith("/later");
    stuck.write(get(path));
    if (isLater) t.equal((await stuck.response()).body, "soon");
    await until("the start of an episode", () => server.seen.length > 0);
    idle.write(get("/thread"));
    const [exit] = await exits;
    t.match(exit, { id: 1, error: { code: "ERR_MILLRACE_WORKER_STUCK" } });
    const route = isLater ? null : path.replace("1", ":word");
    t.match(exit?.error.message, route === null ? "outside of any route" : `"${route}"`);
    for (const client of isLater ? [pending] : [pending, stuck]) {
      const answer = await client.response();
      t.equal(answer.status, 503);
      t.equal(answer.header("retry-after"), "1");
      t.equal(answer.header("connection"), "close");
      t.equal(await client.readToEnd(), "");
    }
    t.match(await idle.response(), { status: 200 }, "no handler had seen it");
    t.equal((await idle.request(get())).body, "hello");
    await until("the end of the episode", () => server.seen.length === 2);
    t.strictSame(states(server), [`stuck ${route}`, `ended ${route}`]);
    t.match(server.server.stats().workers, [{ id: 2, state: "serving" }]);
  });
}

t.test("by default nobody is ended", async (t) => {
  const server = await start(t);
  const exits: unknown[] = [];
  server.server.events.on("workerExit", (exit) => exits.push(exit));
  const client = await server.connect();
  client.write(get("/hold/1"));
  await until("a long episode", () => server.seen.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  server.release(1);
  t.equal((await client.response()).body, "held");
  t.strictSame(exits, []);
});

t.test("nobody is ended while an inspector is attached", async (t) => {
  openInspector(0, "127.0.0.1");
  t.teardown(() => closeInspector());
  const server = await start(t, { stuckTerminateMs: STUCK_MS + 1 });
  const exits = collect(server, "workerExit");
  const client = await server.connect();
  client.write(get("/hold/1"));
  await until("the start of an episode", () => server.seen.length === 1);
  await new Promise((resolve) => setTimeout(resolve, STUCK_MS));
  t.match(server.server.stats().workers, [{ id: 1, state: "stuck" }]);
  closeInspector();
  t.match(await exits, [{ id: 1, error: { code: "ERR_MILLRACE_WORKER_STUCK" } }]);
  t.match(await client.response(), { status: 503 });
});

t.test("with workers: 0 nobody is watched", async (t) => {
  const server = await start(t, { workers: 0, stuckMs: 5, stuckTerminateMs: 10 });
  const client = await server.connect();
  const end = performance.now() + 50;
  client.write(get("/thread"));
  setImmediate(() => {
    while (performance.now() < end);
  });
  t.equal((await client.response()).body, "0");
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(server.seen, []);
});
