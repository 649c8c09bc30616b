/**
 * What joins the topics of several machines: the member `broker` of an app. Types only.
 */
import type { Log } from "./log.ts";

/** What a broker is given by its worker. */
export interface BrokerHost {
  readonly log: Log;
  /**
   * A message has come under a topic that is subscribed. Its bytes belong to the worker from now
   * on. Messages that this server itself has published may come too: they are recognised.
   */
  readonly deliver: (topic: string, message: Uint8Array) => void;
}

/**
 * Carries messages between servers. Each worker has its own, from its copy of the app's module, and
 * calls it in this order: `open` once before `init`, then the others, `close` once after the app's
 * `close`. Calls that return promises are not waited for before the next one: what a broker is told
 * of a topic, and what it is to publish, it carries out in the order in which it was told.
 *
 * It need not promise more than once at most: what it loses is lost. It must not deliver a message
 * twice, and must keep the order of the messages that one worker publishes under one topic.
 */
export interface Broker {
  /** Rejects if it can never work; a connection that is not there yet is no reason. */
  open(host: BrokerHost): void | Promise<void>;
  /** Rejects if the message is lost, as far as that is known; the worker's log says so. */
  publish(topic: string, message: Uint8Array): void | Promise<void>;
  /** The worker has its first subscriber of a topic. */
  subscribe(topic: string): void | Promise<void>;
  /** The worker's last subscriber of a topic has gone. */
  unsubscribe(topic: string): void | Promise<void>;
  close(): void | Promise<void>;
}
