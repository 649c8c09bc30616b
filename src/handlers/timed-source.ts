/**
 * An async source with something to say while it is quiet: the items of the source as they come,
 * and `filler` whenever none has come for a while. One timer at a time, and only while somebody
 * waits for an item. Ending it early ends the source. Any thread.
 */

const QUIET = Symbol("quiet");

/** `quietMs` 0: never a filler. */
export async function* withFiller<T>(
  source: AsyncIterable<T>,
  quietMs: number,
  filler: T,
): AsyncGenerator<T, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (let next = items.next(); ;) {
      const item = quietMs === 0 ? await next : await orQuiet(next, quietMs);
      if (item === QUIET) {
        yield filler;
        continue; // the same item is still awaited
      }
      if (item.done === true) {
        isOver = true;
        return;
      }
      yield item.value;
      next = items.next();
    }
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    // Not awaited: a source that is in the middle of an item ends when that has come.
    if (!isOver) void Promise.resolve(items.return?.()).catch(() => {});
  }
}

async function orQuiet<T>(next: Promise<T>, quietMs: number): Promise<T | typeof QUIET> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<typeof QUIET>((resolve) => {
    timer = setTimeout(resolve, quietMs, QUIET);
  });
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
