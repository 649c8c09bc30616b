/**
 * Lets one pump at a time take chunks from its source. Sources that are ready yield a chunk per
 * microtask, so many pumps at once would write a chunk each in turn, and each chunk would leave in
 * a send of its own; one after the other, a connection's chunks leave together.
 *
 * A pump whose source is not ready must not hold up the others: a tick runs when the microtasks
 * are done, and then the next pump has its turn. The catch: a tick per pump that waits.
 * Thread: the engine's.
 */
interface Pump {
  run(): void;
}

export class PumpQueue {
  readonly #waiting: Pump[] = [];
  #active: Pump | null = null;
  #isTicking = false;
  #isStarting = false;

  /** The pump has something to do: at once, or when it is its turn. */
  add(pump: Pump): void {
    if (this.#active === null) {
      this.#active = pump;
      pump.run();
      return;
    }
    this.#waiting.push(pump);
    if (this.#isTicking) return;
    this.#isTicking = true;
    queueMicrotask(this.#arm);
  }

  /** The pump waits for its socket, or has ended. */
  done(pump: Pump): void {
    if (this.#active !== pump) return;
    this.#active = null;
    this.#next();
  }

  /** One after the other until one has to wait: many may be done as soon as they run. */
  #next(): void {
    if (this.#isStarting) return; // by one that the loop below has started
    this.#isStarting = true;
    try {
      do {
        const pump = this.#waiting.shift();
        if (pump === undefined) return;
        this.#active = pump;
        pump.run();
      } while (this.#active === null);
    } finally {
      this.#isStarting = false;
    }
  }

  /** A tick that is queued by a microtask runs when no microtask is left. */
  readonly #arm = (): void => process.nextTick(this.#onTick);

  /** The active pump waits for its source: the next one need not. */
  readonly #onTick = (): void => {
    this.#isTicking = this.#waiting.length > 0;
    if (!this.#isTicking) return;
    queueMicrotask(this.#arm);
    this.#next();
  };
}
