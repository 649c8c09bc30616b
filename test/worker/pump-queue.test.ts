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
