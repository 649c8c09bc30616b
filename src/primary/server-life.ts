/**
 * The life of a server: it starts, which can be cut short; it serves; it drains; and it closes,
 * once, whoever asks for it and however often, with force at any time. What each step does is the
 * server's. Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";
import type { DrainOptions, StopOptions } from "../shared/server-control.ts";
import type { Drain } from "./drain.ts";
import { within } from "./within.ts";

/** What workers may still take for `close` after the listeners have stopped, at least. */
const END_GRACE_MS = 1000;

/** What a server does in its life. */
export interface Living {
  /** After each step that takes time it asks `checkStart` whether it is to go on. */
  bringUp(): Promise<void>;
  /** It will not come to serve. */
  failed(error: unknown): void;
  /** Connections are being ended, and the server after them. */
  stopping(): void;
  stopListeners(force: boolean, deadlineMs: number): Promise<void>;
  endWorkers(deadlineMs: number): Promise<void>;
  /** Leaves nothing behind, from whatever state. `started` settles when `bringUp` has ended. */
  tearDown(started: Promise<unknown>): Promise<void>;
  emit(event: string, detail: unknown): void;
}

export interface LifeOptions {
  readonly deadlineMs: number;
  readonly drainDelayMs: number;
}

/** `cut`: it has failed to start, or was closed meanwhile. */
type Stage = "starting" | "cut" | "serving" | "closing";

export class ServerLife {
  /** Resolves when the server has closed, whatever closed it. */
  readonly closed: Promise<void>;
  readonly #server: Living;
  readonly #drain: Drain;
  readonly #options: LifeOptions;
  #stage: Stage = "starting";
  #started: Promise<void> = Promise.resolve();
  #cutStart: () => void = () => {};
  #forceEnd: () => void = () => {};
  #settleClosed!: () => void;

  constructor(server: Living, drain: Drain, options: LifeOptions) {
    this.#server = server;
    this.#drain = drain;
    this.#options = options;
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
  }

  /** It drains, closes, or has closed. */
  get isEnding(): boolean {
    return this.#drain.isUnderWay || this.#stage === "closing" || this.#stage === "cut";
  }

  async start(): Promise<void> {
    const cut = new Promise<never>((_, reject) => {
      this.#cutStart = () => reject(aborted());
    });
    this.#started = this.#bringUp();
    try {
      await Promise.race([this.#started, cut]);
    } catch (error) {
      this.#stage = "cut";
      this.#server.failed(error);
      await this.#tearDown();
      throw error;
    }
  }

  async #bringUp(): Promise<void> {
    await this.#server.bringUp();
    this.checkStart();
    this.#stage = "serving";
  }

  /** Throws if it was closed while it starts. */
  checkStart(): void {
    if (this.#stage !== "starting") throw aborted();
  }

  /** Throws unless it serves. */
  checkServing(): void {
    if (this.#stage !== "serving") throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
  }

  /** Resolves when it serves; rejects when it does not come to, or does no more. */
  async serving(): Promise<void> {
    await this.#started;
    this.checkServing();
  }

  /**
   * The listeners stop after the delay; at once if it is forced and a drain is under way. Resolves
   * when the server has closed.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { delayMs = this.#options.drainDelayMs, ...stop } = options;
    const isHurried = stop.force === true && this.#drain.isUnderWay;
    if (this.#stage === "serving" && !isHurried) {
      this.#server.stopping();
      if (!this.#drain.isUnderWay) this.#server.emit("draining", { delayMs });
      await this.#drain.begin(delayMs);
    }
    await this.close(stop);
  }

  close(options: StopOptions = {}): Promise<void> {
    this.#drain.cut();
    const { force = false, deadlineMs = this.#options.deadlineMs } = options;
    if (this.#stage === "starting") {
      // Who starts it takes apart what there is.
      this.#stage = "cut";
      this.#cutStart();
    } else if (this.#stage === "serving") {
      this.#stage = "closing";
      void this.#close(force, deadlineMs);
    } else if (this.#stage === "closing" && force) {
      void this.#told(() => this.#server.stopListeners(true, 0));
      this.#forceEnd();
    }
    return this.closed;
  }

  async #close(force: boolean, deadlineMs: number): Promise<void> {
    this.#server.stopping();
    const forced = new Promise<void>((resolve) => (this.#forceEnd = resolve));
    const began = performance.now();
    await this.#told(() => this.#server.stopListeners(force, deadlineMs));
    const left = Math.max(END_GRACE_MS, deadlineMs - (performance.now() - began));
    const ended = this.#told(() => this.#server.endWorkers(force ? END_GRACE_MS : left));
    await Promise.race([ended, forced]);
    await this.#tearDown();
  }

  async #tearDown(): Promise<void> {
    await this.#told(() => this.#server.tearDown(this.#started.catch(() => {})));
    this.#settleClosed();
  }

  /** A step of the end: what it fails with is reported, and the next one comes all the same. */
  async #told(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#server.emit("error", error);
    }
  }

  /** Whether it has closed within so many milliseconds. It does not close it. */
  async isClosed(timeoutMs: number): Promise<boolean> {
    return await within(this.closed.then(() => true), timeoutMs, false);
  }
}

function aborted(): MillraceError {
  return new MillraceError("ERR_MILLRACE_SERVER_CLOSED", "The server was closed while it started");
}
