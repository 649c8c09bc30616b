/**
 * Between the topics of a worker and the broker of its app. What the app's broker throws or rejects
 * with changes nothing here: it is logged, for messages once per outage. Thread: the engine's.
 */
import type { Log } from "../shared/app.ts";
import type { Broker } from "../shared/broker.ts";
import { MillraceError } from "../shared/errors.ts";
import type { Published } from "../shared/published.ts";
import { originOf, seal, unseal } from "./envelope.ts";
import type { Publication } from "./publication.ts";

export class BrokerLink {
  readonly #broker: Broker;
  readonly #origin: Buffer;
  readonly #log: Log;
  /** Messages lost since one has gone out. */
  #lost = 0;
  #isClosed = false;

  /** `server`: the UUID that its workers have in common. */
  constructor(broker: Broker, server: string, log: Log) {
    this.#broker = broker;
    this.#origin = originOf(server);
    this.#log = log;
  }

  /** `receive` gets what other servers publish. Rejects with ERR_MILLRACE_BROKER. */
  async open(receive: (published: Published) => void): Promise<void> {
    const deliver = (topic: string, message: Uint8Array): void => {
      const published = this.#isClosed ? null : unseal(topic, message, this.#origin);
      if (published !== null) receive(published);
    };
    try {
      await this.#broker.open({ log: this.#log, deliver });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `The app's broker could not be opened: ${reason}`;
      throw new MillraceError("ERR_MILLRACE_BROKER", message, { cause });
    }
  }

  publish(publication: Publication): void {
    const message = seal(publication, publication.payload, this.#origin);
    void this.#carried(() => this.#broker.publish(publication.topic, message));
  }

  async #carried(publish: () => void | Promise<void>): Promise<void> {
    try {
      await publish();
      if (this.#lost > 0) {
        this.#log.info({ lost: this.#lost }, "the broker takes messages again");
      }
      this.#lost = 0;
    } catch (error) {
      if (this.#lost++ === 0) {
        this.#log.error({ err: error }, "the broker has lost a message; more are only counted");
      }
    }
  }

  subscribe(topic: string): void {
    void this.#told("subscribe", topic);
  }

  unsubscribe(topic: string): void {
    void this.#told("unsubscribe", topic);
  }

  async #told(what: "subscribe" | "unsubscribe", topic: string): Promise<void> {
    try {
      await this.#broker[what](topic);
    } catch (error) {
      this.#log.error({ err: error, topic }, `the broker's ${what} failed`);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.#broker.close();
    } catch (error) {
      this.#log.error({ err: error }, "the broker's close failed");
    }
  }
}
