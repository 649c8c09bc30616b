/** Tests of how the heaps of worker threads begin: what passes through must not fill them. */
import { spawnSync } from "node:child_process";
import t from "tap";
import { heapFlags, setHeapFlags } from "../../src/primary/worker-heaps.ts";
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

const FIRST_LIMIT = "--initial-old-space-size=128";
const HELD_BUFFERS = "--external-memory-accounted-in-global-limit";

t.test("V8 is asked to count what buffers hold where it has the flag for it", (t) => {
  const without = ["11.3.244.8-node.38", "12.4.254.21-node.57", "13.5.1", "14.8.178", "15.0.1"];
  for (const version of without) {
    t.same(heapFlags([], version), [FIRST_LIMIT], version);
  }
  for (const version of ["13.6.233.17-node.53", "14.6.202.34-node.34", "14.7.1"]) {
    t.same(heapFlags([], version), [FIRST_LIMIT, HELD_BUFFERS], version);
  }
  t.end();
});

t.test("the V8 that runs knows the flags that are set", (t) => {
  const { stderr, status } = spawnSync(process.execPath, [
    "-e", `require("node:v8").setFlagsFromString(${JSON.stringify(setHeapFlags([]).join(" "))})`,
  ], { encoding: "utf8" });
  t.match({ stderr, status }, { stderr: /^$/, status: 0 });
  t.end();
});

t.test("who starts Node.js with such a flag keeps what it says", (t) => {
  const kept = (flag: string): string[] => heapFlags([flag], "14.6.202.34-node.34");
  for (const flag of ["--initial-old-space-size=64", "--initial_heap_size=256"]) {
    t.same(kept(flag), [HELD_BUFFERS], flag);
  }
  for (const flag of [HELD_BUFFERS, "--no-external_memory_accounted_in_global_limit"]) {
    t.same(kept(flag), [FIRST_LIMIT], flag);
  }
  t.same(kept("--expose-gc"), [FIRST_LIMIT, HELD_BUFFERS]);
  t.end();
});
