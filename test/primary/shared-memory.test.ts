/** Tests of memory that workers share: as blocks by name, and seen by workers of a server. */
import t from "tap";
import { BLOCK_BYTES_MAX, BLOCKS_MAX, SharedMemory } from "../../src/primary/shared-memory.ts";
import { startApp } from "../support/server.ts";

const REFUSED = { code: "ERR_MILLRACE_SHARED_MEMORY" };

t.test("one block for each name and length", (t) => {
  const memory = new SharedMemory();
  const first = memory.get("a", 8);
  t.equal(first.byteLength, 8);
  t.equal(memory.get("a", 8), first);
  t.not(memory.get("a", 16), first);
  t.not(memory.get("b", 8), first);
  for (const name of ["", "x".repeat(201), 1, undefined]) {
    t.throws(() => memory.get(name, 8), REFUSED, String(name));
  }
  for (const length of [0, -1, 1.5, Number.NaN, "8", undefined]) {
    t.throws(() => memory.get("c", length), REFUSED, String(length));
  }
  t.end();
});

t.test("their number and their bytes have an end", (t) => {
  const memory = new SharedMemory();
  t.throws(() => memory.get("much", BLOCK_BYTES_MAX + 1), REFUSED);
  for (let i = 0; i < BLOCKS_MAX; i++) memory.get(`block ${i}`, 8);
  t.throws(() => memory.get("more", 8), REFUSED);
  t.equal(memory.get("block 0", 8).byteLength, 8);
  t.end();
});

const APP = `
  import { threadId } from "node:worker_threads";
  let words;
  export default {
    async init({ server }) { words = new Int32Array(await server.sharedMemory("count", 4)); },
    fetch(request) {
      if (request.url.endsWith("/exit")) process.exit(1);
      return Response.json([threadId, Atomics.add(words, 0, 1)]);
    },
  };
`;

t.test("all workers see it, and it outlives them", async (t) => {
  const { server, url } = await startApp(t, APP, { workers: 2, balance: "round-robin" });
  const ask = async (): Promise<[number, number]> => {
    const answer = await fetch(url, { headers: { connection: "close" } });
    return (await answer.json()) as [number, number];
  };
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
  t.equal(new Set(answers.map(([thread]) => thread)).size, 2, "both have answered");
  t.strictSame(answers.map(([, count]) => count).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, count) => count));
  await fetch(`${url}/exit`).catch(() => {});
  t.equal((await ask())[1], 20, "after a worker has died");
  await server.reload();
  t.equal((await ask())[1], 21, "after a reload");
});
