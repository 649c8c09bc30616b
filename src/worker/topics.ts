/**
 * The topics of a worker: who of its sockets has subscribed, and what is published by whomever. A
 * message goes to the sockets here at once, to the other workers of the server through a channel,
 * and to other servers through the app's broker; what comes from there goes to the sockets here
 * alone, so nothing goes round in circles. Thread: the engine's.
 */
import type { Log } from "../shared/app.ts";
import type { Broker } from "../shared/broker.ts";
import {
  type Published, publishedBytes, type PublishedData, toPublished,
} from "../shared/published.ts";
import { broadcastTo, type Receiver } from "./broadcast.ts";
import { BrokerLink } from "./broker-link.ts";
import { FRAME_QUEUED, Publication } from "./publication.ts";
import { Subscriptions, type TopicHolder } from "./subscriptions.ts";
import { TopicChannel } from "./topic-channel.ts";

/** A socket, as topics see it. */
export interface Subscriber extends TopicHolder, Receiver {
  /**
   * What frame may be written to its stream, if nothing waits there; FRAME_QUEUED: none, since it
   * is closing. For those that get none `sendPublished` is called.
   */
  frameKind(compress: boolean): number;
  /** Sends it as the socket sends its own messages: in order, with its limits. */
  sendPublished(data: PublishedData, compress: boolean): void;
}

export class Topics {
  readonly #subscriptions: Subscriptions<Subscriber>;
  readonly #channel: TopicChannel;
  readonly #server: string;
  readonly #log: Log;
  #link: BrokerLink | null = null;

  /** `server`: the UUID that the workers of a server have in common. */
  constructor(server: string, log: Log) {
    this.#server = server;
    this.#log = log;
    this.#subscriptions = new Subscriptions<Subscriber>({
      first: (topic) => this.#link?.subscribe(topic),
      last: (topic) => this.#link?.unsubscribe(topic),
    });
    this.#channel = new TopicChannel(server, (published) => this.#deliver(published));
  }

  /** Before there are sockets. Rejects with ERR_MILLRACE_BROKER. */
  async open(broker: Broker | undefined): Promise<void> {
    if (broker === undefined) return;
    const link = new BrokerLink(broker, this.#server, this.#log);
    await link.open((published) => this.#deliver(published));
    this.#link = link;
  }

  subscribe(subscriber: Subscriber, topic: string): void {
    this.#subscriptions.add(subscriber, topic);
  }

  unsubscribe(subscriber: Subscriber, topic: string): void {
    this.#subscriptions.remove(subscriber, topic);
  }

  /** It has closed: it has no topics any more. */
  leave(subscriber: Subscriber): void {
    this.#subscriptions.leave(subscriber);
  }

  /** How many sockets of this worker have subscribed. */
  count(topic: string): number {
    return this.#subscriptions.count(topic);
  }

  /**
   * To everybody who has subscribed, on any worker, but for `except`. Returns the bytes of the
   * message. Throws a TypeError for what is no topic or no message.
   */
  publish(topic: string, data: unknown, compress: boolean, except?: Subscriber): number {
    const publication = new Publication(toPublished(topic, data, compress));
    this.#broadcast(publication, except);
    this.#channel.send(publication);
    this.#link?.publish(publication);
    return publishedBytes(publication);
  }

  /** From the primary, which tells every worker; the one `forBroker` tells other servers. */
  publishHere(published: Published, forBroker: boolean): void {
    const publication = new Publication(published);
    this.#broadcast(publication);
    if (forBroker) this.#link?.publish(publication);
  }

  /** What was published goes out still. */
  async close(): Promise<void> {
    this.#channel.close();
    const link = this.#link;
    this.#link = null;
    await link?.close();
  }

  #deliver(published: Published): void {
    if (this.#subscriptions.of(published.topic) === undefined) return;
    this.#broadcast(new Publication(published));
  }

  #broadcast(publication: Publication, except?: Subscriber): void {
    const subscribers = this.#subscriptions.of(publication.topic);
    if (subscribers === undefined) return;
    const { data, compress } = publication;
    const late = (subscriber: Subscriber): void => subscriber.sendPublished(data, compress);
    const kinds: Subscriber[][] = [];
    for (const subscriber of subscribers) {
      if (subscriber === except) continue;
      const kind = subscriber.frameKind(compress);
      if (kind === FRAME_QUEUED) late(subscriber);
      else (kinds[kind] ??= []).push(subscriber);
    }
    kinds.forEach((each, kind) => broadcastTo(each, publication.frame(kind), late));
  }
}
