/**
 * An async source with something to say while it is quiet: the items of the source as they come,
 * and `filler` whenever none has come for a while. One timer at a time, and only while somebody
 * waits for an item. Any thread.
 */
import { EarlySource } from "./early-source.ts";

export class TimedSource<T> extends EarlySource<T, T> {
  readonly #quietMs: number;
  readonly #filler: T;
  /** The item that comes next, which is still awaited behind a filler. */
  #awaited: Promise<IteratorResult<T, unknown>> | null = null;
  #hasCome = false;
  #onCome: (() => void) | null = null;
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
    this.#awaited ??= this.#watched(Promise.resolve(items.next()));
    if (!this.#hasCome && !(await this.#comes())) return { done: false, value: this.#filler };
    const item = await this.#awaited;
    this.#awaited = null;
    return item.done === true ? { done: true, value: undefined } : item;
  }

  /** One reaction an item: each further one would stay on a promise that is pending for hours. */
  #watched<I>(next: Promise<I>): Promise<I> {
    const come = (): void => {
      this.#hasCome = true;
      this.#onCome?.();
    };
    // Without a time the item is simply awaited, and a failure is that of who asks.
    this.#hasCome = this.#quietMs === 0;
    if (this.#quietMs > 0) next.then(come, come);
    return next;
  }

  /** Whether the item comes before it has been quiet for too long. */
  #comes(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, this.#quietMs, false);
      this.#onCome = () => {
        clearTimeout(this.#timer);
        resolve(true);
      };
    });
  }
}
