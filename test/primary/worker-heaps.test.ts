/** Tests of how the heaps of worker threads begin: what passes through must not fill them. */
import t from "tap";
import { raiseFirstLimits } from "../../src/primary/worker-heaps.ts";
import { startApp } from "../support/server.ts";

const MIB = 1 << 20;

/** Counts the collections of the old generation in its thread, and reads a body piece by piece. */
const APP = `
  import { constants, PerformanceObserver } from "node:perf_hooks";
  let majors = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majors++;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  export default {
    routes: {
      "/majors": () => Response.json(majors),
      "/upload": {
        POST: async (request) => {
          let length = 0;
          for await (const chunk of request.body) length += chunk.length;
          return Response.json(length);
        },
      },
    },
  };`;

t.test("long bodies pass through a worker without the whole heap being collected", async (t) => {
  const { url } = await startApp(t, APP, { workers: 1 });
  const body = new Uint8Array(64 * MIB);
  const post = async (): Promise<unknown> => {
    const response = await fetch(new URL("/upload", url), { method: "POST", body });
    return await response.json();
  };
  for (let i = 0; i < 8; i++) t.equal(await post(), body.length);
  const majors = Number(await (await fetch(new URL("/majors", url))).text());
  // With the thread's own limit there is one for each 20 to 40 MB: 13 at least.
  t.ok(majors <= 6, `${majors} collections for 512 MiB`);
});

t.test("who starts Node.js with a limit keeps it", (t) => {
  for (const flag of ["--initial-old-space-size=64", "--initial_heap_size=256"]) {
    t.notOk(raiseFirstLimits([flag]), flag);
  }
  t.ok(raiseFirstLimits(["--expose-gc"]));
  t.end();
});
