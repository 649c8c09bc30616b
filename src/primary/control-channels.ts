/**
 * The control channels of all workers together: what is told to every one of them, whatever its
 * generation, and who does not acknowledge it in time. Thread: the primary's.
 */
import type { RunningWorker } from "../shared/app.ts";
import type { MillraceError } from "../shared/errors.ts";
import type { Handle, Native } from "../native.ts";
import { acknowledged, inTime, type Message, notAcknowledged } from "./acknowledgements.ts";
import { FIRST_LISTENER, workersOf } from "./listener-counts.ts";
import { ownData, type Published, publishedBytes } from "../shared/published.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** Of native's `workerStats`. */
const AWAKE_MS = 2;
const ROUTE = 5;

export interface ChannelsHost {
  readonly native: Native;
  readonly server: Handle;
  channels(): Iterable<WorkerChannel>;
  emit(event: string, detail: unknown): void;
}

export interface ChannelsOptions {
  readonly controlTimeoutMs: number;
  readonly stuckMs: number;
}

export class ControlChannels {
  readonly #host: ChannelsHost;
  readonly #options: ChannelsOptions;

  constructor(host: ChannelsHost, options: ChannelsOptions) {
    this.#host = host;
    this.#options = options;
  }

  /**
   * Sends it to every worker; resolves when all that serve have acknowledged it. Rejects with
   * ERR_MILLRACE_CONTROL_TIMEOUT, which names those that have not in time.
   */
  async ask(message: Message, timeoutMs: number = this.#options.controlTimeoutMs): Promise<void> {
    await acknowledged(this.#host.channels(), message, timeoutMs, this);
  }

  /**
   * Ends the connections of a listener; resolves when no worker has any. Who does not acknowledge
   * it in time is reported and waited for.
   */
  async drain(listener: number, force: boolean): Promise<void> {
    const acks = new Map<WorkerChannel, Promise<void>>();
    const drains = Array.from(this.#host.channels(), (channel) => {
      const wasAsked = channel.isDraining(listener);
      const { acknowledged: ack, drained } = channel.stop(listener, force);
      if (!wasAsked) acks.set(channel, ack);
      return drained;
    });
    inTime(acks, "stop", this.#options.controlTimeoutMs, this).catch((error: unknown) =>
      this.#host.emit("error", error));
    await Promise.all(drains);
  }

  /**
   * To the sockets of all workers. One of them tells the broker: the one that has served longest,
   * so that it is mostly the same and the order is kept. Returns the bytes of the message, 0 if
   * there is no worker.
   */
  publish({ topic, data, compress }: Published): number {
    // A view would be cloned with all of the buffer that it shows a part of.
    const published = { topic, data: ownData(data), compress };
    const channels = Array.from(this.#host.channels());
    const teller = channels.find(({ state }) => state === "serving");
    for (const channel of channels) channel.publish(published, channel === teller);
    return channels.length === 0 ? 0 : publishedBytes(published);
  }

  /** On all workers. Rejects with ERR_MILLRACE_CONTROL_TIMEOUT, as `ask` does. */
  async countSubscribers(topic: string): Promise<number> {
    const counts = new Map<WorkerChannel, Promise<number>>();
    for (const channel of this.#host.channels()) {
      if (channel.state !== "starting") counts.set(channel, channel.countSubscribers(topic));
    }
    await inTime(counts, "countSubscribers", this.#options.controlTimeoutMs, this);
    let sum = 0;
    for (const count of counts.values()) sum += await count;
    return sum;
  }

  /**
   * Asks the handlers of sockets of a listener to end them; resolves when no worker has any. Who
   * does not acknowledge it in time is reported and waited for.
   */
  async stopSockets(listener: string): Promise<void> {
    const acks = new Map<WorkerChannel, Promise<void>>();
    const ends = Array.from(this.#host.channels(), (channel) => {
      const { acknowledged: ack, ended } = channel.stopSockets(listener);
      acks.set(channel, ack);
      return ended;
    });
    inTime(acks, "stopSockets", this.#options.controlTimeoutMs, this).catch((error: unknown) =>
      this.#host.emit("error", error));
    await Promise.all(ends);
  }

  /** The workers that have connections of a listener still, although they were to destroy them. */
  undrained(id: string, listener: number): MillraceError {
    const channels = Array.from(this.#host.channels());
    const missing = channels.filter((channel) => channel.isDraining(listener));
    return notAcknowledged(missing, `stop of ${id}`, this.#options.controlTimeoutMs, this);
  }

  /** The route whose handler the worker is in, if it has not yielded for a while. */
  routeOf(channel: WorkerChannel): string | null {
    const words = new Float64Array(FIRST_LISTENER);
    this.#host.native.workerStats(this.#host.server, channel.slot, words);
    return words[AWAKE_MS]! > this.#options.stuckMs ? channel.routeOf(words[ROUTE]!) : null;
  }

  /** Which workers have connections of a listener. */
  workersOf(listener: number): RunningWorker[] {
    const { native, server } = this.#host;
    return workersOf(native, server, this.#host.channels(), listener);
  }
}
