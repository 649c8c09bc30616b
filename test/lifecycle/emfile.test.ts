/** Tests of a process that has run out of descriptors: it neither spins nor forgets anybody. */
import { readFileSync } from "node:fs";
import t from "tap";
import { until } from "../support/deadline.ts";
import { startChild } from "../support/child.ts";
import { get } from "../support/lifecycle.ts";

/** Enough for Node, a worker that loads all its modules at once, and some connections. */
const DESCRIPTORS = 200;
const CLIENTS = 320;
/** Of user and system time; a tick is 10 ms. */
const WINDOW_MS = 1000;
const TICKS_MAX = 20;

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

t.test("without descriptors it waits, and serves the queue later", async (t) => {
  const server = await startChild(t, {}, DESCRIPTORS);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
  let answered = 0;
  const answers = clients.map(async (client) => {
    const answer = await client.request(get());
    answered++;
    return answer.status;
  });
  await until("the limit", () => answered > 10);
  await server.prints("listenerError");
  const pid = server.child.pid!;
  await until("some quiet", async () => {
    const before = answered;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return answered === before;
  });
  t.ok(answered < CLIENTS, `${answered} answered under the limit`);
  const before = cpuTicks(pid);
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  const ticks = cpuTicks(pid) - before;
  t.ok(ticks <= TICKS_MAX, `${ticks} ticks in ${WINDOW_MS} ms`);
  const reports = server.printed().match(/^listenerError .*$/gm);
  t.strictSame(reports, ["listenerError EMFILE waits"], "told once, however often it is tried");
  // Each that goes makes room for one that waits.
  for (let index = 0; index < CLIENTS; index++) {
    t.equal(await answers[index], 200);
    clients[index]!.close();
  }
  const again = await server.connect();
  t.match(await again.request(get()), { status: 200, body: "hello" });
  server.child.kill("SIGKILL");
});
