/**
 * Replaces workers that have served their time: `workerRequestsMax` requests, or more memory than
 * `workerMemoryBytesMax`. The replacement serves before the old worker is retired, and one worker
 * is replaced at a time, so that nobody notices. Thread: the primary's.
 */
import type { RecycleInfo } from "../shared/worker-events.ts";
import { MillraceError } from "../shared/errors.ts";
import type { Handle, Native } from "../native.ts";
import { readSlot, REQUESTS, sumOf } from "./listener-counts.ts";
import type { PrimaryLog } from "./log.ts";
import type { WorkerChannel } from "./worker-channel.ts";

const LOOK_MS = 250;
/** Workers that start together would reach their caps together: each has up to this much less. */
const JITTER = 0.1;
const GOLDEN_RATIO = 0.618_033_988_749_895;
/** After a replacement that could not serve; twice as long each time. */
const RETRY_MS = 1000;
const RETRY_MS_MAX = 60_000;

export interface RecyclingOptions {
  readonly workers: number;
  readonly workerRequestsMax: number;
  readonly workerMemoryBytesMax: number;
}

export interface RecyclingHost {
  readonly native: Native;
  readonly server: Handle;
  readonly log: PrimaryLog;
  channels(): Iterable<WorkerChannel>;
  /** Resolves when another worker serves in its place, and its idle connections have left. */
  recycle(channel: WorkerChannel): Promise<void>;
  emit(event: "recycle", info: RecycleInfo): void;
}

/** The cap of one worker: spread evenly, and the same in each run. */
export function capOf(max: number, workerId: number): number {
  return Math.ceil(max * (1 - JITTER * ((workerId * GOLDEN_RATIO) % 1)));
}

export class Recycling {
  readonly #host: RecyclingHost;
  readonly #options: RecyclingOptions;
  /** What its slot had counted when a worker was first seen. */
  readonly #before = new WeakMap<WorkerChannel, number>();
  #isBusy = false;
  #failures = 0;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: RecyclingHost, options: RecyclingOptions) {
    this.#host = host;
    this.#options = options;
  }

  start(): void {
    const { workers, workerRequestsMax, workerMemoryBytesMax } = this.#options;
    if (workers === 0 || workerRequestsMax + workerMemoryBytesMax === 0) return;
    for (const channel of this.#host.channels()) this.#requestsOf(channel); // of those before
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** At most one worker is due: the others are, too, at a later look. */
  #look(): void {
    let due: [WorkerChannel, RecycleInfo["reason"], number] | null = null;
    for (const channel of this.#host.channels()) {
      const requests = this.#requestsOf(channel);
      if (channel.state !== "serving" || due !== null) continue;
      const { workerRequestsMax, workerMemoryBytesMax } = this.#options;
      const bytes = channel.memoryBytes;
      if (workerRequestsMax > 0 && requests >= capOf(workerRequestsMax, channel.id)) {
        due = [channel, "requests", requests];
      } else if (workerMemoryBytesMax > 0 && bytes > capOf(workerMemoryBytesMax, channel.id)) {
        due = [channel, "memory", bytes];
      }
    }
    if (due === null || this.#isBusy || performance.now() < this.#notBefore) return;
    void this.#recycle(...due);
  }

  #requestsOf(channel: WorkerChannel): number {
    const counts = readSlot(this.#host.native, this.#host.server, channel.slot);
    const requests = sumOf(counts, REQUESTS);
    const before = this.#before.get(channel);
    if (before === undefined) this.#before.set(channel, requests);
    return requests - (before ?? requests);
  }

  async #recycle(
    channel: WorkerChannel,
    reason: RecycleInfo["reason"],
    value: number,
  ): Promise<void> {
    this.#isBusy = true;
    const { id, threadId, generation } = channel;
    this.#host.emit("recycle", { id, threadId, generation, reason, value });
    try {
      await this.#host.recycle(channel);
      this.#failures = 0;
    } catch (error) {
      if (isClosed(error)) return;
      const delay = Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MS_MAX);
      this.#notBefore = performance.now() + delay;
      this.#host.log.error({ worker: id, err: error }, "a worker could not be replaced");
    } finally {
      this.#isBusy = false;
    }
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof MillraceError && error.code === "ERR_MILLRACE_SERVER_CLOSED";
}
