/** Tests of the worker's end of the control channel; the test is the primary, on a real port. */
import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import t from "tap";
import type { Test } from "tap";
import { MillraceError } from "../../src/shared/errors.ts";
import type { FromWorker } from "../../src/shared/messages.ts";
import { WorkerControl } from "../../src/worker/control.ts";

interface Primary {
  readonly control: WorkerControl;
  readonly port: MessagePort;
  next(): Promise<FromWorker>;
}

function open(t: Test): Primary {
  const { port1, port2 } = new MessageChannel();
  const control = new WorkerControl(port2);
  t.teardown(() => port1.close());
  return {
    control,
    port: port1,
    async next() {
      const [message] = (await once(port1, "message")) as [FromWorker];
      return message;
    },
  };
}

t.test("messages are carried out, then acknowledged", async (t) => {
  const { control, port, next } = open(t);
  const done: unknown[] = [];
  let endSockets!: () => void;
  control.attach({
    open: () => void done.push("open"),
    setListener: (index, facts) => void done.push({ index, facts }),
    stop: (listener, force) => done.push({ listener, force }),
    stopSockets: (listener) => {
      done.push(`sockets of ${listener}`);
      return new Promise((resolve) => (endSockets = resolve));
    },
    retire: () => done.push("retire"),
    give: (count, to) => count + (to ?? 0),
    routes: () => {},
    awaitRoutes: async () => {},
    count: (series) => done.push(series.byteLength),
    reopenLog: () => done.push("reopened"),
    countSubscribers: (topic) => topic.length,
    publishHere: (published, forBroker) => done.push({ published, forBroker }),
    metrics: async () => [],
  });
  port.postMessage({ type: "reopenLog", id: 9 });
  t.strictSame(await next(), { type: "ack", id: 9 });
  port.postMessage({ type: "open", id: 1 });
  t.strictSame(await next(), { type: "ack", id: 1 });
  port.postMessage({ type: "stop", id: 2, listener: 3, force: true });
  t.strictSame(await next(), { type: "ack", id: 2 });
  t.strictSame(done, ["reopened", "open", { listener: 3, force: true }]);
  port.postMessage({ type: "listener", id: 7, index: 1, facts: null });
  t.strictSame(await next(), { type: "ack", id: 7 });
  t.strictSame(done.at(-1), { index: 1, facts: null });
  port.postMessage({ type: "stopSockets", id: 8, listener: "web" });
  t.strictSame(await next(), { type: "ack", id: 8 });
  t.equal(done.at(-1), "sockets of web");
  endSockets();
  t.strictSame(await next(), { type: "socketsEnded", listener: "web" });
  port.postMessage({ type: "count", id: 11, series: new SharedArrayBuffer(8) });
  t.strictSame(await next(), { type: "ack", id: 11 });
  t.equal(done.at(-1), 8);
  port.postMessage({ type: "retire", id: 5 });
  t.strictSame(await next(), { type: "ack", id: 5 });
  t.equal(done.at(-1), "retire");
  port.postMessage({ type: "give", id: 6, count: 7, to: 2 });
  t.strictSame(await next(), { type: "given", id: 6, count: 9 });
  t.strictSame(await next(), { type: "ack", id: 6 });
  const published = { topic: "news", data: "hello", compress: false };
  port.postMessage({ type: "publish", published, forBroker: true });
  port.postMessage({ type: "countSubscribers", id: 10, topic: "news" });
  t.strictSame(await next(), { type: "subscribers", id: 10, count: 4 });
  t.strictSame(await next(), { type: "ack", id: 10 });
  t.strictSame(done.at(-1), { published, forBroker: true });
  port.postMessage({ type: "metrics", id: 4 });
  t.strictSame(await next(), { type: "metrics", id: 4, metrics: [] });
  t.strictSame(await next(), { type: "ack", id: 4 });
});

t.test("what cannot be carried out is acknowledged with the error, late or at once", async (t) => {
  const { control, port, next } = open(t);
  let settle!: () => void;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  control.attach({
    open: () => {},
    setListener: () => {},
    stop: () => {},
    stopSockets: async () => {},
    retire: () => {},
    give: () => 0,
    count: () => {},
    reopenLog: () => {},
    countSubscribers: () => 0,
    publishHere: () => {},
    metrics: async () => [],
    awaitRoutes: () => settled,
    routes() {
      throw new MillraceError("ERR_MILLRACE_HANDLER_UNKNOWN", "no such name");
    },
  });
  port.postMessage({ type: "awaitRoutes", id: 1, table: 0, rows: [] });
  port.postMessage({ type: "routes", id: 2, table: 0, version: 1, step: { kind: "commit" } });
  const error = { code: "ERR_MILLRACE_HANDLER_UNKNOWN", message: "no such name" };
  t.match(await next(), { type: "ack", id: 2, error });
  settle();
  t.strictSame(await next(), { type: "ack", id: 1 });
});

