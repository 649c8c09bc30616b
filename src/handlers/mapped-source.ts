/**
 * The items of an iterable, each made into something else. No generator, since the `return` of one
 * that awaits an item takes effect when that has come, which may be never: this one ends its source
 * at once. Any thread.
 */

/** Nothing of the source is touched before the first `next`, which the next one waits for. */
export class MappedSource<T, U> implements AsyncIterableIterator<U, void> {
  readonly #source: AsyncIterable<T> | Iterable<T>;
  readonly #map: (item: T) => U;
  #items: AsyncIterator<T> | null = null;
  #isOver = false;

  constructor(source: AsyncIterable<T> | Iterable<T>, map: (item: T) => U) {
    this.#source = source;
    this.#map = map;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<U, void>> {
    if (this.#isOver) return { done: true, value: undefined };
    this.#items ??= iteratorOf(this.#source);
    const { value, done } = await this.#items.next();
    if (done === true) {
      this.#isOver = true;
      return { done, value: undefined };
    }
    try {
      return { done: false, value: this.#map(value) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  return(): Promise<IteratorResult<U, void>> {
    if (!this.#isOver && this.#items !== null) endAtOnce(this.#items);
    this.#isOver = true;
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** Not waited for: a generator in the middle of an item ends when that has come. */
export function endAtOnce(items: AsyncIterator<unknown>): void {
  try {
    void Promise.resolve(items.return?.()).catch(() => {});
  } catch {
    // The source's own clean-up has failed; there is nobody left to tell.
  }
}

function iteratorOf<T>(source: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return (async function* () {
    yield* source;
  })();
}
