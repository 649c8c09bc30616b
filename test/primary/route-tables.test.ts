/**
 * Tables of routes while a server runs: copies, changes that are whole or none in every worker, and
 * what workers get that come later.
 */
import { once } from "node:events";
import type { MessagePort } from "node:worker_threads";
import t from "tap";
import type { Test } from "tap";
import { RouteTables, type TablesHost } from "../../src/primary/route-tables.ts";
import { WorkerChannel } from "../../src/primary/worker-channel.ts";
import type { FromWorker, ToWorker } from "../../src/shared/messages.ts";
import type { TableFacts } from "../../src/shared/routes.ts";
import { until } from "../support/deadline.ts";
import { Gate } from "../support/gate.ts";
import { startApp } from "../support/server.ts";

const APP = `
  import { threadId } from "node:worker_threads";
  const text = (name) => () => new Response(name);
  const pass = async (context) => {
    const words = new Int32Array(context.listener.data);
    Atomics.add(words, 0, 1);
    while (Atomics.load(words, 1) === 0) await new Promise((done) => setTimeout(done, 2));
  };
  export default {
    handlers: {
      one: text("one"),
      two: text("two"),
      fixed: new Response("fixed"),
      other: new Response("other"),
      methods: { GET: text("got"), PUT: text("put") },
      waits: async (request, context) => { await pass(context); return new Response("waited"); },
      streams: (request, context) => new Response((async function* () {
        yield "a"; await pass(context); yield "b";
      })()),
      exits: () => process.exit(1),
      edit: async (request, { server }) => {
        const rows = await server.routes();
        await server.setRoutes([...rows, { pattern: "/edited", handler: "two" }]);
        await server.addRoute("/added", { handler: "one", id: "added" });
        await server.disableRoute("/edited");
        await server.enableRoute("/edited");
        const removed = await server.removeRoute("added");
        return Response.json({ before: rows.length, removed, after: await server.routes() });
      },
    },
    routes: {
      "/a": "one",
      "/own/:id": function named(request) { return new Response(request.params.id); },
      "/m": { GET: () => new Response("m"), POST: "two" },
      "/c": new Response("constant"),
      "/edit": "edit",
    },
    fetch: (request) => new Response("fetch " + threadId, { status: 404 }),
  };
`;

const RAW = "HTTP/1.1\r\nHost: a\r\n\r\n";

t.test("a table is read as copies that may be edited and given back", async (t) => {
  const { server, url } = await startApp(t, APP);
  const rows = server.routes();
  t.strictSame(rows[1], {
    id: "route-2", pattern: "/own/:id", methods: [], handler: "/own/:id",
    kind: "function", functionName: "named", disabled: false, position: 1,
  });
  t.match(rows.map(({ kind, handler, methods }) => [kind, handler, methods.join()]), [
    ["function", "one", ""], ["function", "/own/:id", ""], ["methods", "/m", "GET,POST"],
    ["constant", "/c", "GET,HEAD"], ["function", "edit", ""],
  ]);
  rows[0]!.pattern = "/changed";
  rows[2]!.methods.push("X");
  t.equal(server.routes()[0]?.pattern, "/a");
  t.strictSame(server.routes()[2]?.methods, ["GET", "POST"]);
  const answers = async (): Promise<string[]> => await Promise.all(
    ["/a", "/own/7", "/m", "/c"].map(async (path) => await (await fetch(url + path)).text()),
  );
  const before = await answers();
  const allowed = (await fetch(`${url}/c`, { method: "PUT" })).headers.get("allow");
  const first = server.routes();
  t.strictSame(await server.setRoutes(first), { stopped: null });
  t.strictSame(server.routes(), first, "given back, it is the same table");
  t.strictSame(await answers(), before);
  t.equal((await fetch(`${url}/c`, { method: "PUT" })).headers.get("allow"), allowed);
});

