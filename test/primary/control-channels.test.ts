/** Tests of what is told to all workers: nobody is left out, and a dead one is not waited for. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { connectMany, get, startLifecycle } from "../support/lifecycle.ts";

t.test("a stop reaches the workers of every generation", async (t) => {
  const started = await startLifecycle(t, { workers: 2 });
  const { server, gate, connect } = started;
  const client = await connect();
  client.write(get("/wait"));
  await gate.arrived();
  const idle = await connectMany(started, 4);
  await server.reload();
  t.ok(server.stats().workers.some(({ generation }) => generation === 1), "one still works");
  const stopped = server.stopListener("default");
  for (const each of idle) {
    t.equal(await each.readToEnd(), "");
    each.end();
  }
  await until("the last one", () => {
    const [listener] = server.running().listeners;
    return listener?.connections === 1 && listener.workers.length === 1;
  });
  gate.open();
  t.equal((await client.response()).header("connection"), "close");
  client.end();
  t.match(await stopped, { graceful: true });
});

t.test("a listener that is added during a reload is known to both generations", async (t) => {
  const { server } = await startLifecycle(t, { workers: 2 });
  const reloaded = server.reload();
  const added = await server.addListener({ id: "x", host: "127.0.0.1", port: 0 });
  t.equal(await (await fetch(added.url)).text(), "hello");
  await reloaded;
  for (let i = 0; i < 4; i++) t.equal(await (await fetch(added.url)).text(), "hello");
});
