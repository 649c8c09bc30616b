/**
 * The workers of one generation, which all run the same version of an app: one endless `serve` task
 * per thread, a new one when a worker has died. Who serves is decided here. With `workers: 0` the
 * same task runs on the primary's own loop. Thread: the primary's.
 */
import { fileOf } from "../shared/app-file.ts";
import { MillraceError } from "../shared/errors.ts";
import { CONTROL_VERSION, type ControlCall, type ServeTask } from "../shared/messages.ts";
import type { Handle, Native } from "../native.ts";
import type { ResolvedOptions } from "../options.ts";
import { destinationOf } from "../options/access-log.ts";
import type { PrimaryLog } from "./log.ts";
import { endRetired } from "./retirement.ts";
import { Threads } from "./threads.ts";
import { within } from "./within.ts";
import { type Ready, WorkerChannel } from "./worker-channel.ts";
import { raiseFirstLimits } from "./worker-heaps.ts";
import type { MessagePort } from "node:worker_threads";

/** A worker that lived for less than this has crashed in a loop with the one before it. */
const SHORT_LIFE_MS = 5000;
const BACKOFF_MS = 50;
const BACKOFF_MAX_MS = 5000;
/** How soon a slot is looked for again when all are taken. */
const SLOT_RETRY_MS = 250;
/** Deaths in a row after which the loop is reported. */
const CRASH_LOOP = 5;

// The task is started by its URL in both cases: the primary never imports the worker's code.
const extension = import.meta.url.endsWith(".ts") ? "cts" : "cjs";
const TASK_URL = new URL(`../worker/entry.${extension}`, import.meta.url);

export interface PoolHost {
  readonly native: Native;
  readonly server: Handle;
  readonly serverId: number;
  readonly instance: string;
  readonly options: ResolvedOptions;
  readonly log: PrimaryLog;
  /** Those that there are now, by index. */
  listeners(): ServeTask["listeners"];
  /** Numbers of workers are never given twice, whatever their generation. */
  nextWorkerId(): number;
  emit(event: string, detail: unknown): void;
  call(request: ControlCall): Promise<unknown>;
  /** A worker has got its slot, before it counts anything there. */
  spawned(channel: WorkerChannel): void;
  /** Its thread has ended; `isExpected`: the server is closing. */
  gone(channel: WorkerChannel, isExpected: boolean): void;
  /** Where it counts its requests; null when nobody asks for that. */
  seriesOf(channel: WorkerChannel): SharedArrayBuffer | null;
  /** The tables of routes that are no longer as its app has them. */
  routesOf(channel: WorkerChannel): ServeTask["routes"];
  /** Before a worker takes connections. Rejects if it cannot route as the others do. */
  admit(channel: WorkerChannel): Promise<void>;
  /** A replacement serves: what is being stopped must be stopped there too. */
  joined(channel: WorkerChannel): void;
}

/** What the workers of a generation have in common. */
export interface Generation {
  readonly number: number;
  readonly app: ServeTask["app"];
}

export class WorkerPool {
  readonly channels: Set<WorkerChannel> = new Set();
  readonly generation: Generation;
  readonly #host: PoolHost;
  readonly #threads: Threads | null;
  /** How many workers there should be: more are retired, fewer are being replaced. */
  #size: number;
  readonly #leaving = new Set<WorkerChannel>();
  readonly #hurried: Promise<void>;
  #hurry!: () => void;
  #deaths = 0;
  #isOpen = false;
  #isRetired = false;
  #isDiscarded = false;
  #isClosing = false;

  /** `workers`: 0 for none but the primary's own loop. */
  constructor(host: PoolHost, generation: Generation, workers: number) {
    this.#host = host;
    this.generation = generation;
    this.#size = Math.max(workers, 1);
    this.#hurried = new Promise((resolve) => (this.#hurry = resolve));
    const { resourceLimits, execArgv, env } = host.options;
    // Under load a thread that accepts each connection as it comes would interrupt a worker for
    // every one; left waiting until a worker sleeps, it accepts many and wakes the worker once:
    // 12 % less CPU per connection on one core. The catch: while all cores are busy, accepting
    // waits for the scheduler's slice, a few milliseconds.
    if (workers > 0) {
      host.native.yieldThread();
      raiseFirstLimits();
    }
    // What a running task throws its own promise tells. A thread that dies before it can take a
    // task leaves one in the queue.
    const onLost = (error: unknown): void => this.#threadLost(error);
    this.#threads = workers === 0
      ? null
      : new Threads({ filename: TASK_URL.href, resourceLimits, execArgv, env }, onLost);
  }

  /** How many workers there should be. */
  get size(): number {
    return this.#size;
  }

