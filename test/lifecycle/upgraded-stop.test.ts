/** Stops and sockets that have left HTTP: who is asked, who goes on, what is waited for. */
import t from "tap";
import type { RunningListener, StopPhase } from "../../src/index.ts";
import { until } from "../support/deadline.ts";
import { ask, startUpgrades, switched } from "../support/upgrades.ts";

const LONG_MS = 60_000;

t.test("a stop of a listener asks its handlers, tells its sockets, and waits", async (t) => {
  const server = await startUpgrades(t, { ids: ["web", "admin"], workers: 2 });
  const phases: (StopPhase | null)[] = [];
  server.server.events.on("stopping", ({ phase }: RunningListener) => phases.push(phase));
  const web = [await server.open("polite"), await server.open("polite")];
  const admin = await server.open("polite", "admin");
  const echo = await server.open("echo", "admin");
  const idle = await server.connect();
  t.equal((await idle.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status, 200);
  const result = await server.server.stopListener("web", { deadlineMs: LONG_MS });
  t.strictSame(result, { graceful: true, destroyed: 0 });
  t.strictSame(phases, ["accepting", "requests", "sockets"]);
  for (const client of web) t.equal(await client.readToEnd(), "bye", "it could still write");
  const notes = server.notes();
  const asked = notes.filter((line) => line.startsWith("stop"));
  t.strictSame(new Set(asked), new Set(["stop polite web"]), "with the id, and nobody else");
  t.ok(asked.length >= 1 && asked.length <= 2, "once on each worker that has any");
  t.equal(notes.filter((line) => line === "polite signal web").length, 2);
  t.notOk(notes.includes("polite signal admin"));
  echo.write("on");
  t.equal((await echo.read(2)).toString(), "on", "another listener goes on");
  t.equal(admin.state, "open");
  await server.server.startListener("web");
  const again = await server.open("polite");
  t.equal(again.state, "open", "the handler can be used again");
});

t.test("without a socket there a handler is not asked", async (t) => {
  const server = await startUpgrades(t, { ids: ["web", "admin"] });
  const admin = await server.open("polite", "admin");
  const gone = await server.open("echo", "web");
  gone.end();
  await server.noted("echo end web");
  await server.server.stopListener("web");
  t.notOk(server.notes().some((line) => line.startsWith("stop")));
  t.equal(admin.state, "open");
});

t.test("requests in flight end before handlers of sockets are asked", async (t) => {
  const server = await startUpgrades(t);
  const socket = await server.open("polite");
  const waiting = await server.connect();
  waiting.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.gate.arrived();
  const stopped = server.server.stopListener("web", { deadlineMs: LONG_MS });
  await until("phase 2", () => server.server.running().listeners[0]?.phase === "requests");
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.notOk(server.notes().some((line) => line.startsWith("stop")));
  t.equal(socket.pending, "");
  server.gate.open();
  t.equal((await waiting.response()).body, "waited");
  t.match(await stopped, { graceful: true });
  t.equal(await socket.readToEnd(), "bye");
});

t.test("who does not end is destroyed at the deadline", async (t) => {
  const server = await startUpgrades(t);
  const clients = [await server.open("stubborn"), await server.open("stubborn")];
  const result = await server.server.stopListener("web", { deadlineMs: 2000 });
  t.strictSame(result, { graceful: false, destroyed: 2 });
  for (const client of clients) await until("its end", () => client.state !== "open");
  t.equal(server.notes().filter((line) => line === "stop stubborn web").length, 1);
  await server.noted("stubborn end web", 2);
  t.match(server.server.stats().listeners[0], { connections: 0, upgraded: 0 });
});

t.test("force at any time", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("stubborn");
  const stopped = server.server.stopListener("web", { deadlineMs: LONG_MS });
  await server.noted("stop stubborn web");
  t.strictSame(server.server.running().listeners[0]?.phase, "sockets");
  void server.server.stopListener("web", { force: true });
  t.strictSame(await stopped, { graceful: false, destroyed: 1 });
  await until("its end", () => client.state !== "open");
  await server.server.startListener("web");
  const other = await server.open("polite");
  await server.server.stopListener("web", { force: true });
  await until("its end", () => other.state !== "open");
  await server.noted("polite signal web");
});

