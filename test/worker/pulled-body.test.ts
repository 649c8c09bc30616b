/** A body of pieces: asked for by need, collected within limit and budget, read once. */
import { finished } from "node:stream/promises";
import t from "tap";
import type { Chunk } from "../../src/worker/body-rules.ts";
import { PulledBody } from "../../src/worker/pulled-body.ts";
import { budgetOf } from "../support/received.ts";

class Pieces extends PulledBody {
  readonly calls: string[] = [];
  readonly #texts: string[];

  constructor(texts: string[], owner = budgetOf({}), length = -1) {
    super(length, owner);
    this.#texts = [...texts];
  }

  expect(): void {
    this.calls.push("expect");
  }

  protected async next(): Promise<Chunk | null> {
    this.calls.push("next");
    const text = this.#texts.shift();
    return text === undefined ? null : new Uint8Array(Buffer.from(text));
  }

  protected async stop(): Promise<void> {
    this.calls.push("stop");
  }
}

t.test("in each way", async (t) => {
  t.equal(await new Pieces(["\ufeffa", "b"]).text(), "ab");
  t.equal(await new Pieces([]).text(), "");
  const one = await new Pieces(["abc"]).bytes();
  t.same([one.length, one.buffer.byteLength], [3, 3]);
  const body = new Pieces(["a", "b"]);
  const reader = body.stream().getReader();
  t.same(body.calls, [], "nothing is asked for before somebody reads");
  t.same((await reader.read()).value, new Uint8Array([97]));
  t.same(body.calls, ["next"]);
  t.same((await reader.read()).value, new Uint8Array([98]));
  t.ok((await reader.read()).done);
  await reader.cancel();
  t.same(body.calls, ["next", "next", "next"]);
});

t.test("once, whole or as the stream", async (t) => {
  const whole = new Pieces(["a"]);
  await whole.text();
  await t.rejects(whole.bytes(), TypeError);
  await t.rejects(whole.stream().getReader().read(), TypeError);
  const read = new Pieces(["a", "b"]);
  await read.stream().getReader().read();
  await t.rejects(read.bytes(), TypeError);
  const cancelled = new Pieces(["a"]);
  await cancelled.stream().cancel();
  t.same(cancelled.calls, ["stop"]);
  await t.rejects(cancelled.bytes(), TypeError);
});

t.test("whole behind the back of its stream, which ends as the body does", async (t) => {
  const body = new Pieces(["a", "b"]);
  const stream = body.stream();
  t.equal(body.stream(), stream);
  const text = body.text();
  t.ok(stream.locked);
  t.equal(await text, "ab");
  await finished(stream as never);
  const large = new Pieces(["abc"], budgetOf({ bodyBytesMax: 2 }));
  const failing = large.stream();
  const failed = finished(failing as never);
  await t.rejects(large.text(), { name: "HttpError", status: 413, close: true });
  await t.rejects(failed, { name: "HttpError", status: 413 });
});

t.test("limits", async (t) => {
  const limits = { bodyBytesMax: 3, bodyStreamBytesMax: 2 };
  t.equal(await new Pieces(["ab", "c"], budgetOf(limits)).text(), "abc");
  const long = new Pieces(["ab", "cd", "e"], budgetOf(limits));
  await t.rejects(long.text(), { name: "HttpError", status: 413 });
  t.same(long.calls, ["next", "next", "stop"]);
  const declared = new Pieces(["abcd"], budgetOf(limits), 4);
  await t.rejects(declared.text(), { name: "HttpError", status: 413 });
  t.same(declared.calls, ["stop"], "refused before it is asked for");
  const streamed = new Pieces(["abc"], budgetOf(limits));
  await t.rejects(streamed.stream().getReader().read(), { name: "HttpError", status: 413 });
  const free = new Pieces(["abc"], budgetOf(limits)).handOver(() => false).getReader();
  t.equal((await free.read()).value?.length, 3);
});

t.test("the budget", async (t) => {
  const piece = "x".repeat(50_000);
  const owner = budgetOf({ budget: 120_000 });
  t.equal((await new Pieces([piece, piece], owner).text()).length, 100_000);
  t.equal(owner.held, 0);
  const large = new Pieces([piece, piece, piece], owner);
  await t.rejects(large.bytes(), { name: "HttpError", status: 503 });
  t.equal(large.calls.at(-1), "stop");
  t.equal(owner.held, 0);
  const short = new Pieces(["x".repeat(60_000)], budgetOf({ budget: 0 }));
  t.equal((await short.text()).length, 60_000, "a short one is always let through");
});

t.test("who holds it wants 100 Continue", async (t) => {
  const body = new Pieces(["a"]);
  const stream = body.stream();
  body.expectIfHeld();
  t.same(body.calls, []);
  stream.getReader();
  body.expectIfHeld();
  t.same(body.calls, ["expect"]);
  const whole = new Pieces(["a"], budgetOf({ bodyBytesMax: 0 }), 1);
  void whole.stream();
  await t.rejects(whole.text(), { name: "HttpError", status: 413 });
  whole.expectIfHeld();
  t.same(whole.calls, ["stop"], "not for what has been refused");
  const given = new Pieces(["a"]);
  let isHeld = false;
  given.handOver(() => isHeld).getReader();
  given.expectIfHeld();
  isHeld = true;
  given.expectIfHeld();
  t.same(given.calls, ["expect"], "who has taken it over knows");
});
