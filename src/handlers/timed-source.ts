/**
 * An async source with something to say while it is quiet: the items of the source as they come,
 * and `filler` whenever none has come for a while. One timer at a time, and only while somebody
 * waits for an item. Any thread.
 */
import { EarlySource } from "./early-source.ts";

const QUIET = Symbol("quiet");

export class TimedSource<T> extends EarlySource<T, T> {
  readonly #quietMs: number;
  readonly #filler: T;
  /** The item that comes next, which is still awaited behind a filler. */
  #awaited: Promise<IteratorResult<T, unknown>> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `quietMs` 0: never a filler. */
  constructor(source: AsyncIterable<T>, quietMs: number, filler: T) {
    super(source);
    this.#quietMs = quietMs;
    this.#filler = filler;
  }

  override return(): Promise<IteratorResult<T, void>> {
    clearTimeout(this.#timer);
    return super.return();
  }

  protected async pull(items: AsyncIterator<T>): Promise<IteratorResult<T, void>> {
    this.#awaited ??= items.next();
    const item = await this.#orQuiet(this.#awaited);
    if (item === QUIET) return { done: false, value: this.#filler };
    this.#awaited = null;
    return item.done === true ? { done: true, value: undefined } : item;
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
