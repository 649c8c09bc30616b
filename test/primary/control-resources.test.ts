/** Tests of the resources of the control socket, on servers that run. */
import { statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { RESOURCES } from "../../src/primary/control-resources.ts";
import { askControl, type Told } from "../support/ask-control.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const HELLO = 'export default () => new Response("hello");';

async function controlled(owner: Owner): Promise<TestServer & { control: string }> {
  const control = join(ownFolder(owner), "c");
  return { ...await startApp(owner, HELLO, { control }), control };
}

t.test("the status tells of the process, its workers and its listeners", async (t) => {
  const { control, url } = await controlled(t);
  await (await fetch(url)).text();
  const { status, value } = await askControl(control, "GET /status");
  t.equal(status, 200);
  t.match(value, {
    pid: process.pid, node: process.version, version: /^\d+\.\d+\.\d+/, state: "serving",
    generation: 1, requests: 1, uptimeMs: Number,
    workers: [{ id: 1, state: "serving", requests: 1 }],
    listeners: [{ id: "default", state: "listening", requests: 1, url }],
  });
  t.strictSame((await askControl(control, "GET /listeners")).value.listeners[0].bind,
    new URL(url).host);
  t.match((await askControl(control, "GET /stats")).value, { workers: [{ requests: 1 }] });
});

t.test("a listener is paused, started and stopped", async (t) => {
  const { control, url } = await controlled(t);
  const state = async (): Promise<string> =>
    (await askControl(control, "GET /listeners")).value.listeners[0].state;
  const paused = await askControl(control, "POST /listeners/default/pause");
  t.match(paused, { status: 200, value: { listeners: [{ state: "paused" }] } });
  await t.rejects(fetch(url));
  t.equal((await askControl(control, "POST /listeners/default/start")).status, 200);
  t.equal(await (await fetch(url)).text(), "hello");
  const stopped = await askControl(control, "POST /listeners/default/stop", { deadlineMs: 5000 });
  t.strictSame(stopped, { status: 200, value: { graceful: true, destroyed: 0 } });
  t.equal(await state(), "stopped");
});

t.test("what is wrong is refused with its reason", async (t) => {
  const { control } = await controlled(t);
  const refusals: [string, object | undefined, number, RegExp][] = [
    ["POST /listeners/none/pause", undefined, 404, /No listener/],
    ["POST /listeners/default/stop", { force: "yes" }, 400, /force must be true or false/],
    ["POST /listeners/default/stop", { deadlineMs: -1 }, 400, /deadlineMs must be an integer/],
    ["POST /listeners/default/stop", { forse: true }, 400, /unknown field "forse", did you mean/],
    ["POST /listeners/default/stop", { __proto__x: 1 }, 400, /unknown field/],
    ["GET /status?verbose=1", undefined, 400, /unknown parameter "verbose"/],
    ["POST /status", undefined, 405, /\/status takes GET/],
    ["GET /drain", undefined, 405, /\/drain takes POST/],
    ["GET /nothing", undefined, 404, /there is no \/nothing; there are GET \/status/],
    ["POST /listeners//pause", undefined, 404, /there is no/],
  ];
  for (const [name, body, status, message] of refusals) {
    const told = await askControl(control, name, body);
    t.equal(told.status, status, name);
    t.match(told.value.error.message, message);
  }
  t.equal((await askControl(control, "GET /status")).value.listeners[0].state, "listening");
});

t.test("concurrent calls end in one state, and each is answered", async (t) => {
  const { control, url } = await controlled(t);
  const verbs = ["pause", "start", "stop", "start", "pause", "stop", "start", "status"];
  const calls = Array.from({ length: 24 }, (_, index) => verbs[index % verbs.length]!);
  const told = await Promise.all(calls.map((verb) => verb === "status"
    ? askControl(control, "GET /status")
    : askControl(control, `POST /listeners/default/${verb}`)));
  for (const [index, { status, value }] of told.entries()) {
    // A start behind a stop gives way if another stop is asked for before its turn.
    const isOvertaken = calls[index] === "start" && status === 409;
    if (isOvertaken) t.equal(value.error.code, "ERR_MILLRACE_LISTENER_STOPPED");
    else t.equal(status, 200, calls[index]!);
  }
  await askControl(control, "POST /listeners/default/start");
  t.equal(await (await fetch(url)).text(), "hello");
});

t.test("a start that another stop overtakes is a conflict", async (t) => {
  const control = join(ownFolder(t), "c");
  const { server, gate, connect } = await startLifecycle(t, { control });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const ask = async (verb: string): Promise<Told> =>
    await askControl(control, `POST /listeners/default/${verb}`);
  const first = ask("stop");
  await until("the stop", () => server.listeners[0]?.state === "stopping");
  const started = ask("start");
  await askControl(control, "GET /status"); // which comes after it
  const second = ask("stop");
  await askControl(control, "GET /status");
  gate.open();
  t.equal((await client.response()).body, "waited");
  client.end();
  t.match(await started, {
    status: 409, value: { error: { code: "ERR_MILLRACE_LISTENER_STOPPED" } },
  });
  t.match(await Promise.all([first, second]), [{ status: 200 }, { status: 200 }]);
  t.equal(server.listeners[0]?.state, "stopped");
});

t.test("drain is answered, then the server ends and takes the socket with it", async (t) => {
  const { control, server, connect } = await controlled(t);
  const connection = await connect();
  const told = await askControl(control, "POST /drain", { deadlineMs: 5000 });
  t.strictSame(told, { status: 202, value: { state: "draining", pid: process.pid } });
  t.equal((await askControl(control, "GET /status")).value.state, "draining");
  connection.close();
  await server.closed;
  await until("the end of the socket", () =>
    statSync(control, { throwIfNoEntry: false }) === undefined);
});

t.test("a drain can be forced", async (t) => {
  const { control, server, connect } = await controlled(t);
  const connection = await connect();
  await askControl(control, "POST /drain", { deadlineMs: 60_000 });
  await askControl(control, "POST /drain", { force: true });
  await server.closed;
  connection.close();
});

t.test("a listener is added, and removed", async (t) => {
  const { control } = await controlled(t);
  const added = await askControl(control, "POST /listeners", { id: "more", port: 0 });
  t.match(added, { status: 201, value: { id: "more", state: "listening" } });
  t.equal(await (await fetch(added.value.url)).text(), "hello");
  const twice = await askControl(control, "POST /listeners", { id: "more", port: 0 });
  t.equal(twice.status, 409);
  t.equal((await askControl(control, "POST /listeners", { prot: 0 })).status, 400);
  const removed = await askControl(control, "POST /listeners/more/remove");
  t.strictSame(removed, { status: 200, value: { graceful: true, destroyed: 0 } });
  t.equal((await askControl(control, "POST /listeners/more/start")).status, 404);
});

t.test("the app is reloaded, the workers are scaled, the routes are told", async (t) => {
  const { control, server } = await controlled(t);
  t.match(await askControl(control, "POST /reload"), { status: 200, value: { generation: 2 } });
  t.equal((await askControl(control, "GET /status")).value.generation, 2);
  t.strictSame(await askControl(control, "POST /scale", { workers: 2 }), {
    status: 200, value: { workers: 2 },
  });
  t.equal(server.stats().workers.length, 2);
  t.equal((await askControl(control, "POST /scale")).status, 400);
  t.equal((await askControl(control, "POST /scale", { workers: -1 })).status, 400);
  t.strictSame((await askControl(control, "GET /routes")).value, { routes: server.routes() });
  t.ok((await askControl(control, "GET /routes?listener=none")).status >= 400);
});

t.test("every resource has a name of its own", async (t) => {
  t.equal(new Set(RESOURCES.map(({ name }) => name)).size, RESOURCES.length);
});
