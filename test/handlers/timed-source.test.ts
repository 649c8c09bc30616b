/** Tests of a source with a filler for quiet times. */
import t from "tap";
import { TimedSource } from "../../src/handlers/timed-source.ts";

/** Items that come when the test says so. */
class Handed {
  readonly #waiting: ((result: IteratorResult<string, void>) => void)[] = [];
  returned = 0;

  give(value: string): void {
    this.#waiting.shift()!({ done: false, value });
  }

  [Symbol.asyncIterator](): AsyncIterator<string, void> {
    return {
      next: () => new Promise((resolve) => this.#waiting.push(resolve)),
      return: () => {
        this.returned++;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

t.test("fillers come while the source is quiet, and no item is lost or comes twice", async (t) => {
  const source = new Handed();
  const items = new TimedSource(source, 5, "-");
  t.strictSame((await items.next()).value, "-");
  t.strictSame((await items.next()).value, "-");
  const next = items.next();
  source.give("a");
  t.strictSame((await next).value, "a");
  t.strictSame((await items.next()).value, "-");
  await items.return();
  t.equal(source.returned, 1);
});

t.test("however long it is quiet, few reactions are left on the item that comes", async (t) => {
  let asked = 0;
  class Counted<T> extends Promise<T> {
    // oxlint-disable-next-line unicorn/no-thenable -- what is left on a promise is to be counted
    override then<A, B>(
      taken?: (value: T) => A | PromiseLike<A>,
      failed?: (error: unknown) => B | PromiseLike<B>,
    ): Promise<A | B> {
      asked++;
      return super.then(taken, failed);
    }
  }
  let give: (value: string) => void = () => {};
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Counted((resolve) => {
        give = (value) => resolve({ done: false, value });
      }),
    }),
  };
  const items = new TimedSource(source, 1, "-");
  for (const value of ["a", "b"]) {
    for (let fillers = 0; fillers < 50; fillers++) t.equal((await items.next()).value, "-");
    give(value);
    t.equal((await items.next()).value, value);
    t.ok(asked <= 2, `${asked} times`);
    asked = 0;
  }
});

t.test("an error that comes while nobody asks is that of the next call", async (t) => {
  let fail: (error: Error) => void = () => {};
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((_, reject) => {
        fail = reject;
      }),
    }),
  };
  const items = new TimedSource(source, 1, "-");
  t.equal((await items.next()).value, "-");
  fail(new Error("spring dry"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await t.rejects(items.next(), { message: "spring dry" });
});

t.test("a source in the middle of an item holds nobody up who ends it", async (t) => {
  const source = new Handed();
  const items = new TimedSource(source, 1, "-");
  await items.next();
  t.strictSame(await items.return(), { done: true, value: undefined });
  t.equal(source.returned, 1);
});

t.test("it ends its source at once, also while an item is awaited", async (t) => {
  for (const quietMs of [0, 600_000]) {
    const source = new Handed();
    const items = new TimedSource(source, quietMs, "-");
    void items.next();
    t.strictSame(await items.return(), { done: true, value: undefined });
    t.equal(source.returned, 1);
    await items.return();
    t.equal(source.returned, 1, "once");
    t.strictSame(await items.next(), { done: true, value: undefined });
  }
  const untouched = new TimedSource(new Handed(), 0, "-");
  t.strictSame(await untouched.return(), { done: true, value: undefined });
});

t.test("without a time there is no filler; the end and the error are the source's", async (t) => {
  async function* failing(): AsyncGenerator<string> {
    yield "a";
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error("spring dry");
  }
  const seen: string[] = [];
  await t.rejects(async () => {
    for await (const item of new TimedSource(failing(), 0, "-")) seen.push(item);
  }, { message: "spring dry" });
  t.strictSame(seen, ["a"]);

  async function* short(): AsyncGenerator<string> {
    yield "a";
  }
  const all: string[] = [];
  for await (const item of new TimedSource(short(), 1000, "-")) all.push(item);
  t.strictSame(all, ["a"]);
});
