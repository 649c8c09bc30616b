/** What a server tells of its listeners: where they listen, and what still runs. Types only. */

/**
 * Where a stop is: nothing new is accepted; requests end, idle connections are closed once they
 * are quiet; the handlers of dedicated sockets are asked to end; what is left is destroyed.
 */
export type StopPhase = "accepting" | "requests" | "sockets" | "destroying";

/** What a worker still has of a listener. */
export interface RunningWorker {
  readonly id: number;
  readonly connections: number;
}

/** What still runs of a listener. The event `stopping` has the same, and what ListenerInfo has. */
export interface RunningListener {
  readonly id: string;
  readonly state: ListenerState;
  /** Null unless it is being stopped. */
  readonly phase: StopPhase | null;
  /** Wherever they are: with a worker, or on their way to one. */
  readonly connections: number;
  /** Those that handlers own for themselves. */
  readonly upgraded: number;
  /** Workers that have connections of it. */
  readonly workers: readonly RunningWorker[];
}

/** What `server.running()` tells, as of now. */
export interface RunningReport {
  /** Those that listen, or still have connections. */
  readonly listeners: readonly RunningListener[];
  /** The ids of the workers that have not ended. */
  readonly workers: readonly number[];
}

export type ListenerState = "created" | "listening" | "paused" | "stopping" | "stopped" | "failed";

export interface ListenerInfo {
  readonly id: string;
  readonly name: string;
  readonly comment?: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly fd?: number;
  /** As `host:port`, `[v6]:port`, the path, `@name`, `fd:N`, `systemd` or `systemd:name`. */
  readonly bind: string;
  /** Reaches it from this machine, also if it listens on a wildcard address. */
  readonly url: string;
  readonly isTls: boolean;
  /** Of each of its sockets; empty while it has none. */
  readonly addresses: readonly ListenerAddress[];
  readonly state: ListenerState;
}

/** One of the addresses of a listener. */
export interface ListenerAddress {
  /** Numeric, or the path of a Unix socket. */
  readonly address: string;
  readonly port?: number;
  readonly family: "IPv4" | "IPv6" | "unix";
  /** Why nobody can connect there: it could not be bound, or its socket has broken. */
  readonly error?: string;
}

/** What the server's event `listenerError` tells. */
export interface ListenerErrorInfo {
  readonly listener: ListenerInfo;
  /** Its `cause` has the system's code, such as EMFILE. */
  readonly error: Error;
  /** Which of its addresses. */
  readonly address: Omit<ListenerAddress, "error">;
  /**
   * Connections wait in the kernel's queue; the socket is opened again; it has failed; or an
   * address of the host name could not be bound, and the others serve.
   */
  readonly action: "waits" | "reopens" | "fails" | "skips";
}
