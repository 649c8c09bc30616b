/** Tests of the calls that handlers make of the server, from a handler of a worker. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const APP = `
  export default { async fetch(request, { server }) {
    const [method, ...args] = JSON.parse(await request.text(), (key, value) => (
      value === "5n" ? 5n : value
    ));
    try {
      return Response.json({ result: (await server[method](...args)) ?? null });
    } catch ({ code, message }) {
      return Response.json({ code, message });
    }
  } };
`;

t.test("each call reaches the server, and its result or its error comes back", async (t) => {
  const { server, url } = await startApp(t, APP, { workers: 1 });
  const call = async (...body: unknown[]): Promise<Record<string, unknown>> => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const added = { id: "more", host: "127.0.0.1", port: 0 };
  t.match(await call("addListener", added), { result: { id: "more", state: "listening" } });
  t.match(await call("pauseListener", "more"), { result: null });
  t.equal(server.listeners[1]?.state, "paused");
  t.match(await call("startListener", "more"), { result: null });
  t.equal(server.listeners[1]?.state, "listening");
  t.match(await call("stopListener", "more"), { result: { graceful: true, destroyed: 0 } });
  t.match(await call("removeListener", "more"), { result: { graceful: true } });
  t.equal(server.listeners.length, 1);
  t.match(await call("routes"), { result: [] });
  t.match(await call("reopenLogs"), { result: null });
  t.match(await call("metrics"), { result: { late: [] } });
  t.match(await call("sharedMemory", "a", 8), { result: {} });
  t.match(await call("sharedMemory", "a", 0), { code: "ERR_MILLRACE_SHARED_MEMORY" });
  t.match(await call("records", { kind: "read", table: "a", key: "b", idleMs: 1 }), {
    result: null,
  });
  t.match(await call("scale", 2), { result: null });
  t.equal(server.stats().workers.length, 2);
  t.match(await call("reload"), { result: { generation: 2, workers: 2 } });
  t.match(await call("scale", 0), { code: "ERR_MILLRACE_OPTION_INVALID" });
  t.match(await call("stopListener", "none"), { code: "ERR_MILLRACE_LISTENER_UNKNOWN" });
});

t.test("what a stop cannot be told is refused before anything stops", async (t) => {
  const { server, url } = await startApp(t, APP, { workers: 1 });
  for (const call of [
    ["drain", { delayMs: "5n" }], ["drain", { deadlineMs: -1 }], ["close", { deadlineMs: "5n" }],
    ["close", { force: "yes" }], ["stopListener", "default", { deadlineMs: "5n" }],
    ["removeListener", "default", { deadlineMs: "soon" }],
  ]) {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(call) });
    t.match(await response.json(), { code: "ERR_MILLRACE_OPTION_INVALID" }, JSON.stringify(call));
  }
  t.match(server.listeners, [{ state: "listening" }]);
});

for (const method of ["drain", "close"]) {
  t.test(`${method} does not wait for the worker that asks`, async (t) => {
    const { server, url } = await startApp(t, APP, { workers: 1 });
    const response = await fetch(url, { method: "POST", body: JSON.stringify([method]) });
    t.strictSame(await response.json(), { result: null });
    await until("the server to close", async () => (await server.waitClosed(0)) === null);
  });
}