t.test("listeners that came while the app was loaded are known before anything else", async (t) => {
  const { control, port, next } = open(t);
  const facts = { id: "a", name: "a", data: 1, isTls: false, settings: {} };
  for (const [id, index, each] of [[1, 4, facts], [2, 5, facts], [3, 5, null]] as const) {
    port.postMessage({ type: "listener", id, index, facts: each });
    t.strictSame(await next(), { type: "ack", id });
  }
  port.postMessage({ type: "count", id: 4, series: new SharedArrayBuffer(16) });
  t.strictSame(await next(), { type: "ack", id: 4 });
  const done: unknown[] = [];
  const nothing = (): void => {};
  control.attach({
    open: nothing,
    setListener: (index, given) => void done.push([index, given]),
    stop: nothing,
    stopSockets: async () => {},
    retire: nothing,
    give: () => 0,
    routes: nothing,
    awaitRoutes: async () => {},
    count: (series) => done.push(series.byteLength),
    reopenLog: nothing,
    countSubscribers: () => 0,
    publishHere: nothing,
    metrics: async () => [],
  });
  t.strictSame(done, [[4, facts], [5, null], 16]);
});

t.test("without an app there are no metrics", async (t) => {
  const { port, next } = open(t);
  port.postMessage({ type: "metrics", id: 1 });
  t.strictSame(await next(), { type: "metrics", id: 1, metrics: null });
});

t.test("an end is remembered, also when nothing is attached yet", async (t) => {
  const { control, port, next } = open(t);
  port.postMessage({ type: "end", id: 1 });
  t.strictSame(await next(), { type: "ack", id: 1 });
  await control.ended;
});

t.test("a cut channel is the end too", async (t) => {
  const { control, port } = open(t);
  port.close();
  await control.cut;
  await control.ended;
});

t.test("calls go to the primary and settle with its result", async (t) => {
  const { control, port, next } = open(t);
  const { server } = control;
  for (const [run, request, value] of [
    [() => server.stopListener("a"), { method: "stopListener", id: "a" },
      { graceful: true, destroyed: 0 }],
    [() => server.stopListener("a", { force: true }),
      { method: "stopListener", id: "a", options: { force: true } },
      { graceful: false, destroyed: 1 }],
    [() => server.pauseListener("b"), { method: "pauseListener", id: "b" }, undefined],
    [() => server.startListener("c"), { method: "startListener", id: "c" }, undefined],
    [() => server.reload(), { method: "reload" }, { generation: 2, workers: 1 }],
    [() => server.setApp(new URL("file:///b.mjs")), { method: "setApp", app: "file:///b.mjs" },
      { generation: 3, workers: 1 }],
    [() => server.scale(4), { method: "scale", workers: 4 }, undefined],
    [() => server.close({ deadlineMs: 5 }), { method: "close", options: { deadlineMs: 5 } },
      undefined],
  ] as const) {
    const received = next();
    const result = run();
    const message = await received;
    t.match(message, { type: "call", request });
    port.postMessage({ type: "result", call: (message as { call: number }).call, value });
    t.strictSame(await result, value);
  }
});

t.test("a call that failed rejects with the code", async (t) => {
  const { control, port, next } = open(t);
  const received = next();
  const failed = control.server.startListener("none");
  const { call } = (await received) as { call: number };
  const error = { name: "MillraceError", message: "no", code: "ERR_MILLRACE_LISTENER_UNKNOWN" };
  port.postMessage({ type: "result", call, error });
  await t.rejects(failed, error);
});

t.test("a call that cannot be sent, or that nobody answers any more, rejects", async (t) => {
  const { control, port } = open(t);
  const options = { host: "127.0.0.1", port: 0, data: () => {} };
  await t.rejects(control.server.addListener(options), { name: "DataCloneError" });
  const waits = control.server.stopListener("a");
  void control.server.stopListener("b"); // nobody hears of it, and nothing is thrown
  port.close();
  await t.rejects(waits, { code: "ERR_MILLRACE_SERVER_CLOSED" });
  await t.rejects(control.server.reload(), { code: "ERR_MILLRACE_SERVER_CLOSED" });
});
