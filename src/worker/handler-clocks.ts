/**
 * The clocks of handlers that have set one of their own: one timer for all of them, which runs only
 * while there are any. Native runs that of the listener; whoever is here has nothing to do with it
 * any more, also behind a handler that declines. Thread: the engine's.
 */
import type { Exchange } from "./exchange.ts";

/** As native's: a clock may be late by as much. */
const TICK_MS = 100;

export class HandlerClocks {
  readonly #expire: (exchange: Exchange) => void;
  readonly #tickMs: number;
  /** When each is over, as `performance.now()` has it. */
  readonly #deadlines = new Map<Exchange, number>();
  #timer: NodeJS.Timeout | null = null;

  /** `expire` is told once of each that has no answer then. `tickMs` is shorter in tests. */
  constructor(expire: (exchange: Exchange) => void, tickMs: number = TICK_MS) {
    this.#expire = expire;
    this.#tickMs = tickMs;
  }

  /** From now on, in place of what was set before. 0: no limit. */
  set(exchange: Exchange, milliseconds: number): void {
    const deadline = milliseconds === 0 ? Infinity : performance.now() + milliseconds;
    this.#deadlines.set(exchange, deadline);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs);
  }

  has(exchange: Exchange): boolean {
    return this.#deadlines.has(exchange);
  }

  #tick(): void {
    const now = performance.now();
    for (const [exchange, deadline] of this.#deadlines) {
      const isOver = exchange.isAnswered || !exchange.host.isConnected(exchange);
      if (!isOver && deadline > now) continue;
      this.#deadlines.delete(exchange);
      if (!isOver) this.#expire(exchange);
    }
    if (this.#deadlines.size > 0) return;
    clearInterval(this.#timer!);
    this.#timer = null;
  }
}
