/** Tests of the body of a target's answer; whole exchanges are tested with the proxy. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { piecesOf } from "../../src/handlers/proxy-exchange.ts";

function answerOf(read: (this: Readable) => void): IncomingMessage {
  return new Readable({ read }) as unknown as IncomingMessage;
}

t.test("whoever reads may take any time, the target may not", async (t) => {
  const answer = answerOf(() => {});
  const pieces = piecesOf(answer, 50);
  for (let i = 0; i < 3; i++) {
    answer.push("piece");
    t.equal(String((await pieces.next()).value), "piece");
    await sleep(120);
    t.equal(answer.destroyed, false);
  }
  await t.rejects(pieces.next(), { message: "the target has gone silent" });
  t.equal(answer.destroyed, true);
});

t.test("the end, early or not, ends the answer and the clock", async (t) => {
  const whole = answerOf(function () {
    this.push(null);
  });
  t.match(await piecesOf(whole, 600_000).next(), { done: true });
  const long = answerOf(function () {
    this.push("piece");
  });
  for await (const piece of piecesOf(long, 600_000)) {
    t.equal(String(piece), "piece");
    break;
  }
  t.equal(long.destroyed, true);
});
