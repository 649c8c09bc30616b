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
import { BrokerLink } from "./broker-link.ts";
import { FRAME_PLAIN, FRAME_QUEUED, Publication } from "./publication.ts";
import { Subscriptions, type TopicHolder } from "./subscriptions.ts";
import { TopicChannel } from "./topic-channel.ts";

/** The part of a RingSocket that broadcasts need. */
export interface SharedStream {
  /** The same bytes go to many in a row, past the stream. False: something waits before them. */
  sendShared(bytes: Uint8Array): boolean;
  /** Ends the run, for all sockets of the engine. */
  endShared(): void;
  write(bytes: Uint8Array): unknown;
}

/** A socket, as topics see it. */
export interface Subscriber extends TopicHolder {
  readonly stream: SharedStream;
  /**
   * FRAME_QUEUED: something waits in it or it is closing, so `sendPublished` is called; else what
   * frame may be written to the stream right now.
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
    const { compress } = publication;
    const plain: SharedStream[] = [];
    const deflated: SharedStream[][] = [];
    for (const subscriber of subscribers) {
      if (subscriber === except) continue;
      const kind = subscriber.frameKind(compress);
      if (kind === FRAME_PLAIN) plain.push(subscriber.stream);
      else if (kind === FRAME_QUEUED) subscriber.sendPublished(publication.data, compress);
      else (deflated[kind] ??= []).push(subscriber.stream);
    }
    if (plain.length > 0) broadcastTo(plain, publication.frame(FRAME_PLAIN));
    deflated.forEach((streams, kind) => broadcastTo(streams, publication.frame(kind)));
  }
}

/** The bytes lie in the arena once, and each socket costs a record and a native write. */
function broadcastTo(streams: readonly SharedStream[], bytes: Uint8Array): void {
  for (const stream of streams) {
    if (!stream.sendShared(bytes)) stream.write(bytes);
  }
  streams[0]!.endShared();
}
