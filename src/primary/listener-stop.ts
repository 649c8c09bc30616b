/**
 * One stop of a listener, in five phases that always come in this order: nothing new is accepted;
 * requests end, and idle connections once they are quiet; the handlers of dedicated sockets are
 * asked to end; what is left at the deadline is destroyed; and who waits is told. It can be forced
 * at any time. Thread: the primary's.
 */
import type { RunningWorker, StopPhase, StopResult } from "../shared/app.ts";
import { within } from "./within.ts";

/** How soon connections are looked for that were between two workers when all had drained. */
const MOVED_CHECK_MS = 20;
/** How long workers may take to destroy what is left after the deadline. */
const FORCE_GRACE_MS = 2000;

/** What a stop does to its listener. */
export interface StopHost {
  /** No new connections: the queue of each socket is accepted empty, then it is closed. */
  closeSockets(): void;
  /** Wherever they are: in a mailbox, at a worker, or waiting for one. */
  connections(): number;
  /** Of these, the ones that handlers own for themselves. */
  upgraded(): number;
  /** Those of each worker that has any. */
  workers(): RunningWorker[];
  /** Asks all workers to end the listener's requests; resolves when none has any left. */
  drain(force: boolean): Promise<void>;
  /** Asks the handlers of dedicated sockets to end them; resolves when none is left. */
  stopSockets(): Promise<void>;
  /** Ends those that wait for a worker. */
  dropOrphans(): void;
  phase(phase: StopPhase): void;
  /** Some workers have not destroyed what they had. */
  late(): void;
}

export class ListenerStop {
  readonly #host: StopHost;
  #phase: StopPhase = "accepting";
  #isForced = false;
  #cut!: () => void;
  readonly #forced: Promise<false> = new Promise((resolve) => {
    this.#cut = () => resolve(false);
  });

  constructor(host: StopHost) {
    this.#host = host;
  }

  get phase(): StopPhase {
    return this.#phase;
  }

  /** From graceful to forced, at any time; once it is forced nothing changes. */
  force(): void {
    this.#isForced = true;
    this.#cut();
  }

  /** Resolves when no connection is left, or all was done that can be. */
  async run(deadlineMs: number): Promise<StopResult> {
    this.#enter("accepting");
    this.#host.closeSockets();
    const isGraceful = !this.#isForced && await this.#drainUntil(deadlineMs);
    if (isGraceful) return { graceful: true, destroyed: 0 };
    const destroyed = this.#host.connections();
    this.#host.dropOrphans();
    this.#enter("destroying");
    await this.#destroyRest();
    return { graceful: destroyed === 0, destroyed };
  }

  #enter(phase: StopPhase): void {
    this.#phase = phase;
    this.#host.phase(phase);
  }

  /** True when all have ended by themselves. */
  async #drainUntil(deadlineMs: number): Promise<boolean> {
    let isOver = false;
    const drained = this.#drained(() => isOver);
    const result = await within(Promise.race([drained, this.#forced]), deadlineMs, false);
    isOver = true;
    return result;
  }

  async #drained(isOver: () => boolean): Promise<true> {
    this.#enter("requests");
    await this.#allGone(isOver, () => this.#host.connections() - this.#host.upgraded());
    if (isOver()) return true;
    // Only now, so that those who own sockets can still be told of by requests.
    this.#enter("sockets");
    await this.#host.stopSockets();
    await this.#allGone(isOver, () => this.#host.connections());
    return true;
  }

  /** A worker that dies meanwhile hands its connections to one that has drained already. */
  async #allGone(isOver: () => boolean, left: () => number): Promise<void> {
    await this.#host.drain(false);
    while (!isOver() && left() > 0) {
      await new Promise((resolve) => setTimeout(resolve, MOVED_CHECK_MS));
      await this.#host.drain(false);
    }
  }

  async #destroyRest(): Promise<void> {
    const result = await within(this.#host.drain(true), FORCE_GRACE_MS, "late");
    if (result === "late") this.#host.late();
  }
}
