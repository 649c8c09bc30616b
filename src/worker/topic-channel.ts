/**
 * Carries what a worker publishes to the other workers of its server, those of other generations
 * included: a BroadcastChannel with the server's name. What is published in one go crosses as one
 * message, since each costs its receivers an event. The order of a worker's messages is kept.
 *
 * There is no bound on what waits for a worker that does not yield: nobody can see its queue. The
 * supervision of stuck workers ends that.
 *
 * Thread: the engine's.
 */
import { BroadcastChannel } from "node:worker_threads";
import { ownData, type Published, type PublishedData } from "../shared/published.ts";

/** Kept back until the end of the microtask at most so much, so that a loop cannot fill memory. */
const BATCH_BYTES_MAX = 256 * 1024;
const BATCH_MAX = 1024;

/** As it crosses: topic, data and whether to compress, one message after the other. */
type Batch = (string | PublishedData | boolean)[];
const FIELDS = 3;

export class TopicChannel {
  readonly #channel: BroadcastChannel;
  #batch: Batch = [];
  #bytes = 0;
  #isClosed = false;

  /** `receive` gets what other workers publish. The channel keeps no thread alive. */
  constructor(server: string, receive: (published: Published) => void) {
    this.#channel = new BroadcastChannel(`millrace ${server}`);
    this.#channel.addEventListener("message", (event) => {
      const batch = (event as unknown as { data: Batch }).data;
      for (let at = 0; at < batch.length; at += FIELDS) {
        receive({
          topic: batch[at] as string,
          data: batch[at + 1] as PublishedData,
          compress: batch[at + 2] as boolean,
        });
      }
    });
    this.#channel.unref();
  }

  /** Bytes are copied: they may be changed afterwards. */
  send({ topic, data, compress }: Published): void {
    if (this.#isClosed) return;
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(topic, ownData(data), compress);
    this.#bytes += data.length;
    const isFull = this.#batch.length >= BATCH_MAX * FIELDS;
    if (isFull || this.#bytes >= BATCH_BYTES_MAX) this.#flush();
  }

  /** What was sent before goes out still. */
  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#channel.close();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    this.#channel.postMessage(batch);
  }
}
