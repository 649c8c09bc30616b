/**
 * What JavaScript keeps of a connection, and only when there is a reason: requests without an
 * answer yet, answers that wait for their turn, a body being received, a stream being sent, the
 * app's state and close handlers. Indexed by slot; the generation tells its users apart.
 * Thread: the engine's.
 */
import type { ConnectionInfo, Endpoint } from "../shared/app.ts";
import type { NativeConnection } from "../native.ts";
import { MillraceError } from "../shared/errors.ts";
import {
  SLOT_FLAG_ENDED,
  SLOT_FLAG_RESET,
  SLOT_FLAG_WATCHED,
  SLOT_FLAGS,
  SLOT_GENERATION,
  SLOT_WORDS,
} from "../shared/layout.ts";
import type { Exchange } from "./exchange.ts";
import type { Log } from "../shared/app.ts";
import type { BodyPump } from "./pump.ts";
import type { UpgradedConnection } from "./upgraded-connection.ts";

/** The reason with which `request.signal` aborts. */
export function peerGone(): DOMException {
  return new DOMException("The peer has closed the connection", "AbortError");
}

/** The same of a request that gets no answer since an earlier one ends its connection. */
export function endedBefore(): DOMException {
  return new DOMException("An earlier answer ends the connection", "AbortError");
}

const PEER_GONE = SLOT_FLAG_ENDED | SLOT_FLAG_RESET;

/** What a connection asks of its engine. */
export interface ConnectionHost {
  readonly slots: Int32Array;
  readonly log: Log;
  connectionFacts(slot: number, generation: number): NativeConnection | undefined;
  /** The worker lives until it has settled; a rejection is logged. */
  waitUntil(promise: Promise<unknown>): void;
  abortConnection(slot: number, generation: number): void;
}

/** An answer that is not written yet. */
export interface WaitingAnswer {
  readonly write: () => void;
  /** How much may wait to be sent when it is written. */
  readonly outputBytesMax: number;
}

export interface WaitingInterim {
  readonly answers: { readonly status: number; readonly lines: string }[];
  bytes: number;
}

export class ConnectionState {
  readonly slot: number;
  readonly generation: number;
  /** Requests that a handler has and that are not answered. */
  readonly pending: Set<Exchange> = new Set();
  /** Answers behind earlier ones, by sequence number. */
  readonly waiting: Map<number, WaitingAnswer> = new Map();
  /** Interim answers of requests that do not have their turn yet, by sequence number. */
  readonly interim: Map<number, WaitingInterim> = new Map();
  /** The request whose body is still arriving. */
  reading: Exchange | null = null;
  /** The number of the request with whose answer the connection ends. */
  last: number = Infinity;
  pump: BodyPump | null = null;
  /** From 101 on. */
  upgraded: UpgradedConnection | null = null;
  info: Connection | null = null;

  constructor(slot: number, generation: number) {
    this.slot = slot;
    this.generation = generation;
  }
}

export class Connections {
  readonly #host: ConnectionHost;
  readonly #states: (ConnectionState | undefined)[] = [];

  constructor(host: ConnectionHost) {
    this.#host = host;
  }

  find(slot: number, generation: number): ConnectionState | undefined {
    const state = this.#states[slot];
    return state !== undefined && state.generation === generation ? state : undefined;
  }