t.test("a change is in force everywhere when it has resolved, or nowhere", async (t) => {
  const { server, connect } = await startApp(t, APP, { workers: 2 });
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect()));
  const ask = async (path: string): Promise<string[]> => {
    for (const client of clients) client.write(`GET ${path} ${RAW}`);
    const answers = await Promise.all(clients.map((client) => client.response()));
    return [...new Set(answers.map(({ body }) => body.replace(/\d+$/, "")))];
  };
  for (let i = 0; i < 3; i++) t.strictSame(await ask("/c"), ["constant"]); // native answers by now
  await server.setRoutes([
    { pattern: "/c", handler: "other" },
    { pattern: "/n", handler: "/own/:id" },
    { pattern: "/a", handler: "two", method: "GET" },
  ]);
  for (let i = 0; i < 3; i++) t.strictSame(await ask("/c"), ["other"]);
  t.strictSame(await ask("/a"), ["two"]);
  t.strictSame(await ask("/m"), ["fetch "]);
  const table = server.routes();
  for (const [row, code, message] of [
    [{ pattern: "/x", handler: "none" }, "ERR_MILLRACE_HANDLER_UNKNOWN",
      /"\/x" \(row 2 of the routes\).*"none"/],
    [{ pattern: "x", handler: "one" }, "ERR_MILLRACE_ROUTE_INVALID", /Row 2.*"x": a pattern/],
    [{ pattern: "/m", handler: "methods", method: "POST" }, "ERR_MILLRACE_ROUTE_INVALID", /POST/],
    [{ pattern: "/m" } as never, "ERR_MILLRACE_ROUTE_INVALID", /Row 2.*handler/],
  ] as const) {
    const rows = [{ pattern: "/c", handler: "one" }, row];
    await t.rejects(server.setRoutes(rows), { code, message });
    t.strictSame(server.routes(), table);
    t.strictSame(await ask("/c"), ["other"]);
  }
  await server.setRoutes([{ pattern: "/c", handler: "one" }]);
  t.strictSame(await ask("/c"), ["one"], "a handler in the place of a constant");
});

t.test("rows are added at a place, disabled, and removed by pattern or id", async (t) => {
  const { server, url } = await startApp(t, APP);
  const ask = async (path: string): Promise<string> =>
    await (await fetch(url + path)).text();
  const first = { handler: "one", position: 0, method: "GET" };
  const added = await server.addRoute("/own/:other", first);
  t.match(added, { id: "route-6", position: 0, methods: ["GET"], handler: "one" });
  t.equal(await ask("/own/7"), "one", "of two that match alike the first one answers");
  await server.disableRoute(added.id);
  t.equal(await ask("/own/7"), "7");
  t.equal(server.routes()[0]?.disabled, true);
  await server.enableRoute("/own/:other");
  t.equal(await ask("/own/7"), "one");
  await server.addRoute("/own/:last", { handler: "two", id: "last" });
  t.match(server.routes().at(-1), { id: "last", pattern: "/own/:last" });
  const gone = { removed: 1, ended: true, stopped: null };
  t.strictSame(await server.removeRoute(added.id), gone);
  t.strictSame(await server.removeRoute("/own/:id"), gone);
  t.equal(await ask("/own/7"), "two");
  const unknown = { code: "ERR_MILLRACE_ROUTE_UNKNOWN", message: /"\/own\/:id"/ };
  await t.rejects(server.removeRoute("/own/:id"), unknown);
  await t.rejects(server.disableRoute("/own/:id"), unknown);
  const invalid = { code: "ERR_MILLRACE_ROUTE_INVALID" };
  await t.rejects(server.addRoute("/x", { handler: "one", id: "last" }), invalid);
  await t.rejects(server.addRoute("/x", { handler: "one", position: -2 }), invalid);
  await t.rejects(server.addRoute("/x", { handler: "one", position: 0.5 }), invalid);
  t.throws(() => server.routes("other"), { code: "ERR_MILLRACE_LISTENER_UNKNOWN" });
  const none = { code: "ERR_MILLRACE_ROUTE_UNKNOWN", message: /no routes of its own/ };
  t.throws(() => server.routes("default"), none);
  await t.rejects(server.setRoutes([], { listener: "default" }), none);
});

t.test("options that are no object are told with a code", async (t) => {
  const { server } = await startApp(t, APP);
  const before = server.routes();
  await t.rejects(server.addRoute("/x", undefined as never), {
    code: "ERR_MILLRACE_ROUTE_INVALID",
    message: /^The new row, "\/x": handler must be the name of one/,
  });
  const nothing = null as never;
  const calls: Record<string, () => Promise<unknown>> = {
    addRoute: () => server.addRoute("/x", nothing),
    setRoutes: () => server.setRoutes([], nothing),
    disableRoute: () => server.disableRoute("/a", nothing),
    enableRoute: () => server.enableRoute("/a", nothing),
  };
  for (const [name, call] of Object.entries(calls)) {
    const message = `${name}: its options must be an object, not null`;
    await t.rejects(call, { code: "ERR_MILLRACE_OPTION_INVALID", message });
  }
  t.strictSame(server.routes(), before);
});

