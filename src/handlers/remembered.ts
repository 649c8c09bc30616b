/**
 * Who gave the right password lately, as digests under a key that dies with the process: neither
 * names nor passwords are kept. Bounded: the oldest is forgotten first. Any thread.
 */
import { createHmac, randomBytes } from "node:crypto";

const REMEMBERED_MAX = 10_000;

export class Remembered {
  readonly #key = randomBytes(32);
  /** By digest, in the order in which they were added. */
  readonly #untilMs = new Map<string, number>();
  readonly #ms: number;

  /** `ms` 0: nobody is remembered. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  keyOf(user: string, password: string): string {
    const digest = createHmac("sha256", this.#key);
    return digest.update(JSON.stringify([user, password])).digest("base64");
  }

  has(key: string): boolean {
    const until = this.#untilMs.get(key);
    return until !== undefined && until > performance.now();
  }

  add(key: string): void {
    if (this.#ms === 0) return;
    this.#untilMs.delete(key);
    this.#untilMs.set(key, performance.now() + this.#ms);
    if (this.#untilMs.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#untilMs.keys();
    this.#untilMs.delete(oldest!);
  }

  clear(): void {
    this.#untilMs.clear();
  }
}
