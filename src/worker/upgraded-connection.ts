/**
 * A connection that has left HTTP, from 101 to its close: hands what comes to its socket, runs its
 * handler, and closes when the handler is done: what was written is sent, then FIN, then what still
 * comes is dropped until the peer's FIN or a short time. It counts for its handler until both the
 * handler is done and the connection is closed. Thread: the engine's.
 */
import type { AsyncResource } from "node:async_hooks";
import type { ConnectionInfo, Endpoint } from "../shared/connection-info.ts";
import {
  CLOSED_RESET, EVENT_BODY_BUFFER, EVENT_BODY_LENGTH, EVENT_BODY_OFFSET, KIND_DATA, KIND_DATA_END,
  KIND_WRITABLE,
} from "../shared/layout.ts";
import type { Log } from "../shared/log.ts";
import type { MillraceRequest } from "../shared/request.ts";
import type { ServerControl } from "../shared/server-control.ts";
import type { DetachedSocket, SocketHandler, UpgradeContext } from "../shared/upgrades.ts";
import type { BodyBuffers, BytesOwner } from "./body-buffers.ts";
import type { Registration } from "./dedicated-sockets.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenerView } from "./listener-sites.ts";
import type { RingSocket } from "./upgraded-socket.ts";

/** What it is made of. */
export interface UpgradedParts {
  readonly exchange: Exchange;
  readonly socket: RingSocket;
  readonly handler: SocketHandler;
  readonly registration: Registration;
  /** The async context of the request's handler, in which its events are told. */
  readonly scope: AsyncResource;
  readonly connection: ConnectionInfo;
  readonly log: Log;
  readonly server: ServerControl;
  readonly clientOf: () => Endpoint;
  /** How long a peer may take nothing of what is left to be sent; 0: for ever. */
  readonly writeTimeoutMs: number;
}

export class UpgradedConnection implements BytesOwner {
  readonly socket: RingSocket;
  readonly #parts: UpgradedParts;
  /** The handler is done with it. */
  #isOver = false;
  #isClosed = false;
  #isDetached = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: UpgradedParts) {
    this.#parts = parts;
    this.socket = parts.socket;
  }

  /** Runs its handler; what it throws ends the connection. */
  async start(): Promise<void> {
    const { handler, scope } = this.#parts;
    const context = new SocketContext(this.#parts, () => this.#detach());
    try {
      await scope.runInAsyncScope(() => handler.start(this.socket, context));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#isDetached) this.#end();
  }

  /** An event of the connection, at `base`. */
  take(events: Int32Array, base: number, slab: Buffer, buffers: BodyBuffers): void {
    try {
      this.#parts.scope.runInAsyncScope(() => this.#tell(events, base, slab, buffers));
    } catch (error) {
      this.#parts.log.error({ err: error }, "a listener of an upgraded socket failed");
      this.socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #tell(events: Int32Array, base: number, slab: Buffer, buffers: BodyBuffers): void {
    switch (events[base]) {
      case KIND_DATA: {
        const buffer = events[base + EVENT_BODY_BUFFER]!;
        const offset = events[base + EVENT_BODY_OFFSET]!;
        const length = events[base + EVENT_BODY_LENGTH]!;
        if (buffer < 0) this.socket.receive(slab, offset, length);
        else buffers.hand(this, buffer, offset, length);
        break;
      }
      case KIND_DATA_END:
        this.socket.receiveEnd();
        break;
      case KIND_WRITABLE:
        this.socket.resumeWriting();
        break;
      default:
        break;
    }
  }

  push(from: Uint8Array, offset: number, length: number): void {
    this.socket.receive(from, offset, length);
  }

  give(bytes: Uint8Array<ArrayBuffer>): void {
    this.socket.give(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }

  /** It has closed; `reason` is CLOSED_… of the layout. */
  close(reason: number): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { scope, log } = this.#parts;
    try {
      const error = reason === CLOSED_RESET ? reset() : null;
      scope.runInAsyncScope(() => this.socket.connectionClosed(error));
    } catch (error) {
      log.error({ err: error }, "a listener of an upgraded socket failed");
    }
    this.#release();
  }

  #detach(): DetachedSocket {
    this.#isDetached = true;
    return { done: () => this.#end() };
  }

  #fail(error: unknown): void {
    const { log, exchange } = this.#parts;
    const facts = { err: error, listener: exchange.site.view.id };
    // A peer that goes away is no fault of the handler.
    if (this.#isClosed) log.debug(facts, "a socket handler ended with its connection");
    else log.error(facts, "a socket handler failed");
    this.#isOver = true;
    this.socket.destroy();
    this.#release();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isClosed) this.#finish();
    this.#release();
  }

  #finish(): void {
    this.socket.closeSoon();
    const isSlow = !this.socket.writableFinished && !this.socket.destroyed;
    if (isSlow && this.#parts.writeTimeoutMs > 0) this.#watch(Infinity);
  }

  /** Ends it when a whole interval has passed and the peer has taken nothing. */
  #watch(before: number): void {
    const { unsentBytes } = this.socket;
    if (unsentBytes === 0) return;
    if (unsentBytes >= before) {
      this.socket.destroy();
      return;
    }
    const { writeTimeoutMs } = this.#parts;
    this.#timer = setTimeout(() => this.#watch(unsentBytes), writeTimeoutMs).unref();
  }

  #release(): void {
    if (this.#isOver && this.#isClosed) this.#parts.registration.end();
  }
}

/** The second argument of `start`. */
class SocketContext implements UpgradeContext {
  readonly #parts: UpgradedParts;
  readonly detach: () => DetachedSocket;

  constructor(parts: UpgradedParts, detach: () => DetachedSocket) {
    this.#parts = parts;
    this.detach = detach;
  }

  get listener(): ListenerView {
    return this.#parts.exchange.site.view;
  }

  get connection(): ConnectionInfo {
    return this.#parts.connection;
  }

  get client(): Endpoint {
    return this.#parts.clientOf();
  }

  get request(): MillraceRequest {
    return this.#parts.exchange.open();
  }

  get server(): ServerControl {
    return this.#parts.server;
  }

  get log(): Log {
    return this.#parts.log;
  }

  get signal(): AbortSignal {
    return this.#parts.registration.signal;
  }
}

function reset(): Error {
  const code = "ECONNRESET";
  return Object.assign(new Error(`read ${code}`), { code, errno: -104, syscall: "read" });
}
