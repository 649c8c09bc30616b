/**
 * Workers that do not yield: a handler that computes, loops or waits without turning the loop. The
 * watch reads what the loops leave in shared memory, since such a worker answers nothing; it tells
 * of each episode's start and end and, if it has been asked to, ends the worker. Thread: the
 * primary's.
 */
import { url as inspectorUrl } from "node:inspector";
import type { StuckInfo } from "../shared/worker-events.ts";
import { MillraceError } from "../shared/errors.ts";
import type { Handle, Native } from "../native.ts";
import type { PrimaryLog } from "./log.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** Episodes are looked for as often as `stuckMs`, but at least this often. */
const LOOK_MS_MAX = 250;

/** Of native's `workerStats`, without any listener. */
const WORDS = 6;
const AWAKE_MS = 2;
const ROUTE = 5;

export interface StuckOptions {
  readonly workers: number;
  readonly stuckMs: number;
  readonly stuckTerminateMs: number;
}

export interface StuckHost {
  readonly native: Native;
  readonly server: Handle;
  readonly log: PrimaryLog;
  channels(): Iterable<WorkerChannel>;
  emit(event: "stuck", info: StuckInfo): void;
  /** Kills its thread; `error` is why. */
  terminate(channel: WorkerChannel, error: MillraceError): void;
}

interface Episode {
  /** How long it has lasted, in milliseconds. */
  forMs: number;
  route: string | null;
  isTerminated: boolean;
}

export class StuckWatch {
  readonly #host: StuckHost;
  readonly #options: StuckOptions;
  readonly #episodes = new Map<WorkerChannel, Episode>();
  readonly #words = new Float64Array(WORDS);
  #timer: NodeJS.Timeout | undefined;

  constructor(host: StuckHost, options: StuckOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** With `workers: 0` there is nobody to watch: the primary would look when all is well again. */
  start(): void {
    const { workers, stuckMs } = this.#options;
    if (workers === 0) return;
    this.#timer = setInterval(() => this.#look(), Math.min(stuckMs, LOOK_MS_MAX));
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#episodes.clear();
  }

  #look(): void {
    const channels = new Set(this.#host.channels());
    for (const channel of channels) {
      // One that starts has `initTimeoutMs` instead.
      if (channel.state === "serving" || channel.state === "draining") this.#weigh(channel);
    }
    for (const [channel, episode] of this.#episodes) {
      if (!channels.has(channel)) this.#end(channel, episode, "ended");
    }
  }

  #weigh(channel: WorkerChannel): void {
    this.#host.native.workerStats(this.#host.server, channel.slot, this.#words);
    const forMs = this.#words[AWAKE_MS]!;
    const known = this.#episodes.get(channel);
    // Less than before: its loop has turned in between.
    if (known !== undefined && forMs < known.forMs) this.#end(channel, known, "well");
    if (forMs <= this.#options.stuckMs) return;
    const episode = this.#episodes.get(channel) ?? this.#begin(channel, forMs);
    episode.forMs = forMs;
    const { stuckTerminateMs } = this.#options;
    if (stuckTerminateMs > 0 && forMs >= stuckTerminateMs) this.#terminate(channel, episode);
  }

  #begin(channel: WorkerChannel, forMs: number): Episode {
    const route = channel.routeOf(this.#words[ROUTE]!);
    const episode = { forMs, route, isTerminated: false };
    this.#episodes.set(channel, episode);
    const { id: worker } = channel;
    this.#host.log.warn({ worker, route, forMs: Math.round(forMs) }, "a worker does not yield");
    this.#tell(channel, episode, "stuck");
    return episode;
  }

  #end(channel: WorkerChannel, episode: Episode, state: "well" | "ended"): void {
    this.#episodes.delete(channel);
    const { forMs, route } = episode;
    if (state === "well") {
      const facts = { worker: channel.id, route, forMs: Math.round(forMs) };
      this.#host.log.warn(facts, "the worker yields again");
    }
    this.#tell(channel, episode, state);
  }

  /** Not under a debugger: a breakpoint looks the same. */
  #terminate(channel: WorkerChannel, episode: Episode): void {
    if (episode.isTerminated || inspectorUrl() !== undefined) return;
    episode.isTerminated = true;
    const { forMs, route } = episode;
    const where = route === null ? "outside of any route" : `in ${nameOf(route)}`;
    const message = `Worker ${channel.id} did not yield for ${Math.round(forMs)} ms, ${where}`;
    this.#host.log.error({ worker: channel.id, route }, `${message}: it is terminated`);
    this.#host.native.condemnWorker(this.#host.server, channel.slot);
    this.#host.terminate(channel, new MillraceError("ERR_MILLRACE_WORKER_STUCK", message));
  }

  #tell(channel: WorkerChannel, { route, forMs }: Episode, state: StuckInfo["state"]): void {
    const { id, threadId, generation } = channel;
    this.#host.emit("stuck", { id, threadId, generation, state, route, forMs });
  }
}

function nameOf(route: string): string {
  return route === "" ? "fetch" : `the route "${route}"`;
}
