/**
 * The second argument of a handler: what the standard has no place for. Thread: the engine's.
 */
import type { Connection } from "./connections.ts";
import type { ConnectionInfo, Context, Log, ServerControl } from "../shared/app.ts";
import type { Exchange } from "./exchange.ts";

export interface ListenerView {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
}

/** What a context asks of its engine. */
export interface ContextHost {
  readonly log: Log;
  readonly server: ServerControl;
  listenerOf(exchange: Exchange): ListenerView;
  connectionOf(exchange: Exchange): Connection;
  waitUntil(promise: Promise<unknown>): void;
  next(exchange: Exchange): Promise<Response>;
}

export class HandlerContext implements Context {
  readonly #host: ContextHost;
  readonly #exchange: Exchange;

  constructor(host: ContextHost, exchange: Exchange) {
    this.#host = host;
    this.#exchange = exchange;
  }

  get listener(): ListenerView {
    return this.#host.listenerOf(this.#exchange);
  }

  get connection(): ConnectionInfo {
    return this.#host.connectionOf(this.#exchange);
  }

  get params(): Record<string, string> {
    return this.#exchange.open().params;
  }

  get server(): ServerControl {
    return this.#host.server;
  }

  get log(): Log {
    return this.#host.log;
  }

  get signal(): AbortSignal {
    return this.#exchange.open().signal;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#host.waitUntil(promise);
  }

  next(): Promise<Response> {
    return this.#host.next(this.#exchange);
  }
}
