/**
 * An async source with something to say while it is quiet: the items of the source as they come,
 * and `filler` whenever none has come for a while. One timer at a time, and only while somebody
 * waits for an item. Ending it early ends the source at once, also in the middle of an item. Any
 * thread.
 */
import { endAtOnce } from "./mapped-source.ts";

const QUIET = Symbol("quiet");

/** Nothing of the source is touched before the first `next`, which the next one waits for. */
export class TimedSource<T> implements AsyncIterableIterator<T, void> {
  readonly #source: AsyncIterable<T>;
  readonly #quietMs: number;
  readonly #filler: T;
  #items: AsyncIterator<T> | null = null;
  /** The item that comes next, which is still awaited behind a filler. */
  #awaited: Promise<IteratorResult<T, unknown>> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** `quietMs` 0: never a filler. */
  constructor(source: AsyncIterable<T>, quietMs: number, filler: T) {
    this.#source = source;
    this.#quietMs = quietMs;
    this.#filler = filler;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#isOver) return { done: true, value: undefined };
    this.#items ??= this.#source[Symbol.asyncIterator]();
    this.#awaited ??= this.#items.next();
    const item = await this.#orQuiet(this.#awaited);
    if (item === QUIET) return { done: false, value: this.#filler };
    this.#awaited = null;
    if (item.done !== true) return item;
    this.#isOver = true;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T, void>> {
    clearTimeout(this.#timer);
    if (!this.#isOver && this.#items !== null) endAtOnce(this.#items);
    this.#isOver = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  async #orQuiet<I>(next: Promise<I>): Promise<I | typeof QUIET> {
    if (this.#quietMs === 0) return await next;
    const quiet = new Promise<typeof QUIET>((resolve) => {
      this.#timer = setTimeout(resolve, this.#quietMs, QUIET);
    });
    try {
      return await Promise.race([next, quiet]);
    } finally {
      clearTimeout(this.#timer);
    }
  }
}
