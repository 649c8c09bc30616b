/**
 * All workers of a server: the generation that serves, and those before it that still end. Modules
 * never unload, so another version of the app is another pool of threads: it proves itself first,
 * then takes over the connections, and the old one ends.
 *
 * Reloads and changes of size happen one after the other, in the order of their calls.
 * Thread: the primary's.
 */
import type { ReloadResult } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ServeTask } from "../shared/messages.ts";
import { type PoolHost, WorkerPool } from "./pool.ts";
import type { Ready, WorkerChannel } from "./worker-channel.ts";

/** Generations that may end at a time: of more the oldest is at its deadline. */
const ENDING_MAX = 3;
/** How often connections without a worker are looked at. */
const ORPHAN_CHECK_MS = 250;
/** As kWorkersMax of core/server.h. */
export const WORKERS_MAX = 256;

type AppSource = ServeTask["app"];

/** A reload that has not begun: who asks for the same meanwhile is told when it is done. */
interface Waiting {
  readonly app: AppSource | undefined;
  readonly result: Promise<ReloadResult>;
}

export class Generations {
  readonly #host: PoolHost;
  readonly #orphanTimer: NodeJS.Timeout;
  #serving: WorkerPool;
  /** Proves itself. */
  #next: WorkerPool | null = null;
  /** The oldest first. */
  readonly #ending: WorkerPool[] = [];
  #newest = 1;
  #workers: number;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | null = null;
  #isClosing = false;

  constructor(host: PoolHost) {
    const { native, server, options } = host;
    if (options.watch && options.workers === 0) throw new MillraceError("ERR_MILLRACE_NO_WORKERS");
    this.#host = host;
    this.#workers = options.workers;
    this.#serving = new WorkerPool(host, { number: 1, app: options.app }, options.workers);
    this.#orphanTimer = setInterval(() => {
      native.expireOrphans(server, options.adoptTimeoutMs);
    }, ORPHAN_CHECK_MS);
    this.#orphanTimer.unref();
  }

  /** Of the generation that serves. */
  get generation(): number {
    return this.#serving.generation.number;
  }

  /** Its app. */
  get app(): AppSource {
    return this.#serving.generation.app;
  }

  /** The workers of all generations, the oldest first. */
  get channels(): WorkerChannel[] {
    return this.#pools().flatMap((pool) => Array.from(pool.channels));
  }

  #pools(): WorkerPool[] {
    return [...this.#ending, this.#serving, ...(this.#next === null ? [] : [this.#next])];
  }

  /** Starts the first generation: resolves when all its workers have loaded the app. */
  start(): Promise<Ready> {
    return this.#serving.start();
  }

  /** All listeners are bound: connections may come. */
  open(): Promise<void> {
    return this.#serving.open();
  }

  /** Kills a worker's thread; `error` is why it has ended. */
  terminate(channel: WorkerChannel, error: MillraceError): void {
    this.#pools().find((pool) => pool.channels.has(channel))?.terminate(channel, error);
  }

  /**
   * Loads the app anew, or `app` in its place. Resolves when the new workers have all new and all
   * idle connections. Rejects with what went wrong, and then nothing has changed. A call while the
   * same waits for its turn is that one.
   */
  reload(app?: AppSource): Promise<ReloadResult> {
    const waiting = this.#waiting;
    if (waiting !== null && isSame(waiting.app, app)) return waiting.result;
    const result = this.#inTurn(() => {
      if (this.#waiting?.result === result) this.#waiting = null;
      return this.#reload(app ?? this.#serving.generation.app);
    });
    this.#waiting = { app, result };
    return result;
  }

  /**
   * Another worker takes the place of this one, which is retired when the other serves. Resolves
   * when its idle connections have left. Rejects if the other cannot serve: nothing has changed.
   */
  recycle(channel: WorkerChannel): Promise<void> {
    return this.#inTurn(() => this.#serving.recycle(channel));
  }

  /** Resolves when there are as many workers, and the idle connections of fewer have moved. */
  scale(workers: number): Promise<void> {
    if (!Number.isInteger(workers) || workers < 1 || workers > WORKERS_MAX) {
      const message = `scale: workers must be an integer from 1 to ${WORKERS_MAX}`;
      return Promise.reject(new MillraceError("ERR_MILLRACE_OPTION_INVALID", message));
    }
    this.#waiting = null; // a reload that is asked for from here on comes after this
    return this.#inTurn(async () => {
      await this.#serving.scale(workers);
      this.#workers = workers;
    });
  }

  /** One change at a time; what the one before comes to is its caller's. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      this.#check();
      return change();
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #check(): void {
    if (this.#isClosing) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
    if (this.#workers === 0) throw new MillraceError("ERR_MILLRACE_NO_WORKERS");
  }

  async #reload(app: AppSource): Promise<ReloadResult> {
    const number = ++this.#newest;
    const next = new WorkerPool(this.#host, { number, app }, this.#workers);
    this.#next = next;
    this.#host.emit("reloading", { generation: number });
    try {
      await next.start();
      this.#check(); // the server may have begun to close meanwhile
      await next.open();
    } catch (error) {
      await next.discard();
      this.#next = null;
      const reason = this.#isClosing ? new MillraceError("ERR_MILLRACE_SERVER_CLOSED") : error;
      this.#host.emit("reloadFailed", { generation: number, error: reason });
      throw reason;
    }
    const old = this.#serving;
    this.#serving = next;
    this.#next = null;
    await this.#retire(old);
    const result: ReloadResult = { generation: number, workers: next.size };
    this.#host.emit("reload", result);
    return result;
  }

  /** Resolves when the idle connections have left. */
  async #retire(pool: WorkerPool): Promise<void> {
    this.#ending.push(pool);
    const left = pool.retire();
    const gone = (): void => void this.#ending.splice(this.#ending.indexOf(pool), 1);
    // Its threads have ended in either case.
    void pool.gone().then(gone, gone);
    if (this.#ending.length > ENDING_MAX) this.#ending[0]!.hurry();
    await left;
  }

  /** Ends all workers: their apps close. What does not end within the time is terminated. */
  async end(deadlineMs: number): Promise<void> {
    this.#close();
    await Promise.all(this.#pools().map((pool) => pool.end(deadlineMs)));
  }

  /** Terminates every thread now. */
  async destroy(): Promise<void> {
    this.#close();
    await Promise.all(this.#pools().map((pool) => pool.destroy()));
  }

  #close(): void {
    this.#isClosing = true;
    clearInterval(this.#orphanTimer);
  }
}

function isSame(a: AppSource | undefined, b: AppSource | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.kind === "module" && b.kind === "module" && a.href === b.href;
}
