/**
 * Who of this worker has subscribed to which topic. A topic exists while it has a subscriber; the
 * first and the last one are told of, for whatever brings messages from elsewhere.
 * Thread: the engine's.
 */

/** The side of a subscriber that this file keeps. */
export interface TopicHolder {
  /** Its topics, which only Subscriptions changes. */
  readonly topics: Set<string>;
}

export interface SubscriptionEvents {
  first(topic: string): void;
  last(topic: string): void;
}

export class Subscriptions<Subscriber extends TopicHolder> {
  readonly #topics = new Map<string, Set<Subscriber>>();
  readonly #events: SubscriptionEvents;

  constructor(events: SubscriptionEvents) {
    this.#events = events;
  }

  /** A second time changes nothing. */
  add(subscriber: Subscriber, topic: string): void {
    if (subscriber.topics.has(topic)) return;
    subscriber.topics.add(topic);
    const subscribers = this.#topics.get(topic);
    if (subscribers !== undefined) {
      subscribers.add(subscriber);
      return;
    }
    this.#topics.set(topic, new Set([subscriber]));
    this.#events.first(topic);
  }

  remove(subscriber: Subscriber, topic: string): void {
    if (!subscriber.topics.delete(topic)) return;
    const subscribers = this.#topics.get(topic)!;
    subscribers.delete(subscriber);
    if (subscribers.size > 0) return;
    this.#topics.delete(topic);
    this.#events.last(topic);
  }

  /** Of all its topics. */
  leave(subscriber: Subscriber): void {
    for (const topic of subscriber.topics) this.remove(subscriber, topic);
  }

  of(topic: string): ReadonlySet<Subscriber> | undefined {
    return this.#topics.get(topic);
  }

  count(topic: string): number {
    return this.#topics.get(topic)?.size ?? 0;
  }

  get topics(): Iterable<string> {
    return this.#topics.keys();
  }
}
