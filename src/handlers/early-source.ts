/**
 * An iterator over a source that can be ended at any time. No generator, since the `return` of one
 * that awaits an item takes effect when that has come, which may be never: this one ends its source
 * at once, and does not wait for it. Any thread.
 */
import { iteratorOf } from "../worker/pump.ts";

export type Source<T> = AsyncIterable<T> | Iterable<T>;

/** Throws a TypeError that begins with `what`, the name of the call. */
export function checkSource(what: string, source: unknown): void {
  const given = Object(source) as object;
  if (Symbol.asyncIterator in given || Symbol.iterator in given) return;
  throw new TypeError(`${what}: the source is not iterable`);
}

/** Nothing of the source is touched before the first `next`, which the next one waits for. */
export abstract class EarlySource<T, U> implements AsyncIterableIterator<U, void> {
  readonly #source: Source<T>;
  #items: AsyncIterator<T> | null = null;
  #isOver = false;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<U, void>> {
    if (this.#isOver) return { done: true, value: undefined };
    this.#items ??= begun(this.#source);
    const result = await this.pull(this.#items);
    if (result.done === true) this.#isOver = true;
    return result;
  }

  return(): Promise<IteratorResult<U, void>> {
    if (!this.#isOver && this.#items !== null) endAtOnce(this.#items);
    this.#isOver = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** What comes next. */
  protected abstract pull(items: AsyncIterator<T>): Promise<IteratorResult<U, void>>;
}

function begun<T>(source: Source<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in source) return iteratorOf(source) as AsyncIterator<T>;
  return (async function* () {
    yield* source;
  })();
}

/** A generator in the middle of an item ends when that has come. */
function endAtOnce(items: AsyncIterator<unknown>): void {
  try {
    void Promise.resolve(items.return?.()).catch(() => {});
  } catch {
    // The source's own clean-up has failed; there is nobody left to tell.
  }
}
