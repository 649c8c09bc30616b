/**
 * Every way to die in every place, under load: who caused it gets what the table says, and nobody
 * else notices. Those who die in `init` are in crash-in-init.test.ts.
 */
import t from "tap";
import type { Test } from "tap";
import { ERRORS, SMALL_HEAP } from "../support/deaths.ts";
import type { Way } from "../support/deaths.ts";
import { until } from "../support/deadline.ts";
import { startTraffic } from "../support/traffic.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";
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

const STUCK = /did not yield/;

const CELLS: readonly Cell[] = [
  { place: "handler", way: "throw", seen: 500, dies: null },
  { place: "handler", way: "rejection", seen: "goes on", dies: ERRORS.rejection },
  { place: "handler", way: "exit", seen: 500, dies: ERRORS.exit },
  { place: "handler", way: "heap", seen: 500, dies: ERRORS.heap },
  { place: "handler", way: "stack", seen: 500, dies: null },
  { place: "handler", way: "spin", seen: 503, dies: STUCK },
  { place: "timer", way: "throw", seen: "goes on", dies: ERRORS.throw },
  { place: "timer", way: "rejection", seen: "goes on", dies: ERRORS.rejection },
  { place: "timer", way: "exit", seen: "goes on", dies: ERRORS.exit },
  { place: "timer", way: "heap", seen: "goes on", dies: ERRORS.heap },
  { place: "timer", way: "stack", seen: "goes on", dies: ERRORS.stack },
  { place: "timer", way: "spin", seen: "goes on", dies: STUCK },
  { place: "stream", way: "throw", seen: "cut", dies: null },
  // The stream goes on to its end before the rejection counts as one that nobody handled.
  { place: "stream", way: "rejection", seen: "goes on", dies: ERRORS.rejection },
  { place: "stream", way: "exit", seen: "cut", dies: ERRORS.exit },
  { place: "stream", way: "heap", seen: "cut", dies: ERRORS.heap },
  { place: "stream", way: "stack", seen: "cut", dies: null },
  { place: "stream", way: "spin", seen: "cut", dies: STUCK },
];

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

for (const workers of [1, 2]) {
  for (const cell of CELLS) {
    const name = `${cell.way} in a ${cell.place} with ${workers} workers`;
    t.test(name, async (t) => {
      const server = await startLifecycle(t, {
        workers,
        resourceLimits: SMALL_HEAP,
        ...(cell.way === "spin" && { stuckMs: 250, stuckTerminateMs: 1500 }),
      });
      const exits: { error: { message: string } }[] = [];
      server.server.events.on("workerExit", (exit) => exits.push(exit));
      const traffic = await startTraffic(server, CONNECTIONS);
      await traffic.more(2 * CONNECTIONS);
      await sees(t, await server.connect(), cell);
      if (cell.dies !== null) await until("the worker's end", () => exits.length > 0);
      await traffic.more(2 * CONNECTIONS);
      const { statuses, failures } = await traffic.stop();
      t.strictSame(failures, [], "no connection was lost");
      t.strictSame(Object.keys(statuses), ["200"], "and no request failed");
      t.equal(exits.length, cell.dies === null ? 0 : 1);
      if (cell.dies !== null) t.match(exits[0]?.error.message, cell.dies);
    });
  }
}
