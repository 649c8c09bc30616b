/** Tests of versions that fail: the error says where, and nothing has changed. */
import { readdirSync, readFileSync } from "node:fs";
import t from "tap";
import type { Handle, Native } from "../../src/native.ts";
import { until } from "../support/deadline.ts";
import { collect, connectMany, get } from "../support/lifecycle.ts";
import { startVersions, versionSource } from "../support/versions.ts";
import type { VersionedServer } from "../support/versions.ts";

function threads(server: VersionedServer): { id: number; generation: number }[] {
  return server.server.stats().workers.map(({ id, generation }) => ({ id, generation }));
}

interface Failure {
  readonly name: string;
  readonly source: string;
  readonly code: string;
  readonly message: RegExp;
  readonly initTimeoutMs?: number;
}

const FAILURES: readonly Failure[] = [
  {
    name: "throws while it is loaded",
    source: versionSource("v2", "null.member;"),
    code: "ERR_MILLRACE_APP_LOAD",
    message: /TypeError: .*app\.mjs:6:6/,
  },
  {
    name: "has a syntax error",
    source: versionSource("v2", "const = 1;"),
    code: "ERR_MILLRACE_APP_LOAD",
    message: /SyntaxError: .*app\.mjs:6/,
  },
  {
    name: "throws in init",
    source: versionSource("v2", "", 'init() {\n    throw new Error("not today");\n  },'),
    code: "ERR_MILLRACE_INIT_FAILED",
    message: /not today.*app\.mjs:\d+:\d+/,
  },
  {
    name: "imports what is not there",
    source: versionSource("v2", 'await import("./none.mjs");'),
    code: "ERR_MILLRACE_APP_LOAD",
    message: /Cannot find module .*app\.mjs:6\)/,
  },
  {
    name: "throws text in init",
    source: versionSource("v2", "", 'init() {\n    throw "not today";\n  },'),
    code: "ERR_MILLRACE_INIT_FAILED",
    message: /not today$/,
  },
  {
    name: "is no app",
    source: "export default 1;",
    code: "ERR_MILLRACE_APP_SHAPE",
    message: /no app/,
  },
  {
    name: "has a route that is none",
    source: "export default { routes: { x() {} } };",
    code: "ERR_MILLRACE_ROUTE_INVALID",
    message: /a pattern begins with a slash/,
  },
  {
    name: "has a route without its handler",
    source: 'export default { routes: { "/x": "none" } };',
    code: "ERR_MILLRACE_HANDLER_UNKNOWN",
    message: /no handler has the name "none"/,
  },
  {
    name: "ends its thread",
    source: versionSource("v2", "process.exit(1);"),
    code: "ERR_MILLRACE_WORKER_DIED",
    message: /died while it was loading/,
  },
  {
    name: "hangs",
    source: versionSource("v2", "await new Promise(() => setInterval(() => {}, 1000));"),
    code: "ERR_MILLRACE_INIT_TIMEOUT",
    message: /not ready within 3000 ms \(initTimeoutMs\)/,
    initTimeoutMs: 3000,
  },
  {
    name: "does not yield from its word that it is ready on",
    source: versionSource("v2", `const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (message, ...rest) {
  postMessage.call(this, message, ...rest);
  if (message?.type === "ready") for (;;);
};`),
    code: "ERR_MILLRACE_INIT_TIMEOUT",
    message: /no connections within 3000 ms \(initTimeoutMs\)/,
    initTimeoutMs: 3000,
  },
];

function nameOf(task: string): string {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

/** Threads of this process that are workers, whatever the server knows of them. */
function workerThreads(): number {
  const tasks = readdirSync("/proc/self/task");
  return tasks.filter((task) => nameOf(task).startsWith("millrace-")).length;
}

for (const { name, source, code, message, initTimeoutMs = 30_000 } of FAILURES) {
  t.test(`a version that ${name} changes nothing`, async (t) => {
    const server = await startVersions(t, { workers: 2, initTimeoutMs });
    const clients = await connectMany(server, 6);
    const before = threads(server);
    const failed = collect<{ generation: number; error: Error }>(server, "reloadFailed");
    server.write(source);
    await t.rejects(server.server.reload(), { code, message });
    const { error } = (await failed)[0]!;
    t.match(error.message, /\/app\.mjs/, "it names the file");
    t.match((await failed)[0], { generation: 2, error: { code } });
    t.strictSame(threads(server), before, "the same threads");
    await until("the new threads to end", () => workerThreads() === 2);
    t.equal(server.server.generation, 1);
    for (const client of clients) t.match(await client.request(get()), { body: "v1" });
    server.write(versionSource("v3"));
    t.match(await server.server.reload(), { generation: 3 }, "numbers are not used twice");
    for (const client of clients) t.match(await client.request(get()), { body: "v3" });
  });
}

t.test("without slots for the new workers the old ones serve on", async (t) => {
  const server = await startVersions(t);
  const { native, server: handle } = server.server as unknown as {
    native: Native; server: Handle;
  };
  const slots: number[] = [];
  for (;;) {
    const slot = native.addWorker(handle, 0);
    if (slot < 0) break;
    slots.push(slot);
  }
  const before = threads(server);
  server.write(versionSource("v2"));
  const failure = { message: /^no slot for a worker: 256 are in use/ };
  await t.rejects(server.server.reload(), failure);
  await t.rejects(server.server.scale(3), failure);
  t.strictSame(threads(server), before);
  const client = await server.connect();
  t.equal((await client.request(get())).body, "v1");
  for (const slot of slots) native.removeWorker(handle, slot);
  await server.server.reload();
  t.equal((await client.request(get())).body, "v2");
});
