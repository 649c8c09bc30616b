/**
 * Listeners that come and go while the worker runs. One with an app or rows of its own is loaded
 * and proved before anything changes here; if it goes meanwhile, nobody waits for that any more.
 * Thread: the engine's.
 */
import type { ListenerFacts } from "../shared/messages.ts";
import type { App } from "../shared/app.ts";
import type { TableFacts } from "../shared/routes.ts";
import type { Apps } from "./apps.ts";
import type { RouteTable } from "./route-table.ts";
import { labelOf, type RouteTables, withLabel } from "./route-tables.ts";

export interface AddedListenersHost {
  readonly apps: Apps;
  readonly tables: RouteTables;
  /** From now on; not within a batch. */
  setListener(index: number, facts: ListenerFacts | null, table: RouteTable | undefined): void;
  /** A table has come. */
  tell(facts: TableFacts): void;
}

interface Load {
  readonly done: Promise<void>;
  /** Another message about the same index has come. */
  cancel(): void;
}

export class AddedListeners {
  readonly #host: AddedListenersHost;
  /** By index, what is under way. */
  readonly #loads = new Map<number, Load>();
  /** By index, why one that there should be is not there. */
  readonly #failed = new Map<number, unknown>();
  #isRetired = false;

  constructor(host: AddedListenersHost) {
    this.#host = host;
  }

  /** The worker takes no new connections: it needs no listener that comes from here on. */
  retire(): void {
    this.#isRetired = true;
  }

  /**
   * There is this listener from now on, or none any more. Resolves when it is so, or when another
   * call has made it pointless. Rejects with what is wrong with its app or rows.
   */
  async set(index: number, facts: ListenerFacts | null): Promise<void> {
    this.#loads.get(index)?.cancel();
    this.#loads.delete(index);
    this.#failed.delete(index);
    if (facts === null || (facts.app ?? facts.routes) === undefined) {
      this.#replace(index, facts, undefined);
    } else if (!this.#isRetired) {
      await this.#begin(index, facts);
    }
  }

  /** Resolves when nothing is under way; rejects with why a listener that is wanted is not here. */
  async settled(): Promise<void> {
    while (this.#loads.size > 0) {
      await Promise.all(Array.from(this.#loads.values(), ({ done }) => done.catch(() => {})));
    }
    for (const error of this.#failed.values()) throw error;
  }

  #begin(index: number, facts: ListenerFacts): Promise<void> {
    const canceller = new AbortController();
    const { signal } = canceller;
    const cancelled = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
    const done = Promise.race([this.#load(index, facts, signal), cancelled]).then(
      () => this.#end(index, signal, undefined),
      (error: unknown) => {
        this.#end(index, signal, error);
        throw error;
      },
    );
    this.#loads.set(index, { done, cancel: () => canceller.abort() });
    return done;
  }

  #end(index: number, { aborted }: AbortSignal, error: unknown): void {
    if (aborted) return;
    this.#loads.delete(index);
    if (error !== undefined) this.#failed.set(index, error);
  }

  async #load(index: number, facts: ListenerFacts, signal: AbortSignal): Promise<void> {
    const { apps, tables } = this.#host;
    const label = labelOf(facts);
    const number = index + 1;
    let app: App | undefined;
    try {
      if (facts.app !== undefined) await apps.init((app = await apps.load(number, facts.app)));
      const table = tables.make(index, { label, app, rows: facts.routes })!;
      // A promise may settle in the middle of a batch.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      this.#replace(index, facts, table);
      this.#host.tell(table.facts);
    } catch (error) {
      if (app !== undefined) apps.release(number, app);
      throw withLabel(label, error);
    }
  }

  #replace(index: number, facts: ListenerFacts | null, table: RouteTable | undefined): void {
    const { apps, tables } = this.#host;
    const before = tables.own(index);
    this.#host.setListener(index, facts, table);
    if (before !== undefined) apps.release(before.number, before.app);
  }
}