t.test("removal waits for running requests on every worker, unless it is forced", async (t) => {
  for (const handler of ["waits", "streams"]) {
    const gate = new Gate();
    const { server, connect } = await startApp(t, APP, {
      workers: 2, listeners: [{ host: "127.0.0.1", port: 0, data: gate.buffer }],
    });
    await server.addRoute("/w", { handler, id: "first" });
    await server.addRoute("/v", { handler });
    const clients = await Promise.all([connect(), connect(), connect()]);
    clients[0].write(`GET /w ${RAW}`);
    clients[1].write(`GET /w ${RAW}`);
    clients[2].write(`GET /v ${RAW}`);
    await gate.arrived(3);
    t.strictSame(await server.removeRoute("/v", { force: true }), {
      removed: 1, ended: false, stopped: null,
    });
    let isOver = false;
    const removing = server.removeRoute("first").finally(() => (isOver = true));
    await until("it has left the table", () => server.routes().every(({ id }) => id !== "first"));
    const later = await connect();
    later.write(`GET /w ${RAW}`);
    t.equal((await later.response()).status, 404, "new requests do not come to it");
    t.equal(isOver, false);
    gate.open();
    t.match(await removing, { removed: 1, ended: true });
    const bodies = await Promise.all(clients.map(async (client) => (await client.response()).body));
    t.strictSame(new Set(bodies).size, 1, `${handler}: running requests have their answers`);
  }
});

t.test("removal does not wait longer than its deadline", async (t) => {
  const gate = new Gate();
  const { server, connect } = await startApp(t, APP, {
    listeners: [{ host: "127.0.0.1", port: 0, data: gate.buffer }],
  });
  await server.addRoute("/w", { handler: "waits" });
  const client = await connect();
  client.write(`GET /w ${RAW}`);
  await gate.arrived();
  await t.rejects(server.removeRoute("/w", { forse: true } as object), {
    code: "ERR_MILLRACE_OPTION_UNKNOWN", message: /did you mean force/,
  });
  t.match(await server.removeRoute("/w", { deadlineMs: 30 }), { ended: false });
  gate.open();
  t.equal((await client.response()).body, "waited");
});

t.test("a worker that takes the place of a dead one has the table as it is", async (t) => {
  const { server, url } = await startApp(t, APP);
  await server.setRoutes([
    { pattern: "/now", handler: "fixed" },
    { pattern: "/exit", handler: "exits" },
  ]);
  for (let round = 0; round < 3; round++) {
    const replaced = once(server.events, "workerStart");
    t.equal((await fetch(`${url}/exit`)).status, 500);
    await replaced;
    t.equal(await (await fetch(`${url}/now`)).text(), "fixed");
    t.equal((await fetch(`${url}/a`)).status, 404);
  }
});

t.test("workers that are added have it, and after a reload the app's own counts", async (t) => {
  const { server, connect, url } = await startApp(t, APP);
  await server.setRoutes([{ pattern: "/now", handler: "fixed" }]);
  await server.scale(3);
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect()));
  for (const client of clients) {
    client.write(`GET /now ${RAW}`);
    t.equal((await client.response()).body, "fixed");
  }
  await server.reload();
  t.equal(server.routes().length, 5);
  t.equal((await fetch(`${url}/now`)).status, 404);
  t.equal(await (await fetch(`${url}/a`)).text(), "one");
  await server.setRoutes([{ pattern: "/a", handler: "two" }]);
  t.equal(await (await fetch(`${url}/a`)).text(), "two");
});

t.test("handlers have the same calls", async (t) => {
  for (const workers of [0, 1]) {
    const { url } = await startApp(t, APP, { workers });
    const { before, removed, after } = (await (await fetch(`${url}/edit`)).json()) as {
      before: number; removed: unknown; after: { pattern: string }[];
    };
    t.equal(before, 5);
    t.strictSame(removed, { removed: 1, ended: true, stopped: null });
    t.strictSame(after.map(({ pattern }) => pattern).slice(-2), ["/edit", "/edited"]);
    t.equal(await (await fetch(`${url}/edited`)).text(), "two");
  }
});

