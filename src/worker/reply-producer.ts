/**
 * Calls the producer of a streamed reply: once, and again each time that what it wrote has left.
 * A call that writes nothing is followed by another only when something has been written from
 * elsewhere, so that a producer cannot spin. Thread: the engine's.
 */
import { MillraceError } from "../shared/errors.ts";
import type { Reply } from "../shared/reply.ts";
import type { OpenReply } from "./open-reply.ts";

/** Calls of `next` that may wait: a writer that waits for none of them must not fill the memory. */
export const WAITING_MAX = 1024;

type Producer = (reply: Reply) => void | Promise<void>;

export class ReplyProducer {
  readonly #open: OpenReply;
  readonly #reply: () => Reply;
  readonly #run: () => void | Promise<void>;
  readonly isAutomatic: boolean;
  #isCalling = false;
  #hasWritten = false;
  /** Calls of `next` that came while another one ran, in their order. */
  readonly #waiting: (() => void)[] = [];

  constructor(open: OpenReply, reply: () => Reply, producer: Producer, isAutomatic: boolean) {
    this.#open = open;
    this.#reply = reply;
    this.#run = open.bind(() => producer(reply()));
    this.isAutomatic = isAutomatic;
  }

  /** The first call: when the handler has returned, or waits. */
  start(): void {
    this.arm();
    queueMicrotask(() => this.#callFree());
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

  /**
   * Of a manual one: calls the producer once, behind the calls that came before. Resolves when what
   * it has written has left; to false if the reply is complete then, or was, and it was not called.
   */
  async next(): Promise<boolean> {
    if (this.#open.isComplete) return false;
    if (this.#isCalling) {
      if (this.#waiting.length === WAITING_MAX) this.#open.failWith(tooMany());
      // Who hands on to it leaves `#isCalling` set, so that nobody comes between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return await this.#call();
  }

  #callFree(): void {
    if (!this.#isCalling) void this.#call();
  }

  async #call(): Promise<boolean> {
    const open = this.#open;
    if (open.isComplete) {
      this.#handOn();
      return false;
    }
    this.#isCalling = true;
    this.#hasWritten = false;
    try {
      await this.#run();
    } catch (error) {
      open.failWith(error);
    }
    const { last, isComplete } = open;
    this.#handOn();
    if (this.isAutomatic && (open.isWanted || !this.#hasWritten)) this.#goOn();
    return await last && !isComplete;
  }

  /** To the call that has waited longest. */
  #handOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isCalling = false;
    else next();
  }

  /** What was written has left, and the last call has ended. */
  #goOn(): void {
    const open = this.#open;
    if (this.#isCalling) return;
    if (this.#hasWritten && !open.isComplete) {
      void this.#call();
      return;
    }
    if (!open.isWanted && this.#hasWritten) return;
    open.held = open.onWritten = open.onWanted = null;
  }
}

function tooMany(): MillraceError {
  return new MillraceError(
    "ERR_MILLRACE_REPLY_OVERFLOW",
    `more than ${WAITING_MAX} calls of next() that nobody waited for`,
  );
}
