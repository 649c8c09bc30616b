/** Listeners with an app or routes of their own: served by nothing else, and never mixed up. */
import t from "tap";
import type { Test } from "tap";
import type { ServeOptions } from "../../src/options.ts";
import type { Server } from "../../src/shared/server.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { startApp, writeApp } from "../support/server.ts";

const MAIN = `
  const note = (worker, text) => worker.log.info(text);
  export default {
    handlers: { named: () => new Response("named"), failing: () => { throw new Error("x"); } },
    routes: {
      "/same": new Response("main constant"),
      "/bare": () => new Response("main bare"),
      "/main": () => new Response("main only"),
    },
    fetch: () => new Response("main fetch"),
    error: () => new Response("main error", { status: 500 }),
  };
`;
const ADMIN = `
  let inits = 0;
  export default {
    routes: {
      "/same": () => new Response("admin handler"),
      "/bare": new Response("admin constant"),
      "/inits": () => new Response(String(inits)),
      "/fail": () => { throw new Error("x"); },
    },
    init() { inits++; },
    error: () => new Response("admin error", { status: 500 }),
  };
`;

async function start(
  t: Test,
  listeners: NonNullable<ServeOptions["listeners"]>,
  rest: Partial<ServeOptions> = {},
): Promise<{ server: Server; ask(id: string, path: string): Promise<string> }> {
  const all = listeners.map((each) => ({ host: "127.0.0.1", port: 0, ...each }));
  const { server } = await startApp(t, MAIN, { ...rest, listeners: all });
  const clients = new Map<string, RawClient>();
  return {
    server,
    async ask(id, path) {
      let client = clients.get(id);
      if (client === undefined) {
        const { host, port } = server.listeners.find((each) => each.id === id)!;
        clients.set(id, (client = await connectRaw({ host, port })));
        t.teardown(() => client?.close());
      }
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return (await client.response()).body;
    },
  };
}

t.test("a path that two apps have is answered by the listener's own", async (t) => {
  const app = writeApp(t, ADMIN);
  for (const workers of [0, 2]) {
    const { ask } = await start(t, [{ id: "web" }, { id: "admin", app }, { id: "too" }], {
      workers,
    });
    // Often enough that both are known natively, by turns and each for itself.
    for (let i = 0; i < 4; i++) {
      for (const id of ["web", "admin", "too", "admin"]) {
        const isAdmin = id === "admin";
        t.equal(await ask(id, "/same"), isAdmin ? "admin handler" : "main constant");
        t.equal(await ask(id, "/bare"), isAdmin ? "admin constant" : "main bare");
      }
    }
  }
});

t.test("only its own routes, hooks and 404 serve it", async (t) => {
  const app = writeApp(t, ADMIN);
  const { ask } = await start(t, [{ id: "web" }, { id: "admin", app }]);
  t.equal(await ask("admin", "/main"), "Not Found");
  t.equal(await ask("web", "/inits"), "main fetch");
  t.equal(await ask("admin", "/fail"), "admin error");
  t.equal(await ask("admin", "/inits"), "1");
});

t.test("an app that is one handler takes everything", async (t) => {
  const source = 'export default ({ url }) => new Response("all " + new URL(url).pathname)';
  const app = writeApp(t, source);
  const { ask } = await start(t, [{ id: "web" }, { id: "all", app }]);
  t.equal(await ask("all", "/same"), "all /same");
  t.equal(await ask("all", "/"), "all /");
  t.equal(await ask("web", "/same"), "main constant");
});

t.test("routes name handlers of the server's app, whose fetch is not asked", async (t) => {
  const routes = [{ pattern: "/same", handler: "/bare" }, { pattern: "/f", handler: "failing" }];
  const { ask, server } = await start(t, [
    { id: "web" },
    { id: "rows", routes },
    { id: "one", routes: "named" },
  ]);
  t.equal(await ask("rows", "/same"), "main bare");
  t.equal(await ask("rows", "/main"), "Not Found");
  t.equal(await ask("rows", "/f"), "main error");
  t.equal(await ask("one", "/"), "named");
  t.equal(await ask("one", "/any/thing"), "named");
  t.match(server.routes("one"), [{ pattern: "/*", handler: "named" }]);
});

t.test("apps that listeners share are loaded and closed once", async (t) => {
  const app = writeApp(t, ADMIN);
  const listeners = [{ id: "web" }, { id: "a", app }, { id: "b", app }];
  const { ask, server } = await start(t, listeners);
  t.equal(await ask("a", "/inits"), "1");
  t.equal(await ask("b", "/inits"), "1");
  await server.setRoutes([{ pattern: "/same", handler: "/bare" }], { listener: "a" });
  t.equal(await ask("a", "/same"), "admin constant");
  t.equal(await ask("b", "/same"), "admin handler", "but each has a table of its own");
});

