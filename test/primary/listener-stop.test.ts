/** Tests of the five phases: their order, what each waits for, force at any time. */
import t from "tap";
import { ListenerStop, type StopHost } from "../../src/primary/listener-stop.ts";
import type { StopPhase } from "../../src/shared/app.ts";
import { until } from "../support/deadline.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";

interface Staged {
  readonly host: StopHost;
  readonly calls: string[];
  /** Connections that are left, and how many of them are upgraded. */
  left: number;
  upgraded: number;
  /** Lets the drain that is waited for end. */
  end(): void;
}

/** One that has begun. */
function begin(host: StopHost, deadlineMs: number): { stop: ListenerStop; done: Promise<unknown> } {
  const stop = new ListenerStop(host);
  return { stop, done: stop.run(deadlineMs) };
}

/** A listener whose drains end when the test says so. */
function staged(): Staged {
  const calls: string[] = [];
  const waiting: (() => void)[] = [];
  const state: Staged = {
    calls,
    left: 1,
    upgraded: 0,
    end: () => {
      state.left = state.upgraded;
      for (const resolve of waiting.splice(0)) resolve();
    },
    host: {
      closeSockets: () => void calls.push("close"),
      connections: () => state.left,
      upgraded: () => state.upgraded,
      workers: () => [],
      drain: (force) => {
        calls.push(force ? "force" : "drain");
        if (force) state.left = 0;
        return state.left === state.upgraded ? Promise.resolve() : new Promise((resolve) => {
          waiting.push(resolve);
        });
      },
      stopSockets: async () => void calls.push("ask sockets"),
      dropOrphans: () => void calls.push("orphans"),
      phase: (phase) => void calls.push(phase),
      late: () => void calls.push("late"),
    },
  };
  return state;
}

const GRACEFUL = ["accepting", "close", "requests", "drain"];

t.test("requests end before dedicated sockets are asked", async (t) => {
  const stage = staged();
  const { stop, done } = begin(stage.host, 10_000);
  await until("requests", () => stop.phase === "requests");
  t.strictSame(stage.calls, GRACEFUL);
  stage.end();
  t.strictSame(await done, { graceful: true, destroyed: 0 });
  t.strictSame(stage.calls, [...GRACEFUL, "sockets", "ask sockets", "drain"]);
  stop.force();
  t.strictSame(stage.calls.length, GRACEFUL.length + 3, "too late to change anything");
});

t.test("requests do not wait for upgraded connections, and the stop does", async (t) => {
  const stage = staged();
  let endSockets!: () => void;
  const ended = new Promise<void>((resolve) => (endSockets = resolve));
  Object.assign(stage, { left: 2, upgraded: 1 });
  const host = { ...stage.host, stopSockets: () => ended };
  const { stop, done } = begin(host, 10_000);
  await until("requests", () => stop.phase === "requests");
  stage.end();
  await until("sockets", () => stop.phase === "sockets");
  endSockets();
  await until("its wait", () => stage.calls.filter((each) => each === "drain").length > 2);
  Object.assign(stage, { left: 0, upgraded: 0 });
  t.strictSame(await done, { graceful: true, destroyed: 0 });
  t.notOk(stage.calls.includes("force"));
});

t.test("force may come in each phase", async (t) => {
  for (const at of ["requests", "sockets"] satisfies StopPhase[]) {
    const stage = staged();
    const host = {
      ...stage.host,
      // In this phase there is something again: a socket that does not end.
      stopSockets: async () => void (stage.left = 1),
    };
    const { stop, done } = begin(host, 10_000);
    if (at === "sockets") stage.end();
    await until(at, () => stop.phase === at);
    await until("its wait", () => stage.calls.at(-1) === "drain");
    stop.force();
    stop.force();
    t.strictSame(await done, { graceful: false, destroyed: 1 });
    t.strictSame(stage.calls.slice(-3), ["orphans", "destroying", "force"]);
  }
});

t.test("the deadline ends it whatever it waits for, and at once if it is forced", async (t) => {
  const stage = staged();
  t.match(await begin(stage.host, 20).done, { destroyed: 1 });
  const forced = staged();
  const stop = new ListenerStop(forced.host);
  stop.force();
  t.match(await stop.run(10_000), { graceful: false });
  t.strictSame(forced.calls, ["accepting", "close", "orphans", "destroying", "force"]);
});

t.test("what appears between two workers while all have drained is waited for", async (t) => {
  const stage = staged();
  stage.left = 0;
  let looks = 0;
  const host = { ...stage.host, connections: () => (looks++ < 3 ? 1 : 0) };
  t.match(await begin(host, 10_000).done, { graceful: true });
  t.ok(stage.calls.filter((call) => call === "drain").length >= 4, String(stage.calls));
});

t.test("events tell each phase with what still runs, and running() does too", async (t) => {
  const started = await startLifecycle(t, { workers: 2 });
  const { server, gate, connect } = started;
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const told = collect<{ phase: string; workers: unknown[] }>(started, "stopping", 2);
  const stopped = server.stopListener("default");
  const [, requests] = await told;
  t.match(requests, {
    id: "default", phase: "requests", connections: 1, upgraded: 0,
    workers: [{ id: Number, connections: 1 }],
  });
  t.match(server.running(), {
    listeners: [{ id: "default", state: "stopping", phase: "requests", connections: 1 }],
    workers: [1, 2],
  });
  gate.open();
  await client.response();
  client.end();
  await stopped;
  t.strictSame(server.running().listeners, []);
});

t.test("waitClosed tells what still runs when its time is over", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  t.match(await server.waitClosed(1), { listeners: [{ id: "default", phase: null }] });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  void server.close();
  t.match(await server.waitClosed(50), {
    listeners: [{ id: "default", state: "stopping", phase: "requests", connections: 1 }],
    workers: [1],
  });
  gate.open();
  await client.response();
  client.end();
  t.equal(await server.waitClosed(10_000), null);
});
