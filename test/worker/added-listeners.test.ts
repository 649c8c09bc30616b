/** Listeners with an app or routes of their own that come and go while the server runs. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp, writeApp } from "../support/server.ts";

const PLACE = { host: "127.0.0.1", port: 0 };

const MAIN = `
  export default {
    handlers: { named: () => new Response("named") },
    routes: {
      "/same": new Response("main constant"),
      "/add": async (request, { server }) => Response.json(
        await server.addListener(await request.json()).catch(({ code }) => ({ code }))),
    },
    fetch: () => new Response("main fetch"),
  };
`;

/** What its life has come to is in files: threads share nothing else. */
const lived = (folder: string, rest = ""): string => `
  import { appendFileSync } from "node:fs";
  import { threadId } from "node:worker_threads";
  const note = (what) => appendFileSync(${JSON.stringify(join(folder, "log"))}, what + "\\n");
  const handler = {
    handle: () => new Response("own handler"),
    close() { note("handler close"); },
  };
  export default {
    routes: {
      "/same": new Response("own constant"), "/object": handler, "/thread": () => String(threadId),
    },
    init(worker) {
      note("init");
      worker.signal.addEventListener("abort", () => note("abort"));
      ${rest}
    },
    close() { note("close"); },
  };
`;

interface Lived {
  readonly app: string;
  notes(): Promise<Record<string, number>>;
}

function writeLived(t: Test, rest = ""): Lived {
  const folder = ownFolder(t);
  const app = join(folder, "own.mjs");
  writeFileSync(join(folder, "log"), "");
  writeFileSync(app, lived(folder, rest));
  return {
    app,
    async notes() {
      const notes: Record<string, number> = {};
      for (const line of readFileSync(join(folder, "log"), "utf8").split("\n").slice(0, -1)) {
        notes[line] = (notes[line] ?? 0) + 1;
      }
      return notes;
    },
  };
}

async function text(url: string | undefined, path: string): Promise<string> {
  // A connection each: all workers are asked in the end.
  return await (await fetch(new URL(path, url), { headers: { connection: "close" } })).text();
}

t.test("its app alone serves it, is proved before, and closed behind it", async (t) => {
  const own = writeLived(t);
  for (const workers of [0, 2]) {
    const before = await own.notes();
    const threads = Math.max(workers, 1);
    const { server, url } = await startApp(t, MAIN, { workers });
    t.equal(await text(url, "/same"), "main constant");
    const added = await server.addListener({ id: "own", ...PLACE, app: own.app });
    t.equal((await own.notes())["init"], (before["init"] ?? 0) + threads, "in every worker");
    for (let i = 0; i < 6; i++) {
      t.equal(await text(added.url, "/same"), "own constant");
      t.equal(await text(url, "/same"), "main constant");
      t.equal(await text(added.url, "/object"), "own handler");
      t.equal(await text(added.url, "/other"), "Not Found", "not even the server's fetch");
    }
    t.match(server.routes("own"), [{ pattern: "/same" }, { pattern: "/object" }, {}]);
    await server.removeListener("own");
    await until("its app to be closed in every worker", async () => {
      const { close = 0, abort = 0, "handler close": handlers = 0 } = await own.notes();
      const gone = close - (before["close"] ?? 0);
      return gone === threads && handlers === close && abort === close;
    });
    t.throws(() => server.routes("own"), { code: "ERR_MILLRACE_LISTENER_UNKNOWN" });
    await server.close();
    t.equal((await own.notes())["close"], (before["close"] ?? 0) + threads, "once");
  }
});