t.test("what routes are counted under follows the table", async (t) => {
  const { server, url } = await startApp(t, APP, { metrics: true });
  const count = async (route: string): Promise<string | undefined> => {
    const { text } = await server.metrics();
    const line = new RegExp(`duration_seconds_count\\{[^}]*http_route="${route}"[^}]*\\} (\\d+)`);
    return line.exec(text)?.[1];
  };
  for (let i = 0; i < 5; i++) await (await fetch(`${url}/c`)).text();
  await server.setRoutes([
    { pattern: "/c", handler: "other" }, { pattern: "/new", handler: "one" },
  ]);
  for (let i = 0; i < 3; i++) await (await fetch(`${url}/c`)).text();
  for (let i = 0; i < 2; i++) await (await fetch(`${url}/new`)).text();
  t.equal(await count("/c"), "8", "what native had answered before is not lost");
  t.equal(await count("/new"), "2");
});

// From here on without threads: the other end of each channel is the test.

const FACTS: TableFacts = {
  table: 0,
  rows: [{ id: "route-1", pattern: "/a", methods: [], handler: "h", disabled: false }],
  handlers: { h: { kind: "function", methods: [], functionName: "h" } },
  hasFetch: false,
};

interface Peer {
  readonly channel: WorkerChannel;
  readonly received: ToWorker[];
  /** Answers each message; unless told otherwise with an acknowledgement. */
  answer: (message: ToWorker & { id: number }) => FromWorker | null;
}

function peer(t: Test, id: number, generation = 1): Peer {
  const channel = new WorkerChannel(id, id, generation, async () => undefined);
  const port: MessagePort = channel.workerPort;
  const made: Peer = { channel, received: [], answer: ({ id }) => ({ type: "ack", id }) };
  port.on("message", (message: ToWorker & { id: number }) => {
    made.received.push(message);
    const reply = made.answer(message);
    if (reply !== null) port.postMessage(reply);
  });
  port.postMessage({ type: "ready", threadId: id, routes: [], tables: [FACTS] });
  t.teardown(() => {
    channel.close(new Error("over"));
    port.close();
  });
  return made;
}

function tablesOf(peers: readonly Peer[], generation: () => number = () => 1): RouteTables {
  const host: TablesHost = {
    generation,
    deadlineMs: 50,
    controlTimeoutMs: 1000,
    initTimeoutMs: 1500,
    hasOwnRoutes: () => true,
    channels: () => peers.map(({ channel }) => channel),
    routeOf: ({ id }) => `/of-${id}`,
    listenerIndex: () => 0,
    stopListener: (key) => key,
  };
  return new RouteTables(host);
}

const stepsOf = ({ received }: Peer): string[] => received.map((message) =>
  message.type === "routes" ? `${message.step.kind} ${message.version}` : message.type);

t.test("what one worker refuses is committed in none", async (t) => {
  const peers = [peer(t, 1), peer(t, 2)];
  await Promise.all(peers.map(({ channel }) => channel.ready));
  const tables = tablesOf(peers);
  const error = { name: "Error", message: "no", code: "ERR_MILLRACE_ROUTE_INVALID" };
  peers[1]!.answer = ({ id }) => ({ type: "ack", id, error });
  const rows = [{ pattern: "/b", handler: "h" }];
  await t.rejects(tables.replace(rows), { code: error.code, message: "no" });
  t.strictSame(peers.map(stepsOf), [["prepare 1"], ["prepare 1"]]);
  t.match(tables.read(), [{ pattern: "/a" }]);
  t.strictSame(tables.taskOf(peers[0]!.channel), {});
  peers[1]!.answer = ({ id }) => ({ type: "ack", id });
  await tables.replace(rows);
  t.strictSame(peers.map((each) => stepsOf(each).slice(1)), [
    ["prepare 2", "commit 2"], ["prepare 2", "commit 2"],
  ]);
  t.match(tables.taskOf(peers[0]!.channel), { 0: [{ pattern: "/b" }] });
});

t.test("a worker that does not answer is named", async (t) => {
  const peers = [peer(t, 1), peer(t, 2)];
  await Promise.all(peers.map(({ channel }) => channel.ready));
  const tables = tablesOf(peers);
  const code = "ERR_MILLRACE_CONTROL_TIMEOUT";
  peers[1]!.answer = () => null;
  const late = /"routes" within 1000 ms by worker 2 \(in the route "\/of-2"\): .* as they were$/;
  const workers = [{ id: 2, route: "/of-2" }];
  await t.rejects(tables.replace([]), { code, message: late, workers });
  t.equal(tables.read().length, 1);
  peers[1]!.answer = (message) => (
    message.type === "routes" && message.step.kind === "commit"
      ? null
      : { type: "ack", id: message.id }
  );
  await t.rejects(tables.replace([]), { code, message: /worker 2 .* in force elsewhere/, workers });
  t.equal(tables.read().length, 0, "it cannot be taken back");
});

