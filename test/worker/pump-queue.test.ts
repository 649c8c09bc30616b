/** One pump at a time, and none that waits for its source holds up the others. */
import t from "tap";
import { PumpQueue } from "../../src/worker/pump-queue.ts";
import { startApp } from "../support/server.ts";

t.test("a pump has its turn when the one before it is done", async (t) => {
  const queue = new PumpQueue();
  const seen: string[] = [];
  const pump = (name: string, chunks: number): { run(): void } => {
    const self = {
      run: (): void => {
        void (async () => {
          for (let i = 0; i < chunks; i++) {
            seen.push(name);
            await Promise.resolve();
          }
          queue.done(self);
        })();
      },
    };
    return self;
  };
  queue.add(pump("a", 3));
  queue.add(pump("b", 2));
  queue.add(pump("c", 1));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(seen, ["a", "a", "a", "b", "b", "c"]);
});

t.test("any number of pumps may be done at once", (t) => {
  const queue = new PumpQueue();
  const first = { run: (): void => {} };
  queue.add(first);
  let ran = 0;
  for (let i = 0; i < 100_000; i++) {
    const self = { run: (): void => {
      ran++;
      queue.done(self);
    } };
    queue.add(self);
  }
  queue.done(first);
  t.equal(ran, 100_000);
  const last = { run: (): void => void ran++ };
  queue.add(last);
  t.equal(ran, 100_001, "and the next one is not held up");
  t.end();
});

t.test("a source that never yields lets the others through", async (t) => {
  const { url } = await startApp(t, `
    async function* quiet() { yield "head"; await new Promise(() => {}); }
    async function* ready() { for (let i = 0; i < 10; i++) yield "x".repeat(1000); }
    export default { routes: {
      "/quiet": () => new Response(quiet()),
      "/ready": () => new Response(ready()),
    } };
  `);
  const gone = new AbortController();
  const quiet = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${url}/quiet`, { signal: gone.signal })),
  );
  const ready = Array.from({ length: 20 }, async () => {
    const answer = await fetch(`${url}/ready`);
    return await answer.text();
  });
  for (const text of await Promise.all(ready)) t.equal(text.length, 10_000);
  for (const answer of quiet) t.equal(answer.status, 200);
  gone.abort();
});
