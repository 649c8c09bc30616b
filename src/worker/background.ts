/** What apps go on with behind their answers: `context.waitUntil`. Any thread. */
import type { Log } from "../shared/app.ts";

export class Background {
  readonly #log: Log;
  readonly #running = new Set<Promise<unknown>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** A rejection is logged. */
  add(promise: Promise<unknown>): void {
    const settled = Promise.resolve(promise)
      .catch((error: unknown) => this.#log.error({ err: error }, "a waitUntil promise rejected"))
      .finally(() => this.#running.delete(settled));
    this.#running.add(settled);
  }

  /** Resolves when nothing is waited for any more, also what is added meanwhile. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
