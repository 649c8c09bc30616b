/** Tests of the graceful stop of a listener: what is in flight, what is idle, what still comes. */
import { once } from "node:events";
import t from "tap";
import { until, within } from "../support/deadline.ts";
import { elapsed, get, startLifecycle } from "../support/lifecycle.ts";

t.test("a request in flight is answered with close, then the stop is graceful", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const stopped = server.stopListener("default");
  t.equal(server.listeners[0]?.state, "stopping");
  gate.open();
  const answer = await client.response();
  t.equal(answer.status, 200);
  t.equal(answer.body, "waited");
  t.equal(answer.header("connection"), "close");
  t.equal(await client.readToEnd(), "", "then FIN");
  t.equal(client.state, "ended");
  client.end();
  t.strictSame(await stopped, { graceful: true, destroyed: 0 });
  t.equal(server.listeners[0]?.state, "stopped");
});

t.test("an idle connection is closed by FIN once it was quiet for drainQuietMs", async (t) => {
  const { server, connect } = await startLifecycle(t, { drainQuietMs: 400 });
  const [used, fresh] = [await connect(), await connect()];
  await used.request(get());
  const stopped = server.stopListener("default", { deadlineMs: 60_000 });
  const took = await elapsed(async () => {
    t.equal(await used.readToEnd(), "");
    t.equal(await fresh.readToEnd(), "");
  });
  t.equal(used.state, "ended", "no reset");
  t.ok(took >= 350, `after ${took} ms`);
  used.end();
  fresh.end();
  t.strictSame(await stopped, { graceful: true, destroyed: 0 });
});

t.test("a request that arrives during the drain is answered with close", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { drainQuietMs: 5000 });
  const [busy, idle] = [await connect(), await connect()];
  await idle.request(get());
  busy.write(get("/wait"));
  await gate.arrived();
  const stopped = server.stopListener("default");
  const answer = await idle.request(get());
  t.equal(answer.status, 200);
  t.equal(answer.header("connection"), "close");
  t.equal(await idle.readToEnd(), "");
  idle.end();
  gate.open();
  t.equal((await busy.response()).header("connection"), "close");
  busy.end();
  t.strictSame(await stopped, { graceful: true, destroyed: 0 });
});

t.test("a half-received head may be completed during the drain", async (t) => {
  const { server, connect } = await startLifecycle(t);
  const client = await connect();
  client.write("GET / HTTP/1.1\r\nHo");
  await until("its bytes", () => server.stats().listeners[0]!.bytesIn > 0);
  const stopped = server.stopListener("default");
  client.write("st: a\r\n\r\n");
  const answer = await client.response();
  t.equal(answer.status, 200);
  t.equal(answer.header("connection"), "close");
  client.end();
  t.match(await stopped, { graceful: true });
});

t.test("a stream in flight is written to its end", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  const client = await connect();
  client.write(get("/stream"));
  await client.readUntil("first ");
  await gate.arrived();
  const stopped = server.stopListener("default");
  gate.open();
  t.match(await client.readToEnd(), /second\r\n0\r\n\r\n$/);
  client.end();
  t.strictSame(await stopped, { graceful: true, destroyed: 0 });
});

t.test("what is connected but not yet accepted is served", async (t) => {
  const { server, connect } = await startLifecycle(t);
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect()));
  for (const client of clients) client.write(get());
  const stopped = server.stopListener("default");
  for (const client of clients) {
    const answer = await client.response();
    t.equal(answer.status, 200);
    client.end();
  }
  t.match(await stopped, { graceful: true });
});

t.test("beyond the deadline the rest is destroyed and counted", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { deadlineMs: 60_000 });
  const clients = [await connect(), await connect()];
  for (const client of clients) client.write(get("/wait"));
  await gate.arrived(2);
  const took = await elapsed(async () => {
    const stopped = server.stopListener("default", { deadlineMs: 300 });
    const result = await within("the stop's own deadline", stopped);
    t.strictSame(result, { graceful: false, destroyed: 2 });
  });
  t.ok(took >= 295, `after ${took} ms`);
  for (const client of clients) await until("its end", () => client.state !== "open");
  t.equal(server.stats().listeners[0]?.connections, 0);
});

t.test("force destroys at once, and may follow a graceful stop", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { ids: ["a", "b"] });
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const graceful = server.stopListener("a");
  const forced = server.stopListener("a", { force: true });
  t.strictSame(await forced, { graceful: false, destroyed: 1 });
  t.strictSame(await graceful, { graceful: false, destroyed: 1 }, "both tell the same");
  await until("the client's end", () => client.state !== "open");
  t.equal(server.listeners[1]?.state, "listening");
});

for (const how of ["the deadline", "force"]) {
  t.test(`${how} resets nobody who is still sending`, async (t) => {
    const { server, gate, connect } = await startLifecycle(t, { deadlineMs: 60_000 });
    const [dripping, uploading] = [await connect(), await connect()];
    const errors: unknown[] = [];
    const ends = [dripping, uploading].map(async ({ socket }) => {
      socket.on("error", (error) => errors.push(error)).on("end", () => socket.end());
      await once(socket, "close");
    });
    dripping.write("GET / HTTP/1.1\r\nHos");
    const drip = setInterval(() => dripping.write("t"), 1);
    dripping.socket.prependListener("end", () => clearInterval(drip));
    const bytes = 1_000_000;
    uploading.write(`POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * bytes}\r\n\r\n`);
    await gate.arrived();
    uploading.write(Buffer.alloc(bytes)); // which nobody reads
    const stopped = server.stopListener("default", how === "force" ? { force: true } : {
      deadlineMs: 50,
    });
    t.strictSame(await within("the stop", stopped), { graceful: false, destroyed: 2 });
    await within("the ends", Promise.all(ends));
    t.strictSame(errors, []);
  });
}

t.test("the phases of a stop are told", async (t) => {
  const { server, gate, connect } = await startLifecycle(t);
  const phases: unknown[] = [];
  server.events.on("stopping", (detail) => phases.push(detail));
  server.events.on("stopped", (detail) => phases.push(detail));
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  await server.stopListener("default", { deadlineMs: 50 });
  t.match(phases, [
    { id: "default", state: "stopping", phase: "accepting", connections: 1 },
    {
      id: "default", state: "stopping", phase: "requests", connections: 1,
      workers: [{ id: 1, connections: 1 }],
    },
    { id: "default", state: "stopping", phase: "destroying", connections: 1 },
    { id: "default", state: "stopped" },
  ]);
});

t.test("waitUntil delays the end of the worker, not that of the listener", async (t) => {
  const { server, gate, connect, notes } = await startLifecycle(t);
  const client = await connect();
  t.equal((await client.request(get("/after"))).body, "answered");
  client.end();
  const closed = server.close();
  await until("the stop", () => server.listeners[0]?.state === "stopped");
  t.strictSame(notes(), ["init"]);
  gate.open();
  await closed;
  t.strictSame(notes(), ["init", "after", "object close", "close"]);
});

t.test("with workers: 0 it is the same", async (t) => {
  const { server, gate, connect } = await startLifecycle(t, { workers: 0 });
  const [busy, idle] = [await connect(), await connect()];
  await idle.request(get());
  busy.write(get("/wait"));
  await gate.arrived();
  const closed = server.close();
  t.equal(await idle.readToEnd(), "");
  idle.end();
  gate.open();
  t.equal((await busy.response()).header("connection"), "close");
  busy.end();
  await closed;
});
