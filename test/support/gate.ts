/**
 * A gate in shared memory: handlers on worker threads wait at it, and the test sees how many do.
 * It reaches them as the `data` of a listener. Any thread.
 */
import { until } from "./deadline.ts";

const ARRIVED = 0;
const OPEN = 1;
/** How often a handler that waits looks at the gate. */
const LOOK_MS = 2;

export class Gate {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** In a handler: waits, and its thread goes on. */
  async pass(): Promise<void> {
    Atomics.add(this.#words, ARRIVED, 1);
    while (Atomics.load(this.#words, OPEN) === 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** In a handler: waits, and its thread stands still. */
  passBlocking(): void {
    Atomics.add(this.#words, ARRIVED, 1);
    Atomics.wait(this.#words, OPEN, 0);
  }

  /** How many have come. */
  get count(): number {
    return Atomics.load(this.#words, ARRIVED);
  }

  async arrived(count: number = 1): Promise<void> {
    await until(`${count} at the gate`, () => this.count >= count);
  }

  open(): void {
    Atomics.store(this.#words, OPEN, 1);
    Atomics.notify(this.#words, OPEN);
  }
}
