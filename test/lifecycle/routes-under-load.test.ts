/**
 * Tables of routes that change while keep-alive connections are busy on two workers: every answer
 * is from one table, none is lost, and a request that is sent after a change sees it.
 */
import t from "tap";
import type { RouteRow } from "../../src/shared/routes.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import type { RawClient } from "../support/raw-client.ts";

const FLIPS = 200;
const CLIENTS = 8;

// Of each table: a constant, a handler without parameters, one with a parameter, and one that
// answers later. What an answer says of its table must be the same for the whole table.
const APP = `
  const wait = () => new Promise((done) => setTimeout(done, 1));
  const handlers = {};
  for (const name of ["red", "blue"]) {
    handlers[name + "-fixed"] = new Response(name);
    handlers[name + "-bare"] = name === "red"
      ? () => new Response("red")
      : () => new Response("blue");
    handlers[name + "-param"] = ({ params }) => new Response(params[name] === "7" ? name : "wrong");
    handlers[name + "-late"] = async () => { await wait(); return new Response(name); };
  }
  export default { handlers, fetch: () => new Response("neither", { status: 404 }) };
`;
const PATHS = ["/fixed", "/bare", "/param/7", "/late"];

function tableOf(name: string): RouteRow[] {
  return [
    { pattern: "/fixed", handler: `${name}-fixed` },
    { pattern: "/bare", handler: `${name}-bare` },
    { pattern: `/param/:${name}`, handler: `${name}-param` },
    { pattern: "/late", handler: `${name}-late` },
    { pattern: `/${name}`, handler: `${name}-fixed` },
  ];
}

async function ask(client: RawClient, path: string): Promise<string> {
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return (await client.response()).body;
}

async function startTraffic(server: TestServer): Promise<{ end(): Promise<Map<string, number>> }> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
  const answers = new Map<string, number>();
  const over = new AbortController();
  const running = clients.map(async (client, at) => {
    for (let i = at; !over.signal.aborted; i++) {
      const body = await ask(client, PATHS[i % PATHS.length]!);
      answers.set(body, (answers.get(body) ?? 0) + 1);
    }
  });
  return {
    async end() {
      over.abort();
      await Promise.all(running);
      return answers;
    },
  };
}

t.test("a table is replaced 200 times under load", async (t) => {
  const server = await startApp(t, APP, { workers: 2 });
  const probes = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
  await server.server.setRoutes(tableOf("red"));
  const traffic = await startTraffic(server);
  let wrong = 0;
  for (let flip = 0; flip < FLIPS; flip++) {
    const [name, other] = flip % 2 === 0 ? ["blue", "red"] : ["red", "blue"];
    await server.server.setRoutes(tableOf(name));
    // Two connections for each worker: what they ask now is answered by the new table alone.
    const paths = [...PATHS, `/${name}`, `/${other}`];
    const answers = await Promise.all(probes.map(async (probe) => {
      const bodies: string[] = [];
      for (const path of paths) bodies.push(await ask(probe, path));
      return bodies;
    }));
    const wanted = [...PATHS.map(() => name), name, "neither"].join();
    wrong += answers.filter((bodies) => bodies.join() !== wanted).length;
  }
  const answers = await traffic.end();
  t.equal(wrong, 0, "after a change nobody is answered by the table before it");
  t.strictSame([...answers.keys()].toSorted(), ["blue", "red"], "every answer is from one table");
  const { workers } = server.server.stats();
  t.ok(workers.every(({ requests }) => requests > FLIPS), "both workers were busy");
  t.ok(workers.every(({ connections }) => connections === (CLIENTS + 4) / 2));
});

t.test("rows are disabled, enabled and removed under load", async (t) => {
  const server = await startApp(t, APP, { workers: 2 });
  const probes = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
  await server.server.setRoutes([
    ...tableOf("red"), ...tableOf("blue"),
  ]);
  const traffic = await startTraffic(server);
  const seen = async (path: string): Promise<string> => {
    const bodies = await Promise.all(probes.map((probe) => ask(probe, path)));
    return [...new Set(bodies)].join();
  };
  for (let round = 0; round < 20; round++) {
    for (const row of server.server.routes().filter(({ handler }) => handler.startsWith("red"))) {
      await server.server.disableRoute(row.id);
      if (row.pattern === "/late") t.equal(await seen("/late"), "blue");
    }
    t.equal(await seen("/fixed"), "blue");
    t.equal(await seen("/red"), "neither");
    for (const { id, disabled } of server.server.routes()) {
      if (disabled) await server.server.enableRoute(id);
    }
    t.equal(await seen("/fixed"), "red");
    const removed = server.server.routes().find(({ handler }) => handler === "red-late")!;
    t.match(await server.server.removeRoute(removed.id), { removed: 1, ended: true });
    t.equal(await seen("/late"), "blue");
    const { id, pattern, handler, position } = removed;
    await server.server.addRoute(pattern, { id, handler, position });
    t.equal(await seen("/late"), "red");
  }
  const answers = await traffic.end();
  t.strictSame([...answers.keys()].toSorted(), ["blue", "red"], "no request was without a route");
});
