/** Tests of the clock that the WebSockets of a worker share. */
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { WebSocketClock } from "../../src/worker/websocket-clock.ts";

const TICK_MS = 2;

t.test("one timer tells everybody, as long as there is somebody", async (t) => {
  const clock = new WebSocketClock(TICK_MS);
  let told = 0;
  let toldOnce = 0;
  const one = { tick: () => void told++ };
  const other = { tick: () => { toldOnce++; clock.remove(other); } };
  await delay(10 * TICK_MS);
  t.equal(clock.now, 0, "nobody needs it");
  clock.add(one);
  clock.add(other);
  while (clock.now < 3) await delay(TICK_MS);
  t.equal(told, clock.now);
  t.equal(toldOnce, 1);
  clock.remove(one);
  clock.remove(one);
  const stoppedAt = clock.now;
  await delay(10 * TICK_MS);
  t.equal(clock.now, stoppedAt, "it has stopped");
  clock.add(one);
  while (clock.now === stoppedAt) await delay(TICK_MS);
  t.equal(told, clock.now, "and runs again");
  clock.remove(one);
});
