/** Tests that what passes through does not lie about until V8 thinks of it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import { YoungGeneration } from "../../src/worker/young-generation.ts";
import { startApp } from "../support/server.ts";
import { until } from "../support/deadline.ts";

const MIB = 1 << 20;
/** Waiting makes garbage too, for which V8 collects after 8 s. */
const SOON_MS = 3000;

t.test("after 24 MiB the buffers that nobody holds are gone", async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const held = (): number => process.memoryUsage().arrayBuffers - before;
  const young = new YoungGeneration();
  const pass = (count: number): void => {
    for (let i = 0; i < count; i++) young.passed(Buffer.allocUnsafeSlow(MIB).length);
  };
  pass(23);
  t.ok(held() >= 22 * MIB, "V8 has not collected them by itself");
  pass(1);
  await until("V8 to have freed them", () => held() <= 2 * MIB, SOON_MS);
  pass(23);
  t.ok(held() >= 22 * MIB, "it is counted anew");
  pass(1);
  await until("V8 to have freed them again", () => held() <= 2 * MIB, SOON_MS);
});

t.test("nothing of it shows", (t) => {
  new YoungGeneration().passed(24 * MIB);
  t.notOk("gc" in globalThis);
  t.end();
});

t.test("a global of the app by that name is not called", async (t) => {
  const app = globalThis as { gc?: unknown };
  app.gc = (): never => t.fail("called") as never;
  t.teardown(() => delete app.gc);
  const before = process.memoryUsage().arrayBuffers;
  const young = new YoungGeneration();
  for (let i = 0; i < 24; i++) young.passed(Buffer.allocUnsafeSlow(MIB).length);
  const held = (): number => process.memoryUsage().arrayBuffers - before;
  await until("V8 to have freed them", () => held() <= 2 * MIB, SOON_MS);
});

t.test("with --expose-gc the app's stays", async (t) => {
  const module = JSON.stringify(new URL("../../src/worker/young-generation.js", import.meta.url));
  const script = `
    import(${module}).then(({ YoungGeneration }) => {
      new YoungGeneration().passed(${String(24 * MIB)});
      const { Worker } = require("node:worker_threads");
      const inWorker = "require('node:worker_threads').parentPort.postMessage(typeof gc)";
      new Worker(inWorker, { eval: true }).once("message", (there) => {
        process.stdout.write(typeof gc + " " + there);
      });
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--eval", script]);
  t.equal(stdout, "function function");
});

t.test("a worker through which a long body goes holds few buffers", async (t) => {
  const { url } = await startApp(t, `
    let most = 0;
    export default { routes: {
      "/most": () => Response.json(most),
      "/upload": { POST: async (request) => {
        const before = process.memoryUsage().arrayBuffers;
        let length = 0;
        for await (const chunk of request.body) {
          length += chunk.length;
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        }
        return Response.json([length, typeof globalThis.gc]);
      } },
    } };`, { workers: 1 });
  const body = new Uint8Array(200 * MIB);
  const answer = await fetch(new URL("/upload", url), { method: "POST", body });
  t.same(await answer.json(), [body.length, "undefined"]);
  const most = Number(await (await fetch(new URL("/most", url))).text());
  // What lies there, what another thread is freeing, and what nobody has read yet.
  t.ok(most <= 60 * MIB, `at most ${Math.round(most / MIB)} MiB`);
});