t.test("a worker whose task is older than a change gets it before it serves", async (t) => {
  const peers = [peer(t, 1)];
  await peers[0]!.channel.ready;
  const tables = tablesOf(peers);
  const late = peer(t, 2);
  t.strictSame(tables.taskOf(late.channel), {});
  await tables.admit(late.channel);
  t.strictSame(late.received, [], "nothing has changed");
  await tables.replace([{ pattern: "/b", handler: "h" }]);
  await tables.admit(late.channel);
  t.strictSame(stepsOf(late), ["prepare 1", "commit 1"]);
  const next = peer(t, 3);
  tables.taskOf(next.channel);
  await tables.admit(next.channel);
  t.strictSame(next.received, [], "its task had it");
});

t.test("one that joins and does not answer holds up changes only so long", async (t) => {
  const peers = [peer(t, 1)];
  await peers[0]!.channel.ready;
  const tables = tablesOf(peers);
  const late = peer(t, 2);
  await tables.replace([]);
  late.answer = () => null;
  const admitted = tables.admit(late.channel);
  const changed = tables.replace([{ pattern: "/c", handler: "h" }]);
  await t.rejects(admitted, {
    code: "ERR_MILLRACE_CONTROL_TIMEOUT",
    message: /"routes" within 1500 ms by worker 2 .*: it cannot serve$/,
  });
  await changed;
  t.strictSame(stepsOf(peers[0]!).slice(2), ["prepare 2", "commit 2"]);
  t.strictSame(stepsOf(late), ["prepare 1"]);
});

t.test("changes have their turn, and a worker that joins meanwhile waits for it", async (t) => {
  const peers = [peer(t, 1)];
  await peers[0]!.channel.ready;
  const tables = tablesOf(peers);
  const late = peer(t, 2);
  tables.taskOf(late.channel);
  const both = [tables.replace([]), tables.replace([{ pattern: "/c", handler: "h" }])];
  await tables.admit(late.channel);
  await Promise.all(both);
  t.strictSame(stepsOf(peers[0]!), ["prepare 1", "commit 1", "prepare 2", "commit 2"]);
  t.strictSame(stepsOf(late), ["prepare 2", "commit 2"]);
});

t.test("a new generation begins with the tables of its app", async (t) => {
  const peers = [peer(t, 1), peer(t, 2, 2)];
  await Promise.all(peers.map(({ channel }) => channel.ready));
  let generation = 1;
  const tables = tablesOf(peers, () => generation);
  await tables.replace([]);
  t.strictSame(stepsOf(peers[1]!), [], "who is of another generation is not asked");
  t.strictSame(tables.taskOf(peers[1]!.channel), {});
  generation = 2;
  t.match(tables.read(), [{ pattern: "/a" }]);
  t.strictSame(tables.taskOf(peers[1]!.channel), {});
  await tables.admit(peers[1]!.channel);
  await tables.replace([]);
  t.strictSame(stepsOf(peers[0]!), ["prepare 1", "commit 1"]);
  t.strictSame(stepsOf(peers[1]!), ["prepare 2", "commit 2"]);
});

t.test("a listener that is removed takes its table along", async (t) => {
  const one = peer(t, 1);
  await one.channel.ready;
  for (const table of [0, 1]) one.channel.tables.set(table, { ...FACTS, table });
  const tables = tablesOf([one]);
  await tables.replace([], { listener: "it" });
  t.match(tables.taskOf(one.channel), { 1: [] });
  tables.forget(0);
  t.throws(() => tables.read("it"), { code: "ERR_MILLRACE_ROUTE_UNKNOWN" });
  t.strictSame(tables.taskOf(one.channel), {});
  t.equal(tables.read().length, 1);
});

t.test("before any worker has loaded the app there is no table", async (t) => {
  const tables = tablesOf([]);
  const code = "ERR_MILLRACE_ROUTE_UNKNOWN";
  t.throws(() => tables.read(), { code });
  await t.rejects(tables.replace([]), { code });
});
