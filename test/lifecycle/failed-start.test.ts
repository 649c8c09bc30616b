/** Tests that a serve() that rejects says why, and leaves nothing behind. */
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { serve } from "../../src/index.ts";
import type { ServeOptions } from "../../src/options.ts";
import { until, within } from "../support/deadline.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { writeApp } from "../support/server.ts";
import { openDescriptors, runningThreads } from "../support/traces.ts";

const HELLO = 'export default () => new Response("hello");';

interface Traces {
  readonly descriptors: number;
  readonly threads: number;
  readonly request: unknown;
  readonly listeners: number;
}

function traces(): Traces {
  return {
    descriptors: openDescriptors(),
    threads: runningThreads(),
    request: globalThis.Request,
    listeners: process.listenerCount("SIGTERM"),
  };
}

async function start(options: ServeOptions): Promise<void> {
  const env = cleanEnv({ NODE_OPTIONS: "" });
  const server = await serve({
    execArgv: [], env, logLevel: "silent", host: "127.0.0.1", port: 0, signals: true, ...options,
  });
  await server.close({ force: true });
}

/** With threads and without; the first start of each kind may leave caches. */
async function failsCleanly(
  t: Test,
  options: ServeOptions,
  wanted: { code: string; message?: string | RegExp },
): Promise<void> {
  for (const workers of [2, 0]) {
    const before = traces();
    const failed = start({ ...options, workers });
    await t.rejects(failed, wanted, `workers: ${workers}`);
    await until("the descriptors to be as before", () =>
      traces().descriptors <= before.descriptors);
    await until("the threads to be as before", () => traces().threads <= before.threads);
    const after = traces();
    t.equal(after.request, before.request);
    t.equal(after.listeners, before.listeners);
  }
}

t.before(async () => {
  for (const workers of [2, 0]) {
    await start({ app: writeApp(t, HELLO), workers });
  }
});

t.test("init takes too long", async (t) => {
  const app = writeApp(t, `export default
    { fetch() {}, init: () => new Promise(() => {}) };`);
  await failsCleanly(t, { app, initTimeoutMs: 300 }, {
    code: "ERR_MILLRACE_INIT_TIMEOUT",
    message: /not ready within 300 ms/,
  });
});

t.test("the module takes too long", async (t) => {
  const app = writeApp(t, `await new Promise((resolve) => setTimeout(resolve, 60000).unref());
    ${HELLO}`);
  await failsCleanly(t, { app, initTimeoutMs: 300 }, { code: "ERR_MILLRACE_INIT_TIMEOUT" });
});

t.test("init fails", async (t) => {
  const app = writeApp(t, 'export default { fetch() {}, init() { throw new Error("no db"); } };');
  await failsCleanly(t, { app }, {
    code: "ERR_MILLRACE_INIT_FAILED",
    message: /init failed: no db/,
  });
});

t.test("init fails in one of the workers", async (t) => {
  const app = writeApp(t, `export default { fetch() {}, init({ id }) {
    if (id === 2) throw new Error("not the second");
  } };`);
  const before = traces();
  await t.rejects(start({ app, workers: 3 }), { code: "ERR_MILLRACE_INIT_FAILED" });
  await until("the threads to be as before", () => traces().threads <= before.threads);
});

t.test("a worker dies in init", async (t) => {
  const app = writeApp(t, "export default { fetch() {}, init() { process.exit(1); } };");
  const before = traces();
  await t.rejects(start({ app, workers: 2 }), { code: "ERR_MILLRACE_WORKER_DIED" });
  await until("the threads to be as before", () => traces().threads <= before.threads);
});

t.test("the module has no app", async (t) => {
  const app = writeApp(t, "export const app = 1;");
  await failsCleanly(t, { app }, { code: "ERR_MILLRACE_APP_SHAPE", message: /no default export/ });
});

t.test("the module does not load", async (t) => {
  const app = writeApp(t, "export default {");
  await failsCleanly(t, { app }, { code: "ERR_MILLRACE_APP_LOAD", message: /SyntaxError/ });
});

t.test("there is no module", async (t) => {
  const app = join(ownFolder(t), "missing.mjs");
  await failsCleanly(t, { app }, { code: "ERR_MILLRACE_APP_NOT_FOUND" });
});

t.test("the port is in use", async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const app = writeApp(t, HELLO);
  await failsCleanly(t, { app, port }, {
    code: "ERR_MILLRACE_BIND",
    message: `Cannot listen on 127.0.0.1:${port}: the address is in use (EADDRINUSE)`,
  });
  const listeners = [{ id: "free", host: "127.0.0.1", port: 0 }, { id: "b", port }];
  await failsCleanly(t, { app, listeners, host: undefined, port: undefined }, {
    code: "ERR_MILLRACE_BIND",
  });
});

t.test("the signal is aborted during the start", async (t) => {
  const app = writeApp(t, "export default { fetch() {}, init: () => new Promise(() => {}) };");
  for (const workers of [2, 0]) {
    const before = traces();
    const controller = new AbortController();
    const { signal } = controller;
    const failed = start({ app, workers, signal, initTimeoutMs: 60_000 });
    setTimeout(() => controller.abort(), 100);
    const rejected = t.rejects(failed, { code: "ERR_MILLRACE_SERVER_CLOSED" });
    await within("the end of the start, not that of init", rejected);
    await until("the threads to be as before", () => traces().threads <= before.threads);
    await until("the descriptors", () => traces().descriptors <= before.descriptors);
    t.equal(traces().request, before.request);
  }
});

t.test("the signal is aborted while the control socket opens", async (t) => {
  const folder = ownFolder(t);
  const app = writeApp(t, HELLO);
  for (const workers of [2, 0]) {
    const before = traces();
    const controller = new AbortController();
    const control = join(folder, "control");
    const pidFile = join(folder, "pid");
    const failed = start({ app, workers, control, pidFile, signal: controller.signal });
    controller.abort();
    await t.rejects(failed, { code: "ERR_MILLRACE_SERVER_CLOSED" });
    // A start that went on by itself would be through long before.
    await new Promise((resolve) => setTimeout(resolve, 500));
    t.same(readdirSync(folder), []);
    await until("the threads to be as before", () => traces().threads <= before.threads);
    await until("the descriptors", () => traces().descriptors <= before.descriptors);
    t.equal(traces().request, before.request);
  }
});