  /** Makes the state if there is none. */
  of(slot: number, generation: number): ConnectionState {
    return (
      this.find(slot, generation) ??
      (this.#states[slot] = new ConnectionState(slot, generation))
    );
  }

  isOpen(slot: number, generation: number): boolean {
    return this.#host.slots[slot * SLOT_WORDS + SLOT_GENERATION] === generation;
  }

  /**
   * The peer has sent FIN, and may still read or have gone; or a reset. Also to be asked of a
   * connection that has gone, as long as its slot has no other one: until its batch is over.
   */
  isPeerGone(slot: number): boolean {
    return (this.#host.slots[slot * SLOT_WORDS + SLOT_FLAGS]! & PEER_GONE) !== 0;
  }

  /** An earlier answer ends the connection: there will be none to this request. */
  isBehindLast({ slot, generation, sequence }: Exchange): boolean {
    return sequence > (this.find(slot, generation)?.last ?? Infinity);
  }

  infoOf(exchange: Exchange): Connection {
    const { slot, generation } = exchange;
    // Asked too late: the slot may be another client's by now, whose state stays as it is.
    if (!this.isOpen(slot, generation) && this.find(slot, generation) === undefined) {
      return new Connection(this.#host, slot, generation);
    }
    const state = this.of(slot, generation);
    return (state.info ??= new Connection(this.#host, slot, generation));
  }

  /**
   * Of those whose object a handler has asked for. Looks through all of them: connections pay
   * nothing for being found.
   */
  byId(id: string): Connection {
    for (const state of this.#states) {
      const info = state?.info ?? null;
      if (info !== null && !info.closed && info.id === id) return info;
    }
    throw new MillraceError(
      "ERR_MILLRACE_CONNECTION_UNKNOWN",
      `No open connection of this worker has the id ${JSON.stringify(id)}`,
    );
  }

  /** Of all connections: with a handler that is not done, or an answer that is being sent. */
  *pending(): Generator<Exchange> {
    for (const state of this.#states) if (state !== undefined) yield* state.pending;
  }

  forget(slot: number): void {
    this.#states[slot] = undefined;
  }
}

const NOWHERE: Endpoint = { address: "", family: "IPv4" };

/** `context.connection`. The app's state or close handlers tie the connection to this thread. */
export class Connection implements ConnectionInfo {
  readonly #host: ConnectionHost;
  readonly #slot: number;
  readonly #generation: number;
  #facts: NativeConnection | null = null;
  #state: Record<string, unknown> | null = null;
  #closeHandlers: Map<unknown, () => unknown> | null = null;

  constructor(host: ConnectionHost, slot: number, generation: number) {
    this.#host = host;
    this.#slot = slot;
    this.#generation = generation;
  }

  get id(): string {
    return String(this.#read()?.id ?? "");
  }

  get remote(): Endpoint {
    return this.#read()?.remote ?? NOWHERE;
  }

  get local(): Endpoint {
    return this.#read()?.local ?? NOWHERE;
  }

  get state(): Record<string, unknown> {
    this.#watch();
    return (this.#state ??= {});
  }

  get closed(): boolean {
    return this.#host.slots[this.#slot * SLOT_WORDS + SLOT_GENERATION] !== this.#generation;
  }

  onClose(fn: () => unknown, owner: unknown = fn): void {
    if (typeof fn !== "function") throw new TypeError("onClose: the first argument is no function");
    if (this.closed) {
      queueMicrotask(() => this.#close(fn));
      return;
    }
    this.#watch();
    (this.#closeHandlers ??= new Map()).set(owner, fn);
  }

  offClose(owner: unknown): void {
    const handlers = this.#closeHandlers;
    if (handlers === null || !handlers.delete(owner) || handlers.size > 0) return;
    if (this.#state === null) this.#unwatch();
  }

  abort(): void {
    this.#host.abortConnection(this.#slot, this.#generation);
  }

  /** The engine: the connection has closed. */
  runCloseHandlers(): void {
    const handlers = this.#closeHandlers;
    this.#closeHandlers = null;
    if (handlers === null) return;
    for (const handler of handlers.values()) this.#close(handler);
  }

  #close(handler: () => unknown): void {
    try {
      const result = handler();
      if (result instanceof Promise) this.#host.waitUntil(result);
    } catch (error) {
      this.#host.log.error({ err: error }, "a close handler of a connection failed");
    }
  }

  #watch(): void {
    this.#read(); // when it has closed it is too late
    if (this.closed) return;
    this.#host.slots[this.#slot * SLOT_WORDS + SLOT_FLAGS]! |= SLOT_FLAG_WATCHED;
  }

  /** Nothing of the app hangs on it any more: it may go on with another worker. */
  #unwatch(): void {
    if (this.closed) return;
    this.#host.slots[this.#slot * SLOT_WORDS + SLOT_FLAGS]! &= ~SLOT_FLAG_WATCHED;
  }

  /** Read once: the addresses stay readable after the connection has closed. */
  #read(): NativeConnection | null {
    return (this.#facts ??= this.#host.connectionFacts(this.#slot, this.#generation) ?? null);
  }
}
