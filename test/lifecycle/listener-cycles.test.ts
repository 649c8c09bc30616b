/** Tests that listeners which came and went leave nothing behind: descriptors, handles, memory. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { sanitized } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";
import { connectRaw } from "../support/raw-client.ts";

const CYCLES = 1000;
/** Cycles before anything is compared: caches fill, pools grow. */
const WARM_UP = 300;
/** The primary's heap swings by half of it; a slab or a ring per cycle would be far more. */
const RSS_GROWTH_MAX = 64 * 1024 * 1024;
/** Small heaps: a young generation that grows would hide what is asked here. */
const HEAPS = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2 };

const descriptors = (): number => readdirSync("/proc/self/fd").length;
/** Timers of tap and of the server's watches come and go. */
const handles = (): number =>
  process.getActiveResourcesInfo().filter((name) => name !== "Timeout").length;

t.test("1,000 cycles of add, use, stop and remove leave nothing", async (t) => {
  const { server } = await startLifecycle(t, {
    workers: 2, drainQuietMs: 1, resourceLimits: HEAPS,
  });
  const folder = ownFolder(t);
  let before = { fds: 0, handles: 0, rss: 0 };
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    if (cycle === WARM_UP) {
      before = { fds: descriptors(), handles: handles(), rss: process.memoryUsage().rss };
    }
    const place = cycle % 2 === 0
      ? { host: "127.0.0.1", port: 0 }
      : { path: join(folder, `${cycle}.sock`) };
    const info = await server.addListener({ id: "cycle", data: { cycle }, ...place });
    if (cycle % 10 === 0) {
      const client = await connectRaw({ port: info.port, path: info.path });
      const answer = await client.request(get());
      if (answer.body !== "hello") t.fail(`cycle ${cycle}: ${answer.body}`);
      client.close();
    }
    if (cycle % 3 === 0) await server.stopListener("cycle", { force: cycle % 6 === 0 });
    await server.removeListener("cycle", { force: true });
  }
  t.equal(server.listeners.length, 1);
  t.strictSame(readdirSync(folder), [], "no file of a socket is left");
  await until("closed handles", () => descriptors() <= before.fds && handles() <= before.handles);
  const growth = process.memoryUsage().rss - before.rss;
  // A sanitizer keeps what was freed for a while.
  if (!sanitized) t.ok(growth < RSS_GROWTH_MAX, `${growth} bytes in ${CYCLES - WARM_UP} cycles`);
  t.equal(await (await fetch(server.url)).text(), "hello");
});
