/**
 * The threads of a generation's workers: one Piscina pool, which starts them, limits their memory
 * and shuts them down. Each runs one task. Thread: the primary's.
 */
import { setTimeout } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { ServeTask } from "../shared/messages.ts";
import type { ResolvedOptions } from "../options.ts";

/** As kWorkersMax of core/server.h: how many slots there are, over all generations. */
const THREADS_MAX = 256;
/** What Piscina makes of an `idleTimeout` of 0, by setTimeout. */
const IDLE_MS = 1;

export interface ThreadOptions
  extends Pick<ResolvedOptions, "resourceLimits" | "execArgv" | "env"> {
  /** Its default export is the task. */
  readonly filename: string;
}

export class Threads {
  readonly #piscina: Piscina;
  #idleEnded: Promise<void> = Promise.resolve();

  /** `onLost`: a thread has ended before it could take its task, which waits for ever. */
  constructor(options: ThreadOptions, onLost: (error: unknown) => void) {
    const { filename, resourceLimits, execArgv, env } = options;
    this.#piscina = new Piscina({
      filename,
      // Each task brings its thread. A minimum would be filled up again whenever a thread ends,
      // even when that is after `destroy`.
      minThreads: 0,
      // There are never more than tasks: this is only what they may grow to.
      maxThreads: THREADS_MAX,
      idleTimeout: 0,
      concurrentTasksPerWorker: 1,
      // The default parks an idle worker's loop in Atomics.wait.
      atomics: "disabled",
      recordTiming: false,
      closeTimeout: 1000,
      ...(resourceLimits !== undefined && { resourceLimits: defined(resourceLimits) }),
      ...(execArgv !== undefined && { execArgv }),
      ...(env !== undefined && { env: defined(env) }),
    });
    this.#piscina.on("error", onLost);
  }

  /** Tasks that have no thread yet. */
  get queueSize(): number {
    return this.#piscina.queueSize;
  }

  /**
   * Resolves when a task would get a thread of its own. A thread whose task has ended lives until
   * Piscina's timer ends it, and would take another one with the modules it has loaded, of an app
   * that may have changed since.
   */
  async areFresh(): Promise<void> {
    let seen: Promise<void>;
    do await (seen = this.#idleEnded); while (seen !== this.#idleEnded);
  }

  /** Runs the task, when `areFresh` has resolved; `signal` kills its thread. */
  async run(task: ServeTask, port: MessagePort, signal: AbortSignal): Promise<void> {
    try {
      await this.#piscina.run(task, { transferList: [port], signal });
    } finally {
      // Begun after Piscina's, so it ends after it: timers of one duration keep their order.
      this.#idleEnded = setTimeout(IDLE_MS);
    }
  }

  /** Terminates every thread now. */
  async destroy(): Promise<void> {
    await this.#piscina.destroy();
  }
}

/** Without the members that are undefined, which Piscina would pass on. */
function defined<T extends object>(record: T): { [K in keyof T]: NonNullable<T[K]> } {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: NonNullable<T[K]> };
}
