/** Tests of the primary's end of a control channel; the test is the worker, on a real port. */
import { once } from "node:events";
import t from "tap";
import type { Test } from "tap";
import { WorkerChannel } from "../../src/primary/worker-channel.ts";
import { MillraceError } from "../../src/shared/errors.ts";
import type { ControlCall, FromWorker, ToWorker } from "../../src/shared/messages.ts";

interface Worker {
  readonly channel: WorkerChannel;
  readonly calls: ControlCall[];
  send(message: FromWorker): void;
  next(): Promise<ToWorker>;
}

function open(t: Test, answer: (call: ControlCall) => Promise<unknown>): Worker {
  const calls: ControlCall[] = [];
  const channel = new WorkerChannel(1, 0, 1, async (call) => {
    calls.push(call);
    return await answer(call);
  });
  const port = channel.workerPort;
  t.teardown(() => channel.close(new Error("over")));
  return {
    channel,
    calls,
    send: (message) => port.postMessage(message),
    async next() {
      const [message] = (await once(port, "message")) as [ToWorker];
      return message;
    },
  };
}

t.test("ready tells what the worker says of itself", async (t) => {
  const { channel, send } = open(t, async () => undefined);
  t.equal(channel.state, "starting");
  send({ type: "ready", threadId: 7, routes: ["/a"], tables: [], port: 80 });
  t.match(await channel.ready, { threadId: 7, port: 80 });
  t.same(channel.routes, ["/a"]);
  t.equal(channel.state, "serving");
  t.equal(channel.threadId, 7);
  send({ type: "patterns", routes: ["/a", "/b"] });
  send({ type: "ack", id: 0 });
  channel.catchUp();
  t.same(channel.routes, ["/a", "/b"]);
});

t.test("an acknowledgement may be a refusal, with its code", async (t) => {
  const { channel, send, next } = open(t, async () => undefined);
  const sent = channel.send({ type: "routes", table: 0, version: 1, step: { kind: "commit" } });
  const { id } = (await next()) as { id: number };
  const code = "ERR_MILLRACE_ROUTE_INVALID";
  send({ type: "ack", id, error: { name: "Error", message: "why", code } });
  await t.rejects(sent, { code, message: "why" });
});

t.test("a failure has the code that the worker gave, or that of a death", async (t) => {
  for (const [code, wanted] of [
    ["ERR_MILLRACE_APP_LOAD", "ERR_MILLRACE_APP_LOAD"],
    ["ENOENT", "ERR_MILLRACE_WORKER_DIED"],
  ] as const) {
    const { channel, send } = open(t, async () => undefined);
    send({ type: "failed", error: { name: "Error", message: "why", code } });
    await t.rejects(channel.ready, { code: wanted, message: "why", cause: { code } });
    t.equal(channel.failure?.code, wanted);
  }
});

t.test("metrics are asked for once, and null when the worker has gone", async (t) => {
  const { channel, send, next } = open(t, async () => undefined);
  const [first, second] = [channel.metrics(), channel.metrics()];
  t.equal(first, second);
  t.match(await next(), { type: "metrics", id: 1 });
  send({ type: "metrics", id: 1, metrics: [] });
  t.same(await first, []);
  const third = channel.metrics();
  t.match(await next(), { type: "metrics", id: 2 });
  channel.close(new Error("died"));
  t.equal(await third, null);
  t.equal(await channel.metrics(), null);
});

t.test("a message is sent until it is acknowledged", async (t) => {
  const { channel, send, next } = open(t, async () => undefined);
  const received = next();
  let isSent = false;
  const sent = channel.send({ type: "open" }).then(() => (isSent = true));
  const message = await received;
  t.match(message, { type: "open" });
  t.notOk(isSent);
  send({ type: "ack", id: (message as { id: number }).id });
  await sent;
});

t.test("a drain ends when the worker says so, for each that asked", async (t) => {
  const { channel, send, next } = open(t, async () => undefined);
  const received = next();
  const drains = [channel.drain(3, false), channel.drain(3, true)];
  t.match(await received, { type: "stop", listener: 3, force: false });
  send({ type: "drained", listener: 2 });
  send({ type: "drained", listener: 3 });
  await Promise.all(drains);
});

t.test("calls of the worker are answered, also with an error", async (t) => {
  const { calls, send, next } = open(t, async (call) => {
    if (call.method === "close") throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED", "no");
    return "yes";
  });
  const request: ControlCall = { method: "pauseListener", id: "a" };
  const first = next();
  send({ type: "call", call: 5, request });
  t.strictSame(await first, { type: "result", call: 5, value: "yes" });
  const second = next();
  send({ type: "call", call: 6, request: { method: "close" } });
  t.match(await second, {
    type: "result", call: 6, error: { message: "no", code: "ERR_MILLRACE_SERVER_CLOSED" },
  });
  t.strictSame(calls, [request, { method: "close" }]);
});

t.test("nobody waits for a worker that has gone", async (t) => {
  const { channel } = open(t, async () => undefined);
  const waiting = [channel.send({ type: "open" }), channel.drain(0, false)];
  channel.close(new Error("gone"));
  await Promise.all(waiting);
  await t.rejects(channel.ready, { message: "gone" });
  await channel.send({ type: "end" });
  await channel.drain(0, true);
  t.equal(channel.state, "dead");
});

t.test("its own failure says more than that it has gone", async (t) => {
  const { channel } = open(t, async () => undefined);
  channel.fail(new MillraceError("ERR_MILLRACE_INIT_TIMEOUT", "slow"));
  channel.close(new Error("gone"));
  await t.rejects(channel.ready, { code: "ERR_MILLRACE_INIT_TIMEOUT" });
});
