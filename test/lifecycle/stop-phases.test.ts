/** Tests of what goes wrong while a listener stops: in each phase a worker or the process dies. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { StopPhase } from "../../src/shared/app.ts";
import { startChild } from "../support/child.ts";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { connectMany, get, startLifecycle } from "../support/lifecycle.ts";
import { ask, switched } from "../support/upgrades.ts";

const UPGRADE_APP = repositoryFile("dist/test/support/upgrade-app.js");

const PHASES: readonly StopPhase[] = ["accepting", "requests", "sockets", "destroying"];

for (const phase of PHASES) {
  t.test(`a worker dies in the phase ${phase}: the stop ends all the same`, async (t) => {
    const started = await startLifecycle(t, { ids: ["a", "b"], workers: 2 });
    const { server, gate, connectTo } = started;
    const [busy, killer] = [await connectTo("a"), await connectTo("b")];
    busy.write(get("/wait"));
    await gate.arrived();
    const idle = await connectMany(started, 6);
    let isKilled = false;
    server.events.on("stopping", (detail: { phase: StopPhase }) => {
      if (detail.phase !== phase || isKilled) return;
      isKilled = true;
      killer.write(get("/late-exit"));
    });
    const deadlineMs = phase === "destroying" ? 100 : 10_000;
    const stopped = server.stopListener("a", { deadlineMs });
    for (const client of idle) client.end();
    if (phase !== "destroying") {
      await until("the phase", () => isKilled || phase === "sockets");
      gate.open();
    }
    const result = await stopped;
    t.equal(result.destroyed, phase === "destroying" ? result.destroyed : 0);
    t.ok(isKilled, "the phase has come");
    t.equal(server.listeners[0]?.state, "stopped");
    await until("another worker", () => (
      server.stats().workers.filter(({ state }) => state === "serving").length === 2
    ));
    t.equal(server.stats().listeners[0]?.connections, 0, "none is counted any more");
    gate.open();
    await server.startListener("a");
    t.equal((await (await connectTo("a")).request(get())).status, 200, "it starts again");
  });
}

t.test("the process exits in the middle of a stop, without a reset or a core", async (t) => {
  const server = await startChild(t, { signals: true, drainQuietMs: 5000 });
  const [busy, idle] = [await server.connect(), await server.connect()];
  t.equal((await idle.request(get())).status, 200);
  busy.write(get("/wait"));
  await server.prints("at the gate");
  server.child.kill("SIGTERM");
  await server.prints("stopping requests");
  server.child.kill("SIGTERM"); // a second one forces
  await server.prints("stopping destroying");
  t.equal(await server.ended(), 0);
  const told = server.printed().match(/^(?:stopping .*|closed)$/gm);
  t.strictSame(told, ["stopping accepting", "stopping requests", "stopping destroying", "closed"]);
});

for (const phase of ["accepting", "sockets"] satisfies StopPhase[]) {
  for (const how of ["exits", "is forced"]) {
    t.test(`the process ${how} in the phase ${phase}, without a reset or a core`, async (t) => {
      const env = { CHILD_AT: phase, ...(how === "is forced" && { CHILD_SENDS: "SIGTERM" }) };
      const server = await startChild(t, { app: UPGRADE_APP, signals: true }, undefined, env);
      const [web, socket] = [await server.connect(), await server.connect()];
      web.socket.on("end", () => web.socket.end());
      web.write(get("/nothing"));
      await web.response();
      socket.write(ask("/up/stubborn"));
      await switched(socket);
      server.child.kill("SIGTERM");
      t.equal(await server.ended(), how === "exits" ? 3 : 0);
      const told = server.printed().match(/^(?:stopping .*|closed)$/gm)!;
      const last = how === "exits" ? [`stopping ${phase}`] : ["stopping destroying", "closed"];
      t.strictSame(told.slice(-last.length), last);
      for (const client of [web, socket]) {
        await until("its end", () => client.state !== "open");
        t.equal(client.state, "ended");
      }
    });
  }
}

for (const how of ["exits", "is forced"]) {
  t.test(`the process ${how} in the middle of a reload, without a reset or a core`, async (t) => {
    const log = join(ownFolder(t), "log");
    writeFileSync(log, "");
    const env = { LIFECYCLE_LOG: log, LIFECYCLE_AGAIN: "hang" };
    const server = await startChild(t, { signals: true, deadlineMs: 60_000 }, undefined, env);
    const client = await server.connect();
    t.equal((await client.request(get())).status, 200);
    server.child.kill("SIGHUP");
    const inits = (): number => readFileSync(log, "utf8").match(/^init$/gm)!.length;
    await until("the new generation", () => inits() === 2);
    t.equal((await client.request(get())).status, 200, "the old one serves");
    if (how === "exits") {
      server.child.kill("SIGWINCH");
    } else {
      server.child.kill("SIGTERM");
      await server.prints("stopping requests");
      server.child.kill("SIGTERM");
    }
    t.equal(await server.ended(), how === "exits" ? 3 : 0);
    t.notMatch(server.printed(), "reload 2");
    await until("its end", () => client.state !== "open");
    t.equal(client.state, "ended");
  });
}

t.test("a listener that has failed for good can be stopped, removed and started", async (t) => {
  const { server, port } = await startLifecycle(t, { ids: ["a", "b"] });
  await server.stopListener("a");
  const { createServer } = await import("node:net");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  await t.rejects(server.startListener("a"), { code: "ERR_MILLRACE_BIND" });
  t.equal(server.listeners[0]?.state, "failed");
  t.strictSame(await server.stopListener("a"), { graceful: true, destroyed: 0 });
  t.equal(server.listeners[0]?.state, "stopped");
  await new Promise((resolve) => other.close(resolve));
  await server.startListener("a");
  t.equal(server.listeners[0]?.state, "listening");
  await server.removeListener("a");
  t.equal(server.listeners.length, 1);
});
