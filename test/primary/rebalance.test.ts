/** Tests that connections which have all landed on one worker are evened out under load. */
import t from "tap";
import type { Test } from "tap";
import type { ServeOptions } from "../../src/options.ts";
import type { RebalanceInfo } from "../../src/shared/worker-events.ts";
import { until } from "../support/deadline.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";
import type { LifecycleServer } from "../support/lifecycle.ts";
import { Traffic } from "../support/traffic.ts";

const CONNECTIONS = 64;
const FAIR = CONNECTIONS / 2;

interface Uneven {
  readonly server: LifecycleServer;
  readonly traffic: Traffic;
  readonly moves: RebalanceInfo[];
}

function countsOf({ server }: LifecycleServer): number[] {
  return server.stats().workers.map(({ connections }) => connections);
}

/** All connections on one of two workers: there was only one when they came. */
async function startUneven(t: Test, options: Omit<ServeOptions, "app">): Promise<Uneven> {
  const server = await startLifecycle(t, { workers: 1, ...options });
  const moves: RebalanceInfo[] = [];
  server.server.events.on("rebalance", (move: RebalanceInfo) => moves.push(move));
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => server.connect()));
  await Promise.all(clients.map((client) => client.request(get())));
  await server.server.scale(2);
  t.strictSame(countsOf(server), [CONNECTIONS, 0]);
  return { server, traffic: new Traffic(clients, "/burn"), moves };
}

function areEven(counts: readonly number[]): boolean {
  return counts.every((count) => Math.abs(count - FAIR) <= FAIR * 0.2);
}

t.test("64 busy connections of one worker are shared out, and no request fails", async (t) => {
  const { server, traffic, moves } = await startUneven(t, { rebalanceMs: 200 });
  await until("both to have as many", () => areEven(countsOf(server)), 20_000);
  await until("the event", () => moves.length > 0);
  t.ok(moves.length <= 6, `${moves.length} moves`);
  const { statuses, failures } = await traffic.stop();
  t.strictSame(failures, []);
  t.strictSame(Object.keys(statuses), ["200"]);
  const { connections } = server.server.stats().listeners[0]!;
  t.equal(connections, CONNECTIONS);
});

for (const options of [
  { rebalanceMs: 0 },
  { rebalanceMs: 20, balance: "client-address" },
] as const) {
  t.test(`nothing moves with ${JSON.stringify(options)}`, async (t) => {
    const server = await startLifecycle(t, { workers: 2, ...options });
    const moves: RebalanceInfo[] = [];
    server.server.events.on("rebalance", (move: RebalanceInfo) => moves.push(move));
    const [client] = [await server.connect()];
    const idle = await Promise.all(Array.from({ length: 10 }, () => server.connect()));
    await Promise.all(idle.map((each) => each.request(get())));
    const before = countsOf(server);
    const traffic = new Traffic([client], "/burn");
    await until("a second of work", () => traffic.answers >= 200);
    await traffic.stop();
    t.strictSame(countsOf(server), before);
    t.strictSame(moves, []);
  });
}
