/**
 * Every way to die in every place, under load: who caused it gets what the table says, and nobody
 * else notices. In `init` it is the replacement that dies, again and again, beside a worker that
 * serves.
 */
import t from "tap";
import type { Test } from "tap";
import type { Way } from "../support/deaths.ts";
import { until } from "../support/deadline.ts";
import { startTraffic } from "../support/traffic.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";
import type { RawClient } from "../support/raw-client.ts";

/** What who caused it sees: a status, an answer and then its connection going on, or a cut. */
type Seen = 500 | 503 | "goes on" | "cut";

interface Cell {
  readonly place: "handler" | "timer" | "stream";
  readonly way: Way;
  readonly seen: Seen;
  /** The thread ends, with this in its error; null: it lives on. */
  readonly dies: RegExp | null;
}

const THROWN = /thrown on purpose/;
const REJECTED = /rejected on purpose/;
const EXITED = /exit|code 3/i;
const OUT_OF_MEMORY = /memory/i;
const STACK = /call stack/i;
const STUCK = /did not yield/;

const CELLS: readonly Cell[] = [
  { place: "handler", way: "throw", seen: 500, dies: null },
  { place: "handler", way: "rejection", seen: "goes on", dies: REJECTED },
  { place: "handler", way: "exit", seen: 500, dies: EXITED },
  { place: "handler", way: "heap", seen: 500, dies: OUT_OF_MEMORY },
  { place: "handler", way: "stack", seen: 500, dies: null },
  { place: "handler", way: "spin", seen: 503, dies: STUCK },
  { place: "timer", way: "throw", seen: "goes on", dies: THROWN },
  { place: "timer", way: "rejection", seen: "goes on", dies: REJECTED },
  { place: "timer", way: "exit", seen: "goes on", dies: EXITED },
  { place: "timer", way: "heap", seen: "goes on", dies: OUT_OF_MEMORY },
  { place: "timer", way: "stack", seen: "goes on", dies: STACK },
  { place: "timer", way: "spin", seen: "goes on", dies: STUCK },
  { place: "stream", way: "throw", seen: "cut", dies: null },
  // The stream goes on to its end before the rejection counts as one that nobody handled.
  { place: "stream", way: "rejection", seen: "goes on", dies: REJECTED },
  { place: "stream", way: "exit", seen: "cut", dies: EXITED },
  { place: "stream", way: "heap", seen: "cut", dies: OUT_OF_MEMORY },
  { place: "stream", way: "stack", seen: "cut", dies: null },
  { place: "stream", way: "spin", seen: "cut", dies: STUCK },
];

const HEAP = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 };
const CONNECTIONS = 30;

async function sees(t: Test, client: RawClient, { place, way, seen }: Cell): Promise<void> {
  client.write(get(`/die/${place}/${way}`));
  if (seen === "cut") {
    await client.readUntil("first ");
    await until("the end of the stream", () => client.state !== "open");
    t.notMatch(client.pending, /\r\n0\r\n/, "without the mark of a whole body");
    return;
  }
  const { status } = await client.response();
  t.equal(status, seen === "goes on" ? 200 : seen);
  if (seen === "goes on") t.equal((await client.request(get())).status, 200);
}

async function progress(traffic: { readonly answers: number }): Promise<void> {
  const before = traffic.answers;
  await until("more answers", () => traffic.answers >= before + 2 * CONNECTIONS);
}

for (const workers of [1, 2]) {
  for (const cell of CELLS) {
    const name = `${cell.way} in a ${cell.place} with ${workers} workers`;
    t.test(name, async (t) => {
      const server = await startLifecycle(t, {
        workers,
        resourceLimits: HEAP,
        ...(cell.way === "spin" && { stuckMs: 250, stuckTerminateMs: 2000 }),
      });
      const exits: { error: { message: string } }[] = [];
      server.server.events.on("workerExit", (exit) => exits.push(exit));
      const traffic = await startTraffic(server, CONNECTIONS);
      await progress(traffic);
      await sees(t, await server.connect(), cell);
      if (cell.dies !== null) await until("the worker's end", () => exits.length > 0);
      await progress(traffic);
      const { statuses, failures } = await traffic.stop();
      t.strictSame(failures, [], "no connection was lost");
      t.strictSame(Object.keys(statuses), ["200"], "and no request failed");
      t.equal(exits.length, cell.dies === null ? 0 : 1);
      if (cell.dies !== null) t.match(exits[0]?.error.message, cell.dies);
    });
  }
}

/** In `init` a thread that spins is ended by `initTimeoutMs`. */
const IN_INIT: readonly (readonly [Way, RegExp, string])[] = [
  ["throw", THROWN, "ERR_MILLRACE_INIT_FAILED"],
  ["rejection", REJECTED, "ERR_MILLRACE_WORKER_DIED"],
  ["exit", EXITED, "ERR_MILLRACE_WORKER_DIED"],
  ["heap", OUT_OF_MEMORY, "ERR_MILLRACE_WORKER_DIED"],
  ["stack", STACK, "ERR_MILLRACE_INIT_FAILED"],
  ["spin", /initTimeoutMs/, "ERR_MILLRACE_INIT_TIMEOUT"],
];

/** One of two workers dies, and each that replaces it. */
async function startLoop(t: Test, way: Way): Promise<LifecycleServer> {
  return await startLifecycle(t, {
    workers: 2,
    again: way,
    resourceLimits: HEAP,
    initTimeoutMs: way === "spin" ? 2500 : 10_000,
  });
}

for (const [way, message, code] of IN_INIT) {
  t.test(`${way} in init, again and again, beside a worker that serves`, async (t) => {
    const server = await startLoop(t, way);
    const traffic = await startTraffic(server, CONNECTIONS);
    const exits = collect<{ error: { message: string; code: string } }>(server, "workerExit", 5);
    const reported = collect<{ code: string; message: string }>(server, "error");
    await (await server.connect()).request(get("/late-exit"));
    for (const { error } of (await exits).slice(1)) {
      t.equal(error.code, code);
      t.match(error.message, message);
    }
    t.match(await reported, [{ code: "ERR_MILLRACE_CRASH_LOOP", message: /^5 workers in a row/ }]);
    await progress(traffic);
    const { statuses, failures } = await traffic.stop();
    t.strictSame(failures, []);
    t.strictSame(Object.keys(statuses), ["200"]);
  });
}