t.test("a stop that throws is logged and stops no other", async (t) => {
  const server = await startUpgrades(t);
  const clients = [await server.open("failing"), await server.open("polite")];
  t.match(await server.server.stopListener("web", { deadlineMs: LONG_MS }), { graceful: true });
  t.equal(await clients[0]!.readToEnd(), "");
  t.equal(await clients[1]!.readToEnd(), "bye");
});

t.test("a handler that is done late holds the stop", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.open("slow");
  await server.gate.arrived();
  client.close();
  await until("its connection", () => server.server.stats().listeners[0]!.connections === 0);
  let isOver = false;
  const stopped = server.server.stopListener("web", { deadlineMs: LONG_MS });
  void stopped.then(() => (isOver = true));
  await server.noted("stop slow web");
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(isOver, false, "start has not settled");
  server.gate.open();
  t.match(await stopped, { graceful: true });
});

t.test("no 101 while the listener stops: before its turn and in it", async (t) => {
  for (const path of ["/late/echo", "/early/echo"]) {
    const server = await startUpgrades(t);
    const client = await server.connect();
    client.write(ask(path));
    await server.gate.arrived();
    const stopped = server.server.stopListener("web", { deadlineMs: LONG_MS });
    await until("phase 2", () => server.server.running().listeners[0]?.phase === "requests");
    await new Promise((resolve) => setTimeout(resolve, 50)); // the workers have heard of it
    server.gate.open();
    const answer = await client.response();
    t.equal(answer.status, 503, path);
    t.equal(answer.header("connection"), "close");
    t.equal(await client.readToEnd(), "");
    t.match(await stopped, { graceful: true, destroyed: 0 });
    t.strictSame(server.notes(), [], "nothing has started");
    await server.server.startListener("web");
    const again = await server.connect();
    again.write(ask("/up/echo"));
    await switched(again);
  }
});

t.test("upgrades that race with a stop are switched or refused, never cut", async (t) => {
  const server = await startUpgrades(t, { workers: 2 });
  for (let round = 0; round < 5; round++) {
    const clients = await Promise.all(Array.from({ length: 40 }, () => server.connect()));
    const stopping = new Promise<unknown>((resolve) => {
      setTimeout(() => resolve(server.server.stopListener("web", { deadlineMs: LONG_MS })), round);
    });
    for (const [at, client] of clients.entries()) {
      client.write(ask("/up/polite"));
      if (at % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    t.strictSame(await stopping, { graceful: true, destroyed: 0 });
    const answers = await Promise.all(clients.map((client) => client.readToEnd()));
    const kinds = answers.map((answer) => {
      if (/^HTTP\/1\.1 101 [^]*\r\n\r\nbye$/.test(answer)) return "served";
      if (/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/.test(answer)) return "refused";
      return answer === "" ? "not asked" : answer;
    });
    t.strictSame(kinds.filter((kind) => !/^(served|refused|not asked)$/.test(kind)), []);
    await server.server.startListener("web");
  }
});

t.test("a handler that is stopped for good by the removal of its route", async (t) => {
  const server = await startUpgrades(t, { ids: ["web", "admin"] });
  const path = ask("/removable");
  const clients = [await server.connectTo("web"), await server.connectTo("admin")];
  for (const client of clients) {
    client.write(path);
    await switched(client);
  }
  const echo = await server.open("echo");
  const { removed } = await server.server.removeRoute("/removable");
  t.equal(removed, 1);
  for (const client of clients) t.equal(await client.readToEnd(), "bye", "on each listener");
  t.equal(server.notes().filter((line) => line === "stop polite").length, 1, "without an id");
  echo.write("on");
  t.equal((await echo.read(2)).toString(), "on");
  const late = await server.connect();
  late.write(ask("/up/polite"));
  const answer = await late.response();
  t.equal(answer.status, 503, "it takes none any more");
});

for (const workers of [0, 2]) {
  t.test(`close() of a server with ${workers} workers waits for its sockets`, async (t) => {
    const server = await startUpgrades(t, { ids: ["web", "admin"], workers });
    const clients = [await server.open("polite"), await server.open("polite", "admin")];
    await server.server.close({ deadlineMs: LONG_MS });
    for (const client of clients) t.equal(await client.readToEnd(), "bye");
  });
}
