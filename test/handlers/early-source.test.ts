/** Tests of iterators that can be ended at any time. */
import { Readable } from "node:stream";
import t from "tap";
import { EarlySource } from "../../src/handlers/early-source.ts";
import { within } from "../support/deadline.ts";

const OVER = { done: true, value: undefined };

class PlainSource<T> extends EarlySource<T, T> {
  protected async pull(items: AsyncIterator<T>): Promise<IteratorResult<T, void>> {
    return await items.next();
  }
}

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
  const items = new PlainSource(source);
  t.strictSame(await items.return(), OVER, "nothing was begun");
  t.equal(returned, 0);
  const begun = new PlainSource(source);
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
  const items = new PlainSource(waiting());
  void items.next();
  t.strictSame(await items.return(), OVER);
  go();
  await new Promise((resolve) => setImmediate(resolve));
});

t.test("so it does those of which nothing comes any more", async (t) => {
  const readable = new Readable({ read() {} });
  const reads = new PlainSource(readable);
  void reads.next().catch(() => {});
  await reads.return();
  t.equal(readable.destroyed, true);

  const cancelled = new Promise<void>((resolve) => {
    const stream = new ReadableStream<string>({ cancel: () => resolve() });
    const chunks = new PlainSource(stream);
    void chunks.next();
    void chunks.return();
  });
  await within("the stream to be cancelled", cancelled);
});
