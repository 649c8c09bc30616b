/** Tests of sources whose items are made into something else. */
import t from "tap";
import { MappedSource } from "../../src/handlers/mapped-source.ts";

const OVER = { done: true, value: undefined };

t.test("each item of any iterable, in its order", async (t) => {
  async function* numbers(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
  for (const source of [numbers(), [1, 2]]) {
    const items = new MappedSource(source, (item: number) => item * 2);
    const all: number[] = [];
    for await (const item of items) all.push(item);
    t.strictSame(all, [2, 4]);
    t.strictSame(await items.next(), OVER);
  }
});

t.test("an item that cannot be made into something ends the source", async (t) => {
  let isEnded = false;
  function* source(): Generator<number> {
    try {
      yield 1;
      yield 2;
    } finally {
      isEnded = true;
    }
  }
  const items = new MappedSource(source(), () => {
    throw new Error("no such thing");
  });
  await t.rejects(items.next(), { message: "no such thing" });
  t.strictSame(await items.next(), OVER);
  t.equal(isEnded, true);
});
