/** Limits of bodies: what a handler object may say, and what native is told. */
import t from "tap";
import type { HandlerObject } from "../../src/shared/app.ts";
import {
  declaredMax, declaredMaxOf, ownRules, ownTimes, tooLarge, unusableStream,
  wrongRule,
} from "../../src/worker/body-rules.ts";

const handle = (): string => "x";

t.test("what a handler object says", async (t) => {
  t.equal(ownRules({ handle }), null);
  const rules = { bodyBytesMax: 0, bodyStreamBytesMax: 5, decodeBodies: false, buffered: true };
  t.strictSame(ownRules({ handle, ...rules, match: () => true }), rules);
  t.equal(wrongRule({ handle, ...rules }), null);
  for (const bad of [-1, 1.5, NaN, "1", Infinity, null, 2 ** 60]) {
    const limit = { handle, bodyBytesMax: bad } as unknown as HandlerObject;
    t.match(wrongRule(limit), /bodyBytesMax must be an integer/, String(bad));
  }
  const times = { handlerTimeoutMs: 0, bodyTimeoutMs: 1, writeTimeoutMs: 2 ** 31 - 1 };
  t.strictSame(ownTimes(ownRules({ handle, ...rules, ...times })), times);
  t.strictSame(ownTimes({ bodyTimeoutMs: 7 }), { bodyTimeoutMs: 7 });
  t.equal(ownTimes(rules), null);
  t.equal(wrongRule({ handle, ...times }), null);
  t.match(wrongRule({ handle, bodyTimeoutMs: 0 }), /bodyTimeoutMs must be an integer from 1 to/);
  t.match(wrongRule({ handle, handlerTimeoutMs: 2 ** 31 }), /from 0 to 2147483647/);
  const flag = { handle, buffered: 1 } as unknown as HandlerObject;
  t.match(wrongRule(flag), /buffered must be true or false/);
});

t.test("the declared length that is refused at once", async (t) => {
  const own = { bodyBytesMax: 10, bodyStreamBytesMax: 20 };
  t.equal(declaredMax(own), 20);
  t.equal(declaredMax({ ...own, bodyStreamBytesMax: 0 }), 0);
  t.equal(declaredMaxOf(own, []), 20);
  t.equal(declaredMaxOf(own, [{ bodyBytesMax: 5 }, { bodyBytesMax: 50 }]), 50);
  t.equal(declaredMaxOf(own, [{ bodyStreamBytesMax: 0 }]), 0);
  t.equal(declaredMaxOf({ ...own, bodyStreamBytesMax: 0 }, [{ bodyStreamBytesMax: 1 }]), 0);
});

t.test("errors", async (t) => {
  t.match(tooLarge(7), { status: 413, close: true, message: "the body is longer than 7 bytes" });
  await t.rejects(unusableStream().getReader().read(), TypeError);
});
