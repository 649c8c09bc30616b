/** Tests of workers that do not acknowledge: they are named, with what they are in. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";

t.test("a worker that is blocked in a handler is named with its route", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, {
    workers: 2, controlTimeoutMs: 2000, stuckMs: 1000,
  });
  const client = await connect();
  client.write(get("/block"));
  await gate.arrived();
  await until("it is stuck", () => (
    server.stats().workers.some(({ state }) => state === "stuck")
  ));
  const stuck = server.stats().workers.find(({ state }) => state === "stuck")!.id;
  const host = "127.0.0.1";
  const late = `"listener" within 2000 ms by worker ${stuck} \\(in the route "/block"\\)$`;
  await t.rejects(server.addListener({ id: "x", host, port: 0 }), {
    code: "ERR_MILLRACE_CONTROL_TIMEOUT",
    message: new RegExp(late),
    workers: [{ id: stuck, route: "/block" }],
  });
  t.equal(server.listeners.length, 1, "there is no such listener");
  await t.rejects(server.reopenLogs(), { code: "ERR_MILLRACE_CONTROL_TIMEOUT" });
  await t.rejects(server.setRoutes([]), {
    code: "ERR_MILLRACE_CONTROL_TIMEOUT", workers: [{ id: stuck, route: "/block" }],
  });
  gate.open();
  t.equal((await client.response()).body, "blocked");
  const added = await server.addListener({ id: "x", host, port: 0 });
  t.equal(await (await fetch(added.url)).text(), "hello");
});

t.test("a stop goes on without it and says so, and its deadline holds", async (t) => {
  const started = await startLifecycle(t, { workers: 1, controlTimeoutMs: 2000, stuckMs: 50 });
  const { server, gate, connect } = started;
  const client = await connect();
  client.write(get("/block"));
  await gate.arrived();
  const errors = collect<Error>(started, "error", 2);
  const result = await server.stopListener("default", { deadlineMs: 3000 });
  t.match(result, { graceful: false, destroyed: 1 });
  const [first, second] = await errors;
  t.match(first, { code: "ERR_MILLRACE_CONTROL_TIMEOUT", workers: [{ id: 1, route: "/block" }] });
  t.match(first!.message, /"stop" within 2000 ms by worker 1/);
  t.match(second, { code: "ERR_MILLRACE_CONTROL_TIMEOUT", message: /stop of default/ });
  gate.open();
  await until("its end", () => server.stats().listeners[0]!.connections === 0);
  await server.startListener("default");
  t.equal(await (await fetch(started.url)).text(), "hello");
});

t.test("a worker that dies is not waited for", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, {
    workers: 2, controlTimeoutMs: 20_000, stuckMs: 250, stuckTerminateMs: 2000,
  });
  const client = await connect();
  client.write(get("/block"));
  await gate.arrived();
  const info = await server.addListener({ id: "x", host: "127.0.0.1", port: 0 });
  t.equal(info.state, "listening", "acknowledged by the end of the one that was stuck");
});
