/** Waiting for something, but not for ever. Thread: the primary's. */

/** What the promise comes to, or `late` when the time is over; it goes on all the same. */
export async function within<T, const L>(
  promise: Promise<T>,
  timeoutMs: number,
  late: L,
): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<L>((resolve) => (timer = setTimeout(resolve, timeoutMs, late)));
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