t.test("an app that two have is loaded once, and closed with the last", async (t) => {
  const own = writeLived(t);
  const { server } = await startApp(t, MAIN);
  const app = pathToFileURL(own.app);
  const [one, two] = await Promise.all([
    server.addListener({ id: "one", ...PLACE, app }),
    server.addListener({ id: "two", ...PLACE, app: own.app }),
  ]);
  t.strictSame(await own.notes(), { init: 1 });
  await server.removeListener(one.id);
  t.equal(await text(two.url, "/same"), "own constant");
  t.strictSame(await own.notes(), { init: 1 });
  await server.removeListener(two.id);
  await until("it to be closed", async () => (await own.notes())["close"] === 1);
  const three = await server.addListener({ id: "three", ...PLACE, app });
  t.equal(await text(three.url, "/object"), "own handler", "and begins anew");
  t.match(await own.notes(), { init: 2, close: 1 });
});

t.test("rows of its own name handlers of the server's app or of its own", async (t) => {
  const own = writeLived(t);
  const { server } = await startApp(t, MAIN, { workers: 2 });
  const rows = await server.addListener({
    ...PLACE, routes: [{ pattern: "/n", handler: "named" }],
  });
  t.equal(await text(rows.url, "/n"), "named");
  t.equal(await text(rows.url, "/same"), "Not Found");
  const sole = await server.addListener({ ...PLACE, routes: "named" });
  t.equal(await text(sole.url, "/anything"), "named");
  const both = await server.addListener({
    ...PLACE, app: own.app, routes: [{ pattern: "/o", handler: "/object" }],
  });
  t.equal(await text(both.url, "/o"), "own handler");
  t.equal(await text(both.url, "/object"), "Not Found");
  const gone = await server.setRoutes([], { listener: rows.id });
  t.strictSame(gone, { stopped: rows.id }, "its last handler");
});

t.test("what is wrong with it is told, and nothing is left behind", async (t) => {
  const { server, url } = await startApp(t, MAIN, { workers: 2 });
  const broken = writeApp(t, "throw new Error(\"at load\");");
  const refused = writeApp(t, "export default { routes: {}, init() { throw 1; } };");
  const label = /^The listener "x": /;
  const cases = [
    [{ app: broken }, "ERR_MILLRACE_APP_LOAD"],
    [{ app: refused }, "ERR_MILLRACE_INIT_FAILED"],
    [{ app: writeApp(t, "export default 5;") }, "ERR_MILLRACE_APP_SHAPE"],
    [{ app: writeApp(t, "export default { routes: { x: () => {} } };") },
      "ERR_MILLRACE_ROUTE_INVALID"],
    [{ app: "./nowhere.mjs" }, "ERR_MILLRACE_APP_NOT_FOUND"],
    [{ routes: "unknown" }, "ERR_MILLRACE_HANDLER_UNKNOWN"],
    [{ routes: [{ pattern: "x", handler: "named" }] }, "ERR_MILLRACE_ROUTE_INVALID"],
  ] as const;
  for (const [own, code] of cases) {
    await t.rejects(server.addListener({ id: "x", ...PLACE, ...own }), { code, message: label });
    t.equal(server.listeners.length, 1);
  }
  const value = { id: "x", ...PLACE, app: () => new Response() };
  await t.rejects(server.addListener(value), { code: "ERR_MILLRACE_APP_NOT_PATH" });
  const { url: added } = await server.addListener({ id: "x", ...PLACE });
  for (let i = 0; i < 4; i++) t.equal(await text(added, "/x"), "main fetch", "of the server's");
  t.equal(await text(url, "/same"), "main constant");
});

t.test("one worker that cannot load it keeps it out of all", async (t) => {
  const folder = ownFolder(t);
  // The second thread that comes by finds that the first has.
  const app = join(folder, "own.mjs");
  writeFileSync(app, `
    import { mkdirSync, appendFileSync } from "node:fs";
    export default {
      routes: { "/same": new Response("own") },
      init() { mkdirSync(${JSON.stringify(join(folder, "taken"))}); },
      close() { appendFileSync(${JSON.stringify(join(folder, "closed"))}, "x"); },
    };
  `);
  const { server } = await startApp(t, MAIN, { workers: 2 });
  await t.rejects(server.addListener({ id: "x", ...PLACE, app }), {
    code: "ERR_MILLRACE_INIT_FAILED", message: /^The listener "x": .*EEXIST/,
  });
  await until("the other's to be closed", async () => existsSync(join(folder, "closed")));
  const { url } = await server.addListener({ id: "x", ...PLACE });
  for (let i = 0; i < 6; i++) t.equal(await text(url, "/same"), "main constant");
});

