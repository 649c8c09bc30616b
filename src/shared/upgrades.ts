/**
 * What a handler switches a connection over with, and what the handler of its socket is given.
 * Types only.
 */
import type { Duplex } from "node:stream";
import type { ConnectionInfo, Endpoint } from "./connection-info.ts";
import type { Log } from "./log.ts";
import type { MillraceRequest } from "./request.ts";
import type { ServerControl } from "./server-control.ts";

/** What `context.upgrade` may be told beside the handler of the socket. */
export interface UpgradeOptions {
  /** Fields of the answer; `Upgrade` among them names the protocol, `Connection` is added. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  /**
   * The only protocol that is spoken here, such as `"echo/1"`: a request that does not ask for it
   * is answered with 426, which names it. Default: the first one that the request asks for.
   */
  readonly protocol?: string;
}

/** Owns sockets that have left HTTP; one object may own any number of them. */
export interface SocketHandler {
  /**
   * Owns the socket until its promise settles; then what was written is sent and the connection is
   * closed. A rejection is logged, and the connection closed at once. Without a promise it is over
   * when it returns.
   */
  start(socket: UpgradedSocket, context: UpgradeContext): Promise<void> | void;
  /**
   * With an id: that listener is being stopped, and its sockets are to end soon; called only while
   * there are any, and others go on. Without: all are to end, and the handler takes none any more,
   * because its route or its worker goes. What it throws is logged.
   */
  stop?(listenerId?: string): Promise<void> | void;
}

/** The second argument of `start`. */
export interface UpgradeContext {
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly connection: ConnectionInfo;
  /** Who asked: as the proxies of `trustProxy` say, else `connection.remote`. */
  readonly client: Endpoint;
  /** The request that was upgraded; its body is over. */
  readonly request: MillraceRequest;
  readonly server: ServerControl;
  readonly log: Log;
  /** Aborts when the handler is asked to stop, for this listener or for all. */
  readonly signal: AbortSignal;
  /**
   * The socket stays open when the promise of `start` settles, until `done` of the result is
   * called. A rejection still closes it.
   */
  detach(): DetachedSocket;
}

export interface DetachedSocket {
  /** The handler is done with the socket: it is closed as if `start` had settled now. */
  done(): void;
}

/**
 * A connection that has left HTTP: a Duplex with the members of `net.Socket` that a connected
 * socket needs. What came behind the request is read first. There are no time-outs, and TCP
 * keep-alive probes find peers that have vanished.
 *
 * `allowHalfOpen` is true: who listens to `end` ends the socket himself. If nobody does, the
 * peer's FIN ends it, also if nobody reads and nothing is buffered.
 */
export interface UpgradedSocket extends Duplex {
  readonly remoteAddress: string;
  /** Absent on a Unix socket. */
  readonly remotePort: number | undefined;
  readonly remoteFamily: Endpoint["family"];
  readonly localAddress: string;
  readonly localPort: number | undefined;
  readonly localFamily: Endpoint["family"];
  readonly bytesRead: number;
  /** Those that wait to be sent included. */
  readonly bytesWritten: number;
  /** Written and not yet taken by the kernel, as of the last send. */
  readonly unsentBytes: number;
  readonly connecting: false;
  readonly pending: false;
  readonly readyState: "open" | "readOnly" | "writeOnly" | "closed";
  /** Milliseconds; 0: none. */
  readonly timeout: number;
  address(): { address: string; family: string; port: number } | Record<string, never>;
  /** Emits `timeout` when nothing has been read or written for so long. 0: never, the default. */
  setTimeout(milliseconds: number, callback?: () => void): this;
  /** Probes after so many milliseconds of silence; at first after 60,000. */
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  /** On at first: small writes are not held back. */
  setNoDelay(noDelay?: boolean): this;
  /** Does nothing: the server keeps its worker alive. */
  ref(): this;
  unref(): this;
  /** Destroys it when what was written has been sent. */
  destroySoon(): void;
  /** Closes by a reset. */
  resetAndDestroy(): this;
}
