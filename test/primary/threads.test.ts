/** Tests of the threads of workers, with a task that counts its runs in its module. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import t, { type Test } from "tap";
import { type ThreadOptions, Threads } from "../../src/primary/threads.ts";
import type { ServeTask } from "../../src/shared/messages.ts";
import { ownFolder } from "../support/folder.ts";

const TASK = `
  let runs = 0;
  export default async ({ port, what }) => {
    runs += 1;
    if (what === "throw") throw new Error("of the task");
    if (what === "stay") await new Promise((resolve) => port.on("message", resolve));
    port.postMessage({ runs, mine: process.env.MINE });
  };
`;

interface Ran {
  runs: number;
  mine: string | undefined;
}

function threadsOf(owner: Test, options: Partial<ThreadOptions> = {}): Threads {
  const filename = join(ownFolder(owner), "task.mjs");
  writeFileSync(filename, TASK);
  const none = { resourceLimits: undefined, execArgv: undefined, env: undefined };
  const onLost = (error: unknown): void => void owner.fail(error as Error);
  const threads = new Threads({ ...none, filename, ...options }, onLost);
  owner.teardown(() => threads.destroy());
  return threads;
}

async function run(
  threads: Threads,
  what: string = "",
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise<Ran>((resolve) => port1.once("message", resolve));
  const task = { port: port2, what } as unknown as ServeTask;
  try {
    await threads.run(task, port2, signal);
    return await answer;
  } finally {
    port1.close();
  }
}

t.test("each task has a thread of its own, whatever the one before came to", async (t) => {
  const threads = threadsOf(t);
  for (let i = 0; i < 5; i++) {
    await threads.areFresh();
    t.equal((await run(threads)).runs, 1);
    await threads.areFresh();
    await t.rejects(run(threads, "throw"), { message: "of the task" });
  }
  await threads.areFresh();
  const many = await Promise.all(Array.from({ length: 4 }, () => run(threads)));
  t.strictSame(many.map(({ runs }) => runs), [1, 1, 1, 1]);
});

t.test("several that wait for the same thread to end all get new ones", async (t) => {
  const threads = threadsOf(t);
  const one = async (): Promise<number> => {
    await threads.areFresh();
    return (await run(threads)).runs;
  };
  await one();
  t.strictSame(await Promise.all([one(), one(), one()]), [1, 1, 1]);
});

t.test("a signal kills its thread, and destroy all", async (t) => {
  const threads = threadsOf(t, { env: { MINE: "1" } });
  const killer = new AbortController();
  const killed = run(threads, "stay", killer.signal);
  killer.abort();
  await t.rejects(killed, { name: "AbortError" });
  await threads.areFresh();
  t.match(await run(threads), { runs: 1, mine: "1" });
  await threads.areFresh();
  const ended = t.rejects(run(threads, "stay"));
  await threads.destroy();
  await ended;
});