t.test("one that does not come to its end is given up, and can be removed meanwhile", async (t) => {
  const app = writeApp(t, "export default { routes: {}, init: () => new Promise(() => {}) };");
  const { server } = await startApp(t, MAIN, {
    workers: 2, initTimeoutMs: 2000, controlTimeoutMs: 2000,
  });
  const added = server.addListener({ id: "x", ...PLACE, app });
  t.throws(() => server.routes("x"), { code: "ERR_MILLRACE_ROUTE_UNKNOWN" }, "not yet");
  const started = server.startListener("x");
  const code = "ERR_MILLRACE_CONTROL_TIMEOUT";
  await Promise.all([
    t.rejects(added, { code, message: /worker 1.*worker 2/ }), t.rejects(started, { code }),
  ]);
  const again = server.addListener({ id: "x", ...PLACE, app });
  await Promise.all([
    server.removeListener("x"), t.rejects(again, { code: "ERR_MILLRACE_LISTENER_UNKNOWN" }),
  ]);
  const { url } = await server.addListener({ id: "x", ...PLACE, routes: "named" });
  t.equal(await text(url, "/"), "named");
});

t.test("workers that come later have it, and what was changed of it", async (t) => {
  const own = writeLived(t);
  const { server } = await startApp(t, MAIN, { workers: 2 });
  const { url } = await server.addListener({ id: "own", ...PLACE, app: own.app });
  const threads = new Set<string>();
  // All at once, so that the fewest connections decide, not who is busy just then.
  const see = async (): Promise<void> => {
    const port = Number(new URL(url).port);
    const clients = await Promise.all(Array.from({ length: 9 }, () => connectRaw({ port })));
    for (const client of clients) {
      threads.add((await client.request("GET /thread HTTP/1.1\r\nHost: a\r\n\r\n")).body);
      client.close();
    }
  };
  await server.addRoute("/added", { handler: "/object", listener: "own" });
  await server.scale(3);
  for (let i = 0; i < 9; i++) t.equal(await text(url, "/added"), "own handler", "all three");
  await see();
  await server.reload();
  for (let i = 0; i < 9; i++) {
    t.equal(await text(url, "/same"), "own constant");
    t.equal(await text(url, "/added"), "Not Found", "a new app has its own table");
  }
  await see();
  t.equal(threads.size, 6, "every thread of both generations");
  t.match(server.routes("own"), [{ pattern: "/same" }, {}, {}]);
  writeFileSync(own.app, "export default { routes: { no: 1 } };");
  await t.rejects(server.reload(), { message: /^The listener "own": / });
  t.equal(await text(url, "/same"), "own constant", "what cannot be loaded changes nothing");
  await server.removeListener("own");
  await server.reload();
  t.equal(server.listeners.length, 1, "nobody loads it any more");
});

