/**
 * The handlers that own sockets of their own on this worker, by listener: whoever takes a socket
 * over registers its handler here until the socket has ended, and a stop of the listener asks each
 * of them once to end. Thread: the engine's.
 */
import type { Log } from "../shared/app.ts";

/** Of a dedicated socket. Without an id: every listener, for good. */
export interface SocketStopper {
  stop?(listenerId?: string): void;
}

export class DedicatedSockets {
  readonly #log: Log;
  /** By listener: each handler with how many sockets it has there. */
  readonly #handlers = new Map<string, Map<SocketStopper, number>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** One more socket of the handler. The result is to be called once, when it has ended. */
  register(listener: string, handler: SocketStopper): () => void {
    const counts = this.#handlers.get(listener) ?? new Map<SocketStopper, number>();
    this.#handlers.set(listener, counts.set(handler, (counts.get(handler) ?? 0) + 1));
    let hasEnded = false;
    return () => {
      if (!hasEnded) this.#ended(listener, handler);
      hasEnded = true;
    };
  }

  #ended(listener: string, handler: SocketStopper): void {
    const counts = this.#handlers.get(listener)!;
    const left = counts.get(handler)! - 1;
    if (left > 0) counts.set(handler, left);
    else counts.delete(handler);
    if (counts.size === 0) this.#handlers.delete(listener);
  }

  /** Each handler with a socket there, once. What one throws is logged and stops no other. */
  stop(listener: string): void {
    // A copy: handlers may end sockets while they are asked.
    for (const handler of Array.from(this.#handlers.get(listener)?.keys() ?? [])) {
      try {
        handler.stop?.(listener);
      } catch (error) {
        this.#log.error({ err: error }, "a socket handler's stop failed");
      }
    }
  }
}
