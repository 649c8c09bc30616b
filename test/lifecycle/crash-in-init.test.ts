/** Replacements that die in `init`, in every way, again and again, beside a worker that serves. */
import t from "tap";
import type { Test } from "tap";
import { ERRORS, SMALL_HEAP } from "../support/deaths.ts";
import type { Way } from "../support/deaths.ts";
import { startTraffic } from "../support/traffic.ts";
import { collect, get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";

const CONNECTIONS = 30;

/** In `init` a thread that spins is ended by `initTimeoutMs`. */
const IN_INIT: readonly (readonly [Way, RegExp, string])[] = [
  ["throw", ERRORS.throw, "ERR_MILLRACE_INIT_FAILED"],
  ["rejection", ERRORS.rejection, "ERR_MILLRACE_WORKER_DIED"],
  ["exit", ERRORS.exit, "ERR_MILLRACE_WORKER_DIED"],
  ["heap", ERRORS.heap, "ERR_MILLRACE_WORKER_DIED"],
  ["stack", ERRORS.stack, "ERR_MILLRACE_INIT_FAILED"],
  ["spin", /initTimeoutMs/, "ERR_MILLRACE_INIT_TIMEOUT"],
];

/** One of two workers dies, and each that replaces it. */
async function startLoop(t: Test, way: Way): Promise<LifecycleServer> {
  return await startLifecycle(t, {
    workers: 2,
    again: way,
    resourceLimits: SMALL_HEAP,
    initTimeoutMs: way === "spin" ? 2500 : 10_000,
  });
}

for (const [way, message, code] of IN_INIT) {
  t.test(`${way} in init, again and again, beside a worker that serves`, async (t) => {
    const server = await startLoop(t, way);
    const traffic = await startTraffic(server, CONNECTIONS);
    const exits = collect<{ error: { message: string; code: string } }>(server, "workerExit", 5);
    const reported = collect<{ code: string; message: string }>(server, "error");
    await (await server.connect()).request(get("/late-exit"));
    for (const { error } of (await exits).slice(1)) {
      t.equal(error.code, code);
      t.match(error.message, message);
    }
    t.match(await reported, [{ code: "ERR_MILLRACE_CRASH_LOOP", message: /^5 workers in a row/ }]);
    await traffic.more(2 * CONNECTIONS);
    const { statuses, failures } = await traffic.stop();
    t.strictSame(failures, []);
    t.strictSame(Object.keys(statuses), ["200"]);
  });
}
