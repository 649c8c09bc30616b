/** A limit of time on what a test waits for, with an error that says what it was. */

export const DEADLINE_MS = 10_000;

/** Settles as `waited` does, or rejects after `ms` with what was waited for. */
export async function within<T>(
  what: string | (() => string),
  waited: Promise<T>,
  ms: number = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = typeof what === "string" ? what : what();
      reject(new Error(`waited ${ms} ms for ${text}`));
    }, ms);
  });
  try {
    return await Promise.race([waited, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until `holds` is true. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms: number = DEADLINE_MS,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