for (const phase of ["load", "init"]) t.test(`added during the ${phase} of others`, async (t) => {
  const own = writeLived(t);
  const slow = writeApp(t, `
    const wait = () => new Promise((resolve) => setTimeout(resolve, 300));
    ${phase === "load" ? "await wait();" : ""}
    export default {
      init() { return ${phase === "init" ? "wait()" : "null"}; }, fetch: () => new Response("m"),
    };
  `);
  const { server } = await startApp(t, MAIN, { workers: 2 });
  const reloaded = server.setApp(slow);
  const { url } = await server.addListener({ id: "own", ...PLACE, app: own.app });
  t.equal(await text(url, "/same"), "own constant");
  await reloaded;
  for (let i = 0; i < 6; i++) t.equal(await text(url, "/same"), "own constant");
  t.equal(await text(url, "/other"), "Not Found");
  const next = server.reload();
  await server.removeListener("own");
  const { url: plain } = await server.addListener({ id: "own", ...PLACE });
  await next;
  for (let i = 0; i < 6; i++) t.equal(await text(plain, "/same"), "m", "of another at its index");
  t.throws(() => server.routes("own"), { code: "ERR_MILLRACE_ROUTE_UNKNOWN" });
});

t.test("a change of a table does not outlive its listener", async (t) => {
  const own = writeLived(t);
  const { server } = await startApp(t, MAIN, { workers: 2 });
  await server.addListener({ id: "own", ...PLACE, app: own.app });
  const changed = server.setRoutes([{ pattern: "/z", handler: "/object" }], { listener: "own" });
  const removed = server.removeListener("own");
  await Promise.allSettled([changed, removed]);
  t.strictSame((await removed).destroyed, 0);
  for (let i = 0; i < 130; i++) {
    // Round by all indices, so that one comes to that of the listener that has gone.
    const { id, url } = await server.addListener({ ...PLACE, app: own.app, autoStart: i > 120 });
    if (i > 120) t.equal(await text(url, "/same"), "own constant");
    t.equal(server.routes(id)[0]!.pattern, "/same");
    await server.removeListener(id);
  }
});

t.test("hooks that come with it are told of its requests alone", async (t) => {
  const folder = ownFolder(t);
  const app = join(folder, "own.mjs");
  writeFileSync(app, `
    const seen = [];
    const see = (what) => ({ request, refusal, listener, status = null }) => seen.push([
      what, request && new URL(request.url).pathname, listener.id, refusal?.status ?? status,
    ]);
    export default {
      routes: { "/own": new Response("own"), "/seen": () => Response.json(seen) },
      onRequest: see("request"), onResponse: see("response"),
      onClientError({ kind, status }) { seen.push([kind, status]); },
    };
  `);
  const { server, url, connect } = await startApp(t, MAIN);
  const before = await connect();
  const main = "GET /same HTTP/1.1\r\nHost: a\r\n\r\n";
  await before.request(main);
  const added = await server.addListener({ id: "own", ...PLACE, app });
  for (let i = 0; i < 3; i++) await before.request(main);
  await text(url, "/elsewhere");
  await text(added.url, "/own");
  const client = await connectRaw({ port: added.port! });
  await client.request("BAD\r\n\r\n");
  const seen = JSON.parse(await text(added.url, "/seen")) as unknown[][];
  // Of each connection in order; between two of them there is none.
  const about = (...whats: unknown[]): unknown[][] =>
    seen.filter(([, what]) => whats.includes(what));
  t.match(about("/own"), [["request", "/own", "own", null], ["response", "/own", "own", 200]]);
  t.match(about(400, null), [
    ["malformed", 400], ["request", null, "own", 400], ["response", null, "own", 400],
  ]);
  t.match(about("/seen"), [["request", "/seen", "own", null]]);
  t.equal(seen.length, 6);
});

t.test("handlers add one, with a path and not with a function", async (t) => {
  const own = writeLived(t);
  const { url } = await startApp(t, MAIN, { workers: 2 });
  const add = async (options: object): Promise<{ url?: string; code?: string }> =>
    (await (await fetch(`${url}/add`, { method: "POST", body: JSON.stringify(options) })).json()) as
      { url?: string; code?: string };
  const { url: added } = await add({ id: "own", ...PLACE, app: own.app });
  t.equal(await text(added, "/same"), "own constant");
  t.match(await add({ ...PLACE, app: "./nowhere.mjs" }), { code: "ERR_MILLRACE_APP_NOT_FOUND" });
});
