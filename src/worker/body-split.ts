/**
 * One body for two Requests, of which each reads at its own pace, whole or as a stream, and within
 * its own limits. As with `tee` of streams, the faster one asks for the pieces, and they wait for
 * the slower one; but here they count in the budget, and when that is used up, both fail.
 * Thread: the engine's.
 */
import { type Chunk, FREE_BYTES, overloaded } from "./body-rules.ts";
import { PulledBody } from "./pulled-body.ts";
import type { BodySource } from "./request-source.ts";

/** Two bodies in the place of one that nobody has read. */
export function splitBody(body: BodySource): [BodySource, BodySource] {
  return body.fork?.() ?? new Trunk(body).branches;
}

class Trunk {
  readonly branches: [Branch, Branch];
  readonly #body: BodySource;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #growing: Set<Branch>;
  #reading: Promise<void> | null = null;
  isEnded = false;
  /** Null: it has not failed. */
  failure: { readonly error: unknown } | null = null;

  constructor(body: BodySource) {
    this.#body = body;
    this.branches = [new Branch(body, this), new Branch(body, this)];
    this.#growing = new Set(this.branches);
    const isHeld = (): boolean => this.branches.some((branch) => branch.isHeld);
    this.#reader = body.handOver(isHeld).getReader();
  }

  expect(): void {
    this.#body.expect?.();
  }

  /** Another piece for all branches, or the end; both may wait for the same one. */
  async grow(): Promise<void> {
    this.#reading ??= this.#read();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      const { value, done } = await this.#reader.read();
      if (done) this.isEnded = true;
      else this.#hand(value as Chunk);
    } catch (error) {
      this.#fail(error);
    }
    this.#reading = null;
  }

  /** Each branch has a buffer of its own. */
  #hand(chunk: Chunk): void {
    let left = this.#growing.size;
    for (const branch of this.#growing) {
      if (branch.push(--left === 0 ? chunk : chunk.slice())) continue;
      const error = overloaded();
      this.#reader.cancel(error).catch(() => {});
      this.#fail(error);
      return;
    }
  }

  #fail(error: unknown): void {
    this.failure = { error };
    for (const branch of this.#growing) branch.clear();
    this.#growing.clear();
  }

  /** One branch is not read any more. When none is, nor is the trunk. */
  async drop(branch: Branch): Promise<void> {
    branch.clear();
    if (!this.#growing.delete(branch) || this.#growing.size > 0) return;
    await this.#reader.cancel();
  }
}

class Branch extends PulledBody {
  readonly #trunk: Trunk;
  #chunks: Chunk[] = [];
  #queued = 0;

  constructor(body: BodySource, trunk: Trunk) {
    super(body.length, body.owner);
    this.#trunk = trunk;
  }

  /** False: it is too much for the worker. */
  push(chunk: Chunk): boolean {
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    return this.owner.hold(chunk.length) || this.#queued <= FREE_BYTES;
  }

  clear(): void {
    this.owner.hold(-this.#queued);
    this.#chunks = [];
    this.#queued = 0;
  }

  expect(): void {
    this.#trunk.expect();
  }

  protected async next(): Promise<Chunk | null> {
    const trunk = this.#trunk;
    while (this.#chunks.length === 0) {
      if (trunk.failure !== null) throw trunk.failure.error;
      if (trunk.isEnded) return null;
      await trunk.grow();
    }
    const chunk = this.#chunks.shift()!;
    this.#queued -= chunk.length;
    this.owner.hold(-chunk.length);
    return chunk;
  }

  protected async stop(): Promise<void> {
    await this.#trunk.drop(this);
  }
}