t.test("each app closes with its worker", async (t) => {
  // At once: what goes through the primary's loop may come too late.
  const closing = (name: string): string => writeApp(t, `
    import { writeSync } from "node:fs";
    export default { fetch: () => "x", close() { writeSync(2, "closed ${name}\\n"); } };
  `);
  const [app, main] = [closing("the other"), closing("the main")];
  const listener = `bind=127.0.0.1:0,id=other,app=${app}`;
  const command = new Command(t, [
    main, "--workers", "1", "--listener", "bind=127.0.0.1:0", "--listener", listener,
  ]);
  await command.url();
  command.child.kill("SIGTERM");
  const { code, stderr } = await command.ended();
  t.equal(code, 0);
  t.match(stderr, /closed the main\nclosed the other\n/);
});

t.test("what is wrong with a listener's app names the listener", async (t) => {
  const broken = writeApp(t, "export default { routes: { a: 5 } };");
  const throws = writeApp(t, 'throw new Error("on purpose");');
  const init = writeApp(t, 'export default { fetch() {}, init() { throw new Error("no"); } };');
  for (const [own, code] of [
    [{ app: broken }, "ERR_MILLRACE_ROUTE_INVALID"],
    [{ app: throws }, "ERR_MILLRACE_APP_LOAD"],
    [{ app: init }, "ERR_MILLRACE_INIT_FAILED"],
    [{ routes: "nobody" }, "ERR_MILLRACE_HANDLER_UNKNOWN"],
    [{ routes: [{ pattern: "x", handler: "/bare" }] }, "ERR_MILLRACE_ROUTE_INVALID"],
    [{ app: "./nowhere.mjs" }, "ERR_MILLRACE_APP_NOT_FOUND"],
  ] as const) {
    const message = /^The listener "odd": /;
    await t.rejects(start(t, [{ id: "web" }, { id: "odd", ...own }]), { code, message });
  }
});

t.test("hooks are those of the app that serves the listener", async (t) => {
  const hooked = (name: string): string => `
    const seen = [];
    export default {
      routes: { "/seen": () => Response.json(seen), "/c": new Response("c") },
      onRequest() { seen.push("${name} request"); },
      onResponse(info) { seen.push("${name} response " + info.route); },
    };
  `;
  const app = writeApp(t, hooked("other"));
  const { ask } = await start(t, [{ id: "web" }, { id: "other", app }]);
  t.equal(await ask("web", "/main"), "main only");
  t.equal(await ask("other", "/c"), "c");
  t.equal(await ask("web", "/main"), "main only");
  t.same(JSON.parse(await ask("other", "/seen")), [
    "other request", "other response /c", "other request",
  ]);
});

t.test("a listener whose last handler is removed is stopped", async (t) => {
  const app = writeApp(t, ADMIN);
  const { server, ask } = await start(t, [{ id: "web" }, { id: "admin", app }]);
  const stateOf = (id: string): string => server.listeners.find((each) => each.id === id)!.state;
  t.equal(await ask("admin", "/bare"), "admin constant");
  const listener = "admin";
  for (const { id } of server.routes(listener).slice(1)) {
    t.match(await server.removeRoute(id, { listener }), { stopped: null });
  }
  t.equal(stateOf(listener), "listening");
  const [last] = server.routes(listener);
  t.match(await server.removeRoute(last!.id, { listener }), { stopped: "admin", removed: 1 });
  t.match(stateOf(listener), /^stop/);
  t.equal(await ask("web", "/same"), "main constant", "others do not notice");
  await until("it has stopped", () => stateOf(listener) === "stopped");
  t.match(await server.setRoutes([]), { stopped: null }, "the server's table stops nobody");
  t.equal(await ask("web", "/same"), "main fetch");
});

t.test("who comes to the index of a removed listener does not get its routes", async (t) => {
  const app = writeApp(t, ADMIN);
  const { server, ask } = await start(t, [{ id: "web" }, { id: "admin", app }], { workers: 2 });
  t.equal(await ask("admin", "/bare"), "admin constant");
  t.equal(await ask("admin", "/bare"), "admin constant");
  await server.setRoutes([{ pattern: "/bare", handler: "/same" }], { listener: "admin" });
  t.equal(await ask("admin", "/bare"), "admin handler");
  await server.removeListener("admin", { force: true });
  // Every index that is free, so that the one of the removed listener is among them.
  const added: string[] = [];
  for (let i = 0; i < 127; i++) {
    const { id } = await server.addListener({ host: "127.0.0.1", port: 0 });
    added.push(id);
  }
  for (const id of added) {
    t.equal(await ask(id, "/bare"), "main bare", id);
    t.throws(() => server.routes(id), { code: "ERR_MILLRACE_ROUTE_UNKNOWN" });
  }
});

t.test("a listener that may not be stopped goes on without routes", async (t) => {
  const app = writeApp(t, 'export default { routes: { "/a": () => new Response("a") } };');
  const { server, ask } = await start(t, [{ id: "only", app }], { protectLastListener: true });
  t.equal(await ask("only", "/a"), "a");
  const errors: unknown[] = [];
  server.events.on("error", (error) => errors.push(error));
  t.match(await server.setRoutes([], { listener: "only" }), { stopped: null });
  t.equal(await ask("only", "/a"), "Not Found");
  await until("it has been said", () => errors.length === 1);
});
