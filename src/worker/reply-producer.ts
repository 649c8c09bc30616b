/**
 * Calls the producer of a streamed reply: once, and again each time that what it wrote has left.
 * A call that writes nothing is followed by another only when something has been written from
 * elsewhere, so that a producer cannot spin. Thread: the engine's.
 */
import type { Reply } from "../shared/reply.ts";
import type { OpenReply } from "./open-reply.ts";

type Producer = (reply: Reply) => void | Promise<void>;

export class ReplyProducer {
  readonly #open: OpenReply;
  readonly #reply: () => Reply;
  readonly #run: () => void | Promise<void>;
  readonly isAutomatic: boolean;
  #isCalling = false;
  #hasWritten = false;

  constructor(open: OpenReply, reply: () => Reply, producer: Producer, isAutomatic: boolean) {
    this.#open = open;
    this.#reply = reply;
    this.#run = open.bind(() => producer(reply()));
    this.isAutomatic = isAutomatic;
  }

  /** The first call: when the handler has returned, or waits. */
  start(): void {
    this.arm();
    queueMicrotask(() => void this.call());
  }

  /** Something is written, or a call is due: until it has left nobody else need hold the reply. */
  arm(): void {
    const open = this.#open;
    if (!this.isAutomatic || open.onWanted !== null) return;
    open.held = this.#reply();
    open.onWritten = () => {
      this.#hasWritten = true;
    };
    open.onWanted = () => this.#goOn();
  }

  /** Resolves when what the call has written has left; to false if nobody waits any more. */
  async call(): Promise<boolean> {
    const open = this.#open;
    if (this.#isCalling || open.isComplete) return !open.isComplete;
    this.#isCalling = true;
    this.#hasWritten = false;
    try {
      await this.#run();
    } catch (error) {
      open.failWith(error);
    }
    this.#isCalling = false;
    const { last } = open;
    if (this.isAutomatic && (open.isWanted || !this.#hasWritten)) this.#goOn();
    return await last && !open.isComplete;
  }

  /** What was written has left, and the last call has ended. */
  #goOn(): void {
    const open = this.#open;
    if (this.#isCalling) return;
    if (this.#hasWritten && !open.isComplete) {
      void this.call();
      return;
    }
    if (!open.isWanted && this.#hasWritten) return;
    open.held = open.onWritten = open.onWanted = null;
  }
}
