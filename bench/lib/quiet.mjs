/**
 * Windows in which the machine was this benchmark's alone. On a shared one the hypervisor gives the
 * cores to others at times; the kernel counts that as stolen time, and what is measured meanwhile
 * says little: such a turn is measured again, after a rest, since others come for seconds at least.
 */
import { readFileSync } from "node:fs";

/** What may be stolen of a second of a window, in milliseconds of all cores. */
const STOLEN_MS_MAX = 10;
/** How often a turn is measured before the quietest of them has to do. */
const TRIES_MAX = 4;
/** Before the second try; twice as long before each further one. */
const FIRST_REST_MS = 500;
/** What a whole run may rest: on a machine that is never quiet it ends all the same. */
let patienceMs = 600_000;
/** Of the counters in /proc/stat: 100 a second, whatever the kernel's own clock does. */
const TICK_MS = 10;

/** Milliseconds since its start in which the system was not let run; 0 where nobody counts. */
export function stolenMs() {
  try {
    const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0].split(/\s+/);
    return Number(ticks[7] ?? 0) * TICK_MS;
  } catch {
    return 0;
  }
}

/**
 * What `measure` gives, an object, of the first quiet try or the quietest one. `windowMs`: how long
 * it measures. Of a try that gives null no other follows.
 */
export async function quietest(measure, windowMs, stolen = stolenMs, rest = restFor) {
  const most = Math.max((windowMs / 1000) * STOLEN_MS_MAX, TICK_MS);
  let best = null;
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const before = stolen();
    const result = await measure();
    if (result === null) return best === null ? null : best.result;
    const lost = stolen() - before;
    if (best === null || lost < best.lost) best = { lost, result };
    if (lost <= most) break;
    if (tries < TRIES_MAX) await rest(FIRST_REST_MS * 2 ** (tries - 1));
  }
  return best.result;
}

async function restFor(ms) {
  const allowed = Math.min(ms, patienceMs);
  patienceMs -= allowed;
  await new Promise((resolve) => setTimeout(resolve, allowed));
}
