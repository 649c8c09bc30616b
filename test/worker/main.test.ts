/** Tests of the task of a worker: init, ready, close, and what it says when it fails. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import t from "tap";
import type { Test } from "tap";
import { WorkerChannel } from "../../src/primary/worker-channel.ts";
import { CONTROL_VERSION, type ServeTask } from "../../src/shared/messages.ts";
import serveTask from "../../src/worker/main.ts";
import { until } from "../support/deadline.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const NAME_SPACE = new URL("../../src/handlers/name-space.js", import.meta.url).href;

interface Noted extends TestServer {
  /** What the app has noted, as JSON lines. */
  notes(): unknown[];
}

/** The app's source has `note(value)`. */
async function startNoting(t: Test, source: string, workers: number): Promise<Noted> {
  const file = join(ownFolder(t), "notes");
  writeFileSync(file, "");
  const started = await startApp(t, `
    import { appendFileSync } from "node:fs";
    const note = (value) => appendFileSync(${JSON.stringify(file)}, JSON.stringify(value) + "\\n");
    ${source}`, { workers, drainQuietMs: 50, env: cleanEnv({ NODE_OPTIONS: "" }) });
  return {
    ...started,
    notes: () => readFileSync(file, "utf8").split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown),
  };
}

for (const workers of [0, 1]) {
  t.test(`init knows its worker, with workers: ${workers}`, async (t) => {
    const { notes } = await startNoting(t, `export default { fetch() {},
      init({ id, generation, threadId, server, log, signal }) {
        note({ id, generation, isMain: threadId === 0, aborted: signal.aborted,
          calls: Object.keys(server).sort(), log: typeof log, info: typeof log.info });
      } };`, workers);
    t.strictSame(notes(), [{
      id: 1,
      generation: 1,
      isMain: workers === 0,
      aborted: false,
      calls: [
        "addListener", "addRoute", "close", "disableRoute", "drain", "enableRoute", "metrics",
        "pauseListener", "publish", "records", "reload", "removeListener", "removeRoute",
        "reopenLogs", "routes", "scale", "setApp", "setRoutes", "sharedMemory",
        "startListener", "stopListener", "subscriberCount",
      ],
      log: "function",
      info: "function",
    }]);
  });

  t.test(`the signal of init aborts when the worker drains, workers: ${workers}`, async (t) => {
    const { server, notes } = await startNoting(t, `export default { fetch() {},
      init({ signal }) { signal.addEventListener("abort", () => note("drains")); },
      close() { note("closes"); } };`, workers);
    await server.close();
    t.strictSame(notes(), ["drains", "closes"]);
  });

  t.test(`handler objects close once, before the app, workers: ${workers}`, async (t) => {
    const { server, url, notes } = await startNoting(t, `
      const object = (name) => ({ handle: () => new Response(name), close: () => note(name) });
      export default {
        routes: { "/a": object("a"), "/b": { GET: object("b get"), POST: object("b post") },
          "/c": { handle: () => new Response("no close") }, "/d": new Response("constant") },
        async close() { note("app"); },
      };`, workers);
    for (const path of ["a", "b", "c"]) await (await fetch(`${url}/${path}`)).text();
    await Promise.all([server.close(), server.close()]);
    t.strictSame(notes(), ["a", "b get", "b post", "app"]);
  });

  t.test(`what stands in several places closes once, workers: ${workers}`, async (t) => {
    const { server, notes } = await startNoting(t, `
      import { NameSpace } from ${JSON.stringify(NAME_SPACE)};
      const factory = { perConnection: () => ({ handle() {} }), close: () => note("factory") };
      const object = { handle() {}, close: () => note("object") };
      const own = { handle() {}, close: () => note("own") };
      class Named extends NameSpace {
        async close() { note("names"); await super.close(); }
      }
      const [names, inner] = [new Named(), new NameSpace()];
      names.insert("/names/a", object);
      names.insert("/names/b", own);
      names.insert("/names/c", inner);
      inner.insert("/names/c", object);
      export default { routes: {
        "/a": factory, "/b": factory, "/c": { GET: factory, POST: factory },
        "/names/*": names, "/inner/*": inner, "/object": object,
      } };`, workers);
    await server.close();
    t.strictSame(notes(), ["factory", "names", "object", "own"]);
  });

  t.test(`a close that fails does not keep the others, workers: ${workers}`, async (t) => {
    const { server, notes } = await startNoting(t, `export default {
      routes: { "/a": { handle() {}, close() { note("a"); throw new Error("failed"); } } },
      async close() { note("app"); throw new Error("failed too"); } };`, workers);
    await server.close();
    t.strictSame(notes(), ["a", "app"]);
  });

  t.test(`waitUntil delays close, also what is added late, workers: ${workers}`, async (t) => {
    const { server, url, notes } = await startNoting(t, `
      const later = (run) => new Promise((resolve) => setTimeout(() => resolve(run()), 50));
      export default {
        fetch(request, context) {
          context.waitUntil(later(() => {
            note("first");
            context.waitUntil(later(() => note("second")));
            context.waitUntil(Promise.reject(new Error("only logged")));
          }));
          return new Response("answered");
        },
        close: () => note("close") };`, workers);
    t.equal(await (await fetch(url)).text(), "answered");
    await server.close();
    t.strictSame(notes(), ["first", "second", "close"]);
  });
}

t.test("each of several workers runs init and close", async (t) => {
  const { server, notes } = await startNoting(t, `let mine;
    export default { fetch() {}, init({ id }) { mine = id; note({ init: id }); },
      close() { note({ close: mine }); } };`, 3);
  t.strictSame(new Set(notes().map((each) => (each as { init: number }).init)), new Set([1, 2, 3]));
  await server.close();
  const closed = notes().slice(3).map((each) => (each as { close: number }).close);
  t.strictSame(new Set(closed), new Set([1, 2, 3]));
  t.equal(closed.length, 3);
});

t.test("a task that waits in init ends when the server is closed", async (t) => {
  const controller = new AbortController();
  const file = join(ownFolder(t), "notes");
  writeFileSync(file, "");
  const started = startApp(t, `import { appendFileSync } from "node:fs";
    export default { fetch() {}, init({ signal }) {
      appendFileSync(${JSON.stringify(file)}, "init");
      return new Promise(() => {});
    } };`, { workers: 0, signal: controller.signal });
  await until("init", () => readFileSync(file, "utf8") === "init");
  controller.abort();
  await t.rejects(started, { code: "ERR_MILLRACE_SERVER_CLOSED" });
});

t.test("a primary of another build is told which version it meets", async (t) => {
  const channel = new WorkerChannel(1, 0, 1, async () => undefined);
  t.teardown(() => channel.close(new Error("over")));
  const task = { version: CONTROL_VERSION + 1, port: channel.workerPort };
  const ended = serveTask(task as ServeTask<MessagePort>);
  await t.rejects(channel.ready, {
    code: "ERR_MILLRACE_CONTROL_VERSION",
    message: `The primary speaks version ${CONTROL_VERSION + 1} of the control channel, the ` +
      `worker ${CONTROL_VERSION}`,
  });
  await ended;
});
