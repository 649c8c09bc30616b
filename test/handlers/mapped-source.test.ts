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

t.test("it ends its source at once, also while an item is awaited", async (t) => {
  let returned = 0;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<string>>(() => {}),
      return() {
        returned++;
        throw new Error("spring dry"); // nobody is left to hear it
      },
    }),
  };
  const items = new MappedSource(source, (item) => item);
  t.strictSame(await items.return(), OVER, "nothing was begun");
  t.equal(returned, 0);
  const begun = new MappedSource(source, (item) => item);
  void begun.next();
  t.strictSame(await begun.return(), OVER);
  t.equal(returned, 1);
});

t.test("a generator that awaits holds nobody up, and what it throws harms nobody", async (t) => {
  let go!: () => void;
  const gone = new Promise<void>((resolve) => (go = resolve));
  async function* waiting(): AsyncGenerator<string> {
    try {
      await gone;
      yield "late";
    } finally {
      await Promise.reject(new Error("spring dry"));
    }
  }
  const items = new MappedSource(waiting(), (item) => item);
  void items.next();
  t.strictSame(await items.return(), OVER);
  go();
  await new Promise((resolve) => setImmediate(resolve));
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
