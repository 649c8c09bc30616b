/** Test of the clocks that handlers have set for themselves, with requests that are made up. */
import t from "tap";
import type { Exchange } from "../../src/worker/exchange.ts";
import { HandlerClocks } from "../../src/worker/handler-clocks.ts";

const TICK_MS = 5;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function request(): { isAnswered: boolean; isConnected: boolean } & Exchange {
  const made = { isAnswered: false, isConnected: true, host: { isConnected: () => true } };
  made.host.isConnected = () => made.isConnected;
  return made as unknown as { isAnswered: boolean; isConnected: boolean } & Exchange;
}

function start(): { readonly clocks: HandlerClocks; readonly expired: Exchange[] } {
  const expired: Exchange[] = [];
  return { clocks: new HandlerClocks((each) => expired.push(each), TICK_MS), expired };
}

t.test("each is over once, and never early", async (t) => {
  const { clocks, expired } = start();
  const [early, late] = [request(), request()];
  const began = performance.now();
  clocks.set(late, 60_000);
  clocks.set(early, 40);
  while (expired.length === 0) await pause(1);
  t.ok(performance.now() - began >= 40);
  await pause(10 * TICK_MS);
  t.strictSame(expired, [early]);
  t.notOk(clocks.has(early));
  t.ok(clocks.has(late));
  late.isAnswered = true;
});

t.test("what is answered or gone is forgotten", async (t) => {
  const { clocks, expired } = start();
  const [answered, gone] = [request(), request()];
  clocks.set(answered, 0);
  clocks.set(gone, 20);
  answered.isAnswered = true;
  gone.isConnected = false;
  while (clocks.has(answered) || clocks.has(gone)) await pause(1);
  t.strictSame(expired, []);
});

t.test("a later time takes the place of an earlier one; 0 sets no limit", async (t) => {
  const { clocks, expired } = start();
  const [free, bound] = [request(), request()];
  clocks.set(free, 1);
  clocks.set(free, 0);
  clocks.set(bound, 60_000);
  clocks.set(bound, 1);
  while (expired.length === 0) await pause(1);
  await pause(10 * TICK_MS);
  t.strictSame(expired, [bound]);
  t.ok(clocks.has(free));
  free.isAnswered = true;
});
