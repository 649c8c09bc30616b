/** Tests of what a thread loads first: it can be ended in the middle. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import t from "tap";

const ENTRY = fileURLToPath(new URL("../../src/worker/entry.cjs", import.meta.url));
const THREADS = 60;

/** As Piscina does it: `require`, then the task; this one is of another version, and ends. */
const LOADER = `
  const { parentPort, MessageChannel } = require("node:worker_threads");
  parentPort.once("message", async () => {
    parentPort.postMessage("begins");
    const serve = require(${JSON.stringify(ENTRY)});
    await serve({ port: new MessageChannel().port1, version: -1 });
    parentPort.postMessage("ended");
  });
`;

async function told(worker: Worker): Promise<unknown> {
  return await new Promise((resolve) => worker.once("message", resolve));
}

t.test("a thread that is ended while it loads ends alone", async (t) => {
  t.ok(existsSync(ENTRY));
  const first = new Worker(LOADER, { eval: true, env: { ...process.env, NODE_OPTIONS: "" } });
  first.postMessage(null);
  await told(first);
  const began = performance.now();
  t.equal(await told(first), "ended");
  const loadMs = performance.now() - began;
  await first.terminate();
  // At every stage of the loading. What ends the process ends this test with it.
  for (let i = 0; i < THREADS; i++) {
    const worker = new Worker(LOADER, { eval: true, env: { ...process.env, NODE_OPTIONS: "" } });
    worker.postMessage(null);
    await told(worker);
    await new Promise((resolve) => setTimeout(resolve, loadMs * (i / THREADS)));
    await worker.terminate();
  }
  t.pass("the process is still there");
});
