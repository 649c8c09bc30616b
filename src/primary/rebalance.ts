/**
 * Evens out what keep-alive connections have fixed: when a worker is clearly busier than another,
 * it gives some of its idle connections to that one. Once a `rebalanceMs` the primary looks at the
 * share of time that each loop was busy, in shared memory; the plan says what follows from it.
 * Thread: the primary's.
 */
import type { RebalanceInfo } from "../shared/worker-events.ts";
import type { Handle, Native } from "../native.ts";
import { type Move, RebalancePlan, type WorkerLoad } from "./rebalance-plan.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** Of native's `workerStats`, without any listener. */
const WORDS = 6;
const CONNECTIONS = 0;
const BUSY_MS = 1;
const AWAKE_MS = 2;

export interface RebalanceHost {
  readonly native: Native;
  readonly server: Handle;
  channels(): Iterable<WorkerChannel>;
  emit(event: "rebalance", info: RebalanceInfo): void;
}

export interface RebalanceOptions {
  readonly balance: string;
  readonly rebalanceMs: number;
  readonly stuckMs: number;
}

export class Rebalance {
  readonly #host: RebalanceHost;
  readonly #options: RebalanceOptions;
  readonly #plan = new RebalancePlan<WorkerChannel>();
  /** At the last look, in milliseconds since the slot was first used. */
  readonly #busyMs = new WeakMap<WorkerChannel, number>();
  readonly #words = new Float64Array(WORDS);
  #lookedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: RebalanceHost, options: RebalanceOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** By address a connection belongs to its worker, whatever there is to do. */
  start(): void {
    const { balance, rebalanceMs } = this.#options;
    if (rebalanceMs === 0 || balance === "client-address") return;
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), rebalanceMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const loads = this.#loads(now - this.#lookedAt);
    this.#lookedAt = now;
    for (const move of this.#plan.look(loads)) void this.#carryOut(move);
  }

  /** Of workers that serve, were there at the last look, and yield. */
  #loads(elapsedMs: number): WorkerLoad<WorkerChannel>[] {
    const loads: WorkerLoad<WorkerChannel>[] = [];
    for (const worker of this.#host.channels()) {
      if (worker.state !== "serving") continue;
      this.#host.native.workerStats(this.#host.server, worker.slot, this.#words);
      const busyMs = this.#words[BUSY_MS]!;
      const before = this.#busyMs.get(worker);
      this.#busyMs.set(worker, busyMs);
      if (before === undefined || this.#words[AWAKE_MS]! > this.#options.stuckMs) continue;
      const share = Math.min(1, (busyMs - before) / elapsedMs);
      loads.push({ worker, connections: this.#words[CONNECTIONS]!, share });
    }
    return loads;
  }

  async #carryOut(move: Move<WorkerChannel>): Promise<void> {
    const { from, to, count } = move;
    const connections = await from.give(count, to.slot);
    this.#plan.moved(move, connections);
    if (connections === 0) return;
    this.#host.emit("rebalance", { from: from.id, to: to.id, connections });
  }
}
