/** The items of an iterable, each made into something else. Any thread. */
import { EarlySource, type Source } from "./early-source.ts";

export class MappedSource<T, U> extends EarlySource<T, U> {
  readonly #map: (item: T) => U;

  constructor(source: Source<T>, map: (item: T) => U) {
    super(source);
    this.#map = map;
  }

  protected async pull(items: AsyncIterator<T>): Promise<IteratorResult<U, void>> {
    const { value, done } = await items.next();
    if (done === true) return { done, value: undefined };
    try {
      return { done: false, value: this.#map(value) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }
}
