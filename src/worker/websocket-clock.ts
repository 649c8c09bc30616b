/**
 * Time as WebSockets need it: one timer of a second for all of a worker, which runs only while
 * there are any. Thread: the engine's.
 */

/** Who is told of each second. */
export interface Ticking {
  tick(): void;
}

export class WebSocketClock {
  /** Seconds that it has run for. */
  now = 0;
  readonly #tickMs: number;
  readonly #ticking = new Set<Ticking>();
  #timer: NodeJS.Timeout | null = null;

  /** `tickMs` is shorter in tests. */
  constructor(tickMs: number = 1000) {
    this.#tickMs = tickMs;
  }

  add(ticking: Ticking): void {
    this.#ticking.add(ticking);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  remove(ticking: Ticking): void {
    this.#ticking.delete(ticking);
    if (this.#ticking.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.now++;
    for (const ticking of this.#ticking) ticking.tick();
  }
}