  /** Starts all workers. Resolves when each has loaded the app, rejects as the first one does. */
  async start(): Promise<Ready> {
    const started = Array.from({ length: this.#size }, () => this.#spawn());
    const ready = await Promise.all(started.map((channel) => channel.ready));
    return ready[0]!;
  }

  /** All listeners are bound: connections may come. Who is still loading is opened after that. */
  async open(): Promise<void> {
    this.#isOpen = true;
    const ready = [...this.channels].filter(({ state }) => state !== "starting");
    await Promise.all(ready.map((channel) => this.#openMailbox(channel)));
  }

  /**
   * Adds workers, or retires those of the highest seats. Resolves when those that were added serve,
   * and when the idle connections of those that leave have left. Rejects when a new one cannot
   * serve, and then there are as many as before.
   */
  async scale(size: number): Promise<void> {
    const before = this.#size;
    this.#size = size;
    const seatOf = (channel: WorkerChannel): number => this.#seats.get(channel)!;
    const staying = this.#staying.sort((a, b) => seatOf(a) - seatOf(b));
    await Promise.all(staying.slice(size).map((channel) => this.retireWorker(channel)));
    const added: WorkerChannel[] = [];
    try {
      while (staying.length + added.length < size) added.push(this.#spawn());
      await Promise.all(added.map((channel) => channel.ready));
      await Promise.all(added.map((channel) => this.#openMailbox(channel)));
    } catch (error) {
      this.#size = before;
      for (const channel of added) void this.retireWorker(channel);
      throw error;
    }
  }

  /** Starts another worker in the place of one, and retires that when the other serves. */
  async recycle(channel: WorkerChannel): Promise<void> {
    const isHere = (): boolean => this.channels.has(channel) && !this.#leaving.has(channel);
    if (!isHere() || this.#isClosing) return;
    const next = this.#spawn(this.#seats.get(channel));
    try {
      await next.ready;
      await this.#openMailbox(next);
    } catch (error) {
      if (this.#isClosing) return;
      throw error;
    }
    // It may have died meanwhile: then the other stands in for it already.
    if (isHere()) await this.retireWorker(channel);
  }

  /**
   * The end of a generation: nobody is replaced, each connection leaves as soon as it is idle, and
   * each worker ends with its last one or at the deadline. Resolves when those that are idle now
   * have left; `gone` follows.
   */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await Promise.all([...this.channels].map((channel) => this.retireWorker(channel)));
  }

  /** Resolves when the last worker of a retired generation has ended, and its threads with it. */
  async gone(): Promise<void> {
    while (this.channels.size > 0) {
      await Promise.all([...this.channels].map((channel) => this.#gone.get(channel)!));
    }
    await this.destroy();
  }

  /** Ends a worker and does not replace it. Resolves when its idle connections have left. */
  retireWorker(channel: WorkerChannel): Promise<void> {
    if (!this.channels.has(channel)) return Promise.resolve(); // it has ended already
    if (this.#leaving.has(channel)) return channel.retire();
    this.#leaving.add(channel);
    const { native, server } = this.#host;
    // From here on nobody gives it anything, also before it has heard of it.
    native.leaveWorker(server, channel.slot);
    const isServing = channel.state === "serving";
    if (!isServing) void channel.send({ type: "end" });
    const { deadlineMs } = this.#host.options;
    const gone = this.#gone.get(channel)!;
    const kill = (error: MillraceError): void => this.#abandon.get(channel)?.(error);
    const hurried = this.#hurried;
    void endRetired({ channel, gone, deadlineMs, hurried, kill });
    return isServing ? channel.retire() : Promise.resolve();
  }

  /** The deadline of those that are being retired is now. */
  hurry(): void {
    this.#hurry();
  }

  /** It has not come to serve: its threads end, and nothing else has changed. */
  async discard(): Promise<void> {
    this.#isDiscarded = true;
    await this.destroy();
  }

  /** Ends the workers: their apps close. What does not end within the time is terminated. */
  async end(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    const ended = Promise.all([...this.channels].map((channel) => {
      channel.state = channel.state === "dead" ? "dead" : "draining";
      const gone = this.#gone.get(channel)!;
      void channel.send({ type: "end" });
      return gone;
    }));
    await within(ended, deadlineMs, null);
    await this.destroy();
  }

  /** Terminates every thread now. */
  async destroy(): Promise<void> {
    this.#isClosing = true;
    const gone = [...this.channels].map((channel) => this.#gone.get(channel)!);
    await this.#threads?.destroy();
    for (const channel of this.channels) channel.close(closed());
    await Promise.all(gone);
  }

  /** Kills its thread; `error` is why it has ended. */
  terminate(channel: WorkerChannel, error: MillraceError): void {
    this.#abandon.get(channel)?.(error);
  }

  /** What the addresses of clients are bound to. */
  readonly #seats = new WeakMap<WorkerChannel, number>();

  readonly #gone = new WeakMap<WorkerChannel, Promise<void>>();

  /** Those whose task has been given to a thread, or to the queue. */
  readonly #given = new WeakSet<WorkerChannel>();

  readonly #abandon = new WeakMap<WorkerChannel, (error: MillraceError) => void>();

  /** The youngest worker has no thread any more: threads take tasks in the order of the queue. */
  #threadLost(error: unknown): void {
    if (this.#isClosing || this.#threads!.queueSize === 0) return;
    const waiting = [...this.channels].findLast((channel) => (
      channel.state === "starting" && this.#given.has(channel)
    ));
    if (waiting !== undefined) this.#abandon.get(waiting)?.(this.#died(waiting, error));
  }

  #died(channel: WorkerChannel, cause: unknown): MillraceError {
    const reason = cause instanceof Error ? cause.message : "its task ended";
    const when = channel.state === "starting" ? ` while it was loading ${this.#files}` : "";
    const message = `Worker ${channel.id} died${when}: ${reason}`;
    return new MillraceError("ERR_MILLRACE_WORKER_DIED", message, { cause });
  }

  /** What workers load. */
  get #files(): string {
    const apps = [this.generation.app, ...this.#host.listeners().map((each) => each?.app)];
    const files = new Set(apps.map((app) => app && fileOf(app)).filter((file) => file));
    return [...files].join(", ") || "the app";
  }

  #spawn(seat: number = this.#freeSeat()): WorkerChannel {
    const { native, server } = this.#host;
    const slot = native.addWorker(server, seat);
    if (slot < 0) {
      const message = "no slot for a worker: 256 are in use, those that are ending included";
      throw new MillraceError("ERR_MILLRACE_WORKER_DIED", message);
    }
    const id = this.#host.nextWorkerId();
    const { number } = this.generation;
    const channel = new WorkerChannel(id, slot, number, (request) => this.#host.call(request));
    this.#seats.set(channel, seat);
    this.#host.spawned(channel);
    this.channels.add(channel);
    this.#gone.set(channel, this.#supervise(channel));
    return channel;
  }

  /** The lowest: each generation has the same, so a client's address keeps its place in each. */
  #freeSeat(): number {
    const taken = new Set(this.#staying.map((channel) => this.#seats.get(channel)));
    let seat = 0;
    while (taken.has(seat)) seat++;
    return seat;
  }

  get #staying(): WorkerChannel[] {
    return [...this.channels].filter((channel) => !this.#leaving.has(channel));
  }

  async #supervise(channel: WorkerChannel): Promise<void> {
    let error: unknown;
    channel.ready.then(() => this.#joined(channel), () => {});
    try {
      await this.#run(channel);
    } catch (reason) {
      error = reason;
    }
    this.channels.delete(channel);
    const hasLeft = this.#leaving.delete(channel);
    channel.catchUp();
    const wasServing = channel.state === "serving";
    const death = channel.failure ?? this.#died(channel, error);
    channel.close(death);
    this.#host.native.removeWorker(this.#host.server, channel.slot);
    this.#host.gone(channel, this.#isClosing || hasLeft);
    if (this.#isClosing && !this.#isDiscarded) return;
    const { id, threadId, generation } = channel;
    const isExpected = (hasLeft && error === undefined) || this.#isDiscarded;
    const reason = channel.failure ?? (isExpected ? undefined : death);
    if (reason !== undefined && (this.#isOpen || wasServing)) {
      this.#host.log.error({ worker: id, err: reason }, "a worker has died");
    }
    this.#host.emit("workerExit", { id, threadId, generation, ...(reason && { error: reason }) });
    if (this.#isClosing || hasLeft) return;
    // Before the server is open a failure is the failure of serve().
    if (this.#isOpen || wasServing) this.#replace(channel);
  }

  async #run(channel: WorkerChannel): Promise<void> {
    const task = this.#task(channel);
    const signal = this.#initLimit(channel);
    if (this.#threads !== null) {
      await this.#threads.areFresh();
      if (this.#isClosing) throw closed();
      this.#given.add(channel);
      return await this.#threads.run(task, channel.workerPort, signal);
    }
    const module = (await import(TASK_URL.href)) as {
      default(task: ServeTask<MessagePort>): Promise<void>;
    };
    await module.default(task);
  }

  /** Aborts, which kills the thread, when the worker is not ready in time. */
  #initLimit(channel: WorkerChannel): AbortSignal {
    const { initTimeoutMs } = this.#host.options;
    const killer = new AbortController();
    this.#abandon.set(channel, (error) => {
      channel.fail(error);
      killer.abort();
      // With `workers: 0` there is no thread to kill: the task ends when its channel does.
      if (this.#threads === null) channel.close(closed());
    });
    const timer = setTimeout(() => {
      const limit = `${initTimeoutMs} ms (initTimeoutMs)`;
      const message = `A worker was not ready within ${limit}, while it was loading ${this.#files}`;
      this.#abandon.get(channel)?.(new MillraceError("ERR_MILLRACE_INIT_TIMEOUT", message));
    }, initTimeoutMs);
    const isDecided = (): void => clearTimeout(timer);
    channel.ready.then(isDecided, isDecided);
    return killer.signal;
  }

  #task(channel: WorkerChannel): ServeTask<MessagePort> {
    const { options, serverId, instance } = this.#host;
    return {
      version: CONTROL_VERSION,
      port: channel.workerPort,
      serverId,
      instance,
      slot: channel.slot,
      workerId: channel.id,
      generation: channel.generation,
      app: this.generation.app,
      listeners: this.#host.listeners(),
      options: {
        drainQuietMs: options.drainQuietMs,
        memoryBytesMax: options.memoryBytesMax,
        inFlightMax: options.inFlightMax,
        logLevel: options.logLevel,
        development: options.development,
        logDestination: destinationOf(options.logDestination),
      },
      series: this.#host.seriesOf(channel),
      routes: this.#host.routesOf(channel),
      memory: options.workerMemoryBytesMax > 0 ? channel.memory : null,
    };
  }

  #joined(channel: WorkerChannel): void {
    const { id, threadId, generation } = channel;
    this.#host.emit("workerStart", { id, threadId, generation });
    if (!this.#isOpen || this.#isClosing) return;
    this.#openMailbox(channel).catch((error: unknown) => {
      this.terminate(channel, isLate(error) ? error : this.#died(channel, error));
    });
  }

  readonly #opened = new WeakMap<WorkerChannel, Promise<void>>();

  /** Once; a worker that is to leave takes nothing. */
  #openMailbox(channel: WorkerChannel): Promise<void> {
    if (this.#leaving.has(channel)) return Promise.resolve();
    const known = this.#opened.get(channel);
    if (known !== undefined) return known;
    const opened = this.#admit(channel);
    this.#opened.set(channel, opened);
    return opened;
  }

  /** It takes connections once it routes as the others do. */
  async #admit(channel: WorkerChannel): Promise<void> {
    await this.#host.admit(channel);
    await this.#openInTime(channel);
    this.#host.joined(channel);
  }

  /** The app's code may have stopped to yield since the worker was ready. */
  async #openInTime(channel: WorkerChannel): Promise<void> {
    const { initTimeoutMs } = this.#host.options;
    const opened = channel.send({ type: "open" }).then(() => true);
    if (await within(opened, initTimeoutMs, false)) return;
    const limit = `${initTimeoutMs} ms (initTimeoutMs)`;
    const message = `A worker took no connections within ${limit} of having loaded ${this.#files}`;
    throw new MillraceError("ERR_MILLRACE_INIT_TIMEOUT", message);
  }

  /** Starts another worker, later and later if they die young. */
  #replace(channel: WorkerChannel): void {
    const lived = performance.now() - channel.startedAt;
    this.#deaths = lived < SHORT_LIFE_MS ? this.#deaths + 1 : 0;
    if (this.#deaths > 0 && this.#deaths % CRASH_LOOP === 0) {
      const message = `${this.#deaths} workers in a row died within ${SHORT_LIFE_MS} ms`;
      this.#host.emit("error", new MillraceError("ERR_MILLRACE_CRASH_LOOP", message));
    }
    const delay = this.#deaths <= 1
      ? 0
      : Math.min(BACKOFF_MS * 2 ** (this.#deaths - 2), BACKOFF_MAX_MS);
    this.#spawnAfter(delay);
  }

  /** Unless enough are there by then. Without a slot it waits for one: those that end have some. */
  #spawnAfter(delayMs: number, isRetry: boolean = false): void {
    setTimeout(() => {
      if (this.#isClosing || this.#isRetired) return;
      if (this.channels.size - this.#leaving.size >= this.#size) return;
      try {
        this.#spawn();
      } catch (error) {
        if (!isRetry) this.#host.emit("error", error);
        this.#spawnAfter(SLOT_RETRY_MS, true);
      }
    }, delayMs).unref();
  }
}

function isLate(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === "ERR_MILLRACE_INIT_TIMEOUT";
}

function closed(): MillraceError {
  return new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
}
