/** One body for two: each at its own pace and within its own limits, and what waits counts. */
import t from "tap";
import { tooLarge } from "../../src/worker/body-rules.ts";
import { splitBody } from "../../src/worker/body-split.ts";
import { ReadyBody } from "../../src/worker/ready-body.ts";
import { RequestBody } from "../../src/worker/request-body.ts";
import { budgetOf } from "../support/received.ts";
import type { Budget } from "../support/received.ts";

const piece = (length: number): Buffer => Buffer.alloc(length, 120);

function bodyOf(owner: Budget, lengths: number[], length = -1): RequestBody {
  const body = new RequestBody(length, owner);
  for (const each of lengths) body.push(piece(each), 0, each);
  return body;
}

t.test("each reads all of it, in buffers of its own", async (t) => {
  const body = bodyOf(budgetOf({}), [5, 6]);
  const [one, other] = splitBody(body);
  body.end();
  const [whole, chunks] = [await one.bytes(), [] as Uint8Array[]];
  t.equal(whole.length, 11);
  whole.fill(0);
  for await (const chunk of other.stream()) chunks.push(chunk);
  t.equal(Buffer.concat(chunks).toString(), "x".repeat(11));
  const [, ...rest] = chunks;
  t.ok(rest.every((chunk) => chunk.length === chunk.buffer.byteLength));
  await t.rejects(body.bytes(), TypeError, "it is theirs");
});

t.test("of a body that is here already", async (t) => {
  const ready = new ReadyBody(Buffer.from(".abc."), 1, 3, budgetOf({}), false);
  const stream = ready.stream();
  const [one, other] = splitBody(ready);
  t.ok(stream.locked);
  t.equal(one.textNow?.(), "abc");
  t.equal(await other.text(), "abc");
  await t.rejects(ready.text(), TypeError);
});

t.test("a split one can be split again", async (t) => {
  const body = bodyOf(budgetOf({}), [5]);
  const [one, other] = splitBody(body);
  const [third, fourth] = splitBody(other);
  body.end();
  const texts = await Promise.all([one, third, fourth].map((each) => each.text()));
  t.same(texts, ["xxxxx", "xxxxx", "xxxxx"]);
});

t.test("limits are those of each reader", async (t) => {
  const owner = budgetOf({ bodyBytesMax: 10, bodyStreamBytesMax: 5 });
  const declared = splitBody(bodyOf(owner, [], 11));
  for (const each of declared) await t.rejects(each.text(), tooLarge(10));
  t.same(owner.calls, ["pause"], "nothing has been asked for, and nobody wants it");
  const body = bodyOf(owner, [6]);
  const [one, other] = splitBody(body);
  body.end();
  await t.rejects(one.stream().getReader().read(), { name: "HttpError", status: 413, close: true });
  t.equal((await other.text()).length, 6);
});

t.test("one that has its reader cannot be split, and keeps its limits", async (t) => {
  const body = bodyOf(budgetOf({ bodyStreamBytesMax: 5 }), [6]);
  const reader = body.stream().getReader();
  t.throws(() => splitBody(body), TypeError);
  await t.rejects(reader.read(), { name: "HttpError", status: 413 });
});

t.test("what waits for the slower one counts until it is read, or dropped", async (t) => {
  const owner = budgetOf({ budget: 200_000 });
  const body = bodyOf(owner, [50_000]);
  const [fast, slow] = splitBody(body);
  body.end();
  t.equal((await fast.bytes()).length, 50_000);
  t.equal(owner.held, 50_000);
  t.equal((await slow.bytes()).length, 50_000);
  t.equal(owner.held, 0);
  const again = bodyOf(owner, [50_000]);
  const [first, second] = splitBody(again);
  again.end();
  await first.bytes();
  t.equal(owner.held, 50_000);
  await second.stream().cancel();
  t.equal(owner.held, 0);
});

t.test("beyond the budget both fail", async (t) => {
  const owner = budgetOf({ budget: 150_000 });
  const body = bodyOf(owner, []);
  const [fast, slow] = splitBody(body);
  const reader = fast.stream().getReader();
  for (let at = 0; at < 2; at++) {
    const read = reader.read();
    await new Promise(setImmediate);
    body.push(piece(50_000), 0, 50_000);
    t.equal((await read).value?.length, 50_000);
  }
  t.equal(owner.held, 100_000);
  const read = reader.read();
  await new Promise(setImmediate);
  body.push(piece(50_000), 0, 50_000);
  await t.rejects(read, { name: "HttpError", status: 503, close: true });
  await t.rejects(slow.text(), { name: "HttpError", status: 503 });
  t.equal(owner.held, 0);
});

t.test("an error of the body reaches both", async (t) => {
  const body = bodyOf(budgetOf({}), [5]);
  const [one, other] = splitBody(body);
  const text = one.text();
  body.fail(new RangeError("cut"));
  await t.rejects(text, RangeError);
  await t.rejects(other.stream().getReader().read(), RangeError);
});

t.test("it is dropped when both are", async (t) => {
  const owner = budgetOf({});
  const [one, other] = splitBody(bodyOf(owner, [5]));
  await one.stream().cancel();
  t.same(owner.calls, []);
  await other.stream().cancel();
  t.same(owner.calls, ["pause"]);
});

t.test("100 Continue is for who reads, or holds what will be read", async (t) => {
  const owner = budgetOf({});
  const body = new RequestBody(5, owner);
  const [one, other] = splitBody(body);
  body.expectIfHeld();
  t.same(owner.calls, [], "to clone is not to read");
  const [third] = splitBody(other);
  body.expectIfHeld();
  t.same(owner.calls, []);
  third.stream().getReader();
  body.expectIfHeld();
  t.same(owner.calls, ["expect"]);
  const text = one.text();
  body.push(piece(5), 0, 5);
  body.end();
  t.equal((await text).length, 5);
  t.same(owner.calls, ["expect"]);
});
