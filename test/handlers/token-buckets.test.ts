/** Tests of token buckets in shared memory: threads at once, refill, floods of keys. */
import t from "tap";
import { Worker } from "node:worker_threads";
import { bucketBytes, TokenBuckets } from "../../src/handlers/token-buckets.ts";

const MODULE = new URL("../../src/handlers/token-buckets.js", import.meta.url).href;
const HOUR_MS = 3_600_000;

/** What a thread with these data posts first. */
function onThread<T>(source: string, data: object): Promise<T> {
  const workerData = { ...data, module: MODULE };
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, execArgv: [], workerData });
    worker.once("message", resolve).once("error", reject);
  });
}

t.test("a bucket fills evenly, up to its burst", (t) => {
  let ms = 5000;
  const rules = { limit: 10, windowMs: 1000, burst: 3 };
  const buckets = new TokenBuckets(
    new SharedArrayBuffer(bucketBytes(8)), rules, () => ms * 1e6,
  );
  const all = { isAllowed: true, retryMs: 0 };
  t.strictSame(buckets.take("a"), { ...all, remaining: 2, fullMs: 100 });
  t.strictSame(buckets.take("a", 2), { ...all, remaining: 0, fullMs: 300 });
  const none = { isAllowed: false, remaining: 0, fullMs: 300, retryMs: 100 };
  t.strictSame(buckets.take("a"), none);
  t.strictSame(buckets.take("a"), none, "who is refused pays nothing");
  t.strictSame(buckets.take("b").remaining, 2, "another key has a bucket of its own");
  ms += 99;
  t.equal(buckets.take("a").isAllowed, false);
  ms += 1;
  t.equal(buckets.take("a").isAllowed, true);
  ms += 60_000;
  t.strictSame(buckets.take("a"), { ...all, remaining: 2, fullMs: 100 }, "no more than it holds");
  t.strictSame(buckets.take("a", 0), { ...all, remaining: 2, fullMs: 100 });
  t.equal(buckets.take("a", 3).retryMs, 100);
  t.end();
});

t.test("a flood of keys takes no more memory, and frees nobody who has taken most", (t) => {
  let ms = 1000;
  const memory = new SharedArrayBuffer(bucketBytes(64));
  const bytes = memory.byteLength;
  const rules = { limit: 100, windowMs: HOUR_MS, burst: 100 };
  const buckets = new TokenBuckets(memory, rules, () => ms * 1e6);
  for (let i = 0; i < 100; i++) buckets.take("heavy");
  t.equal(buckets.take("heavy").isAllowed, false);
  let refused = 0;
  for (let i = 0; i < 50_000; i++) {
    ms += 0.001;
    if (!buckets.take(`flood ${i}`).isAllowed) refused++;
  }
  t.equal(refused, 0, "who comes for the first time pays for nobody else");
  t.equal(buckets.take("heavy").isAllowed, false);
  t.equal(memory.byteLength, bytes);
  t.end();
});

t.test("threads at once take exactly what there is", async (t) => {
  const memory = new SharedArrayBuffer(bucketBytes(1024));
  const rules = { limit: 500, windowMs: 24 * HOUR_MS, burst: 500 };
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { memory, rules, gate, module } = workerData;
    import(module).then(({ TokenBuckets }) => {
      const buckets = new TokenBuckets(memory, rules);
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < 4) {}
      let allowed = 0;
      for (let i = 0; i < 2000; i++) if (buckets.take("one").isAllowed) allowed++;
      parentPort.postMessage(allowed);
    });
  `;
  const counts = await Promise.all(
    [0, 1, 2, 3].map(() => onThread<number>(source, { memory, rules, gate })),
  );
  t.equal(counts.reduce((sum, count) => sum + count, 0), 500, counts.join(" + "));
  t.ok(counts.every((count) => count <= 500));
});

t.test("a key that comes first on two threads at once has one bucket", async (t) => {
  const keys = 20_000;
  const memory = new SharedArrayBuffer(bucketBytes(8 * keys));
  const rules = { limit: 1, windowMs: 24 * HOUR_MS, burst: 1 };
  const reached = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { memory, rules, reached, module, keys, self } = workerData;
    import(module).then(({ TokenBuckets }) => {
      const buckets = new TokenBuckets(memory, rules);
      const allowed = [];
      for (let i = 0; i < keys; i++) {
        Atomics.store(reached, self, i);
        // Side by side, but not so that one which does not run holds the other up.
        for (let spin = 0; spin < 10_000 && Atomics.load(reached, 1 - self) < i; spin++);
        if (buckets.take("key " + i).isAllowed) allowed.push(i);
      }
      parentPort.postMessage(allowed);
    });
  `;
  const allowed = await Promise.all(
    [0, 1].map((self) => onThread<number[]>(source, { memory, rules, reached, keys, self })),
  );
  t.equal(new Set(allowed.flat()).size, keys, "each was let in");
  t.equal(allowed.flat().length, keys, "and each once");
});
