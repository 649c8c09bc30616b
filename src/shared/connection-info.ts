/** What handlers are told of the connection a request came on. Types only. */

export interface Endpoint {
  readonly address: string;
  /** Absent on a Unix socket. */
  readonly port?: number;
  readonly family: "IPv4" | "IPv6" | "unix";
}

/** The connection a request came on. */
export interface ConnectionInfo {
  /** Unique within the process, also after the connection has moved to another worker. */
  readonly id: string;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Kept between the requests of the connection, dropped when it closes. */
  readonly state: Record<string, unknown>;
  readonly closed: boolean;
  /**
   * Runs `fn` once when the connection has closed; registering again for an owner replaces. The
   * worker lives until a promise that it returns has settled; what fails is logged.
   */
  onClose(fn: () => unknown, owner?: unknown): void;
  offClose(owner: unknown): void;
  /** Closes at once; nothing more is written. */
  abort(): void;
}
