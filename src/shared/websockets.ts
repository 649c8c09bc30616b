/**
 * WebSockets as apps see them: the `websocket` member of an app and the sockets that its handlers
 * are given, named and meant as in Bun. Types only.
 */

/** Bytes that can be sent at once: what a Blob holds has to be read first. */
export type WebSocketBytes = ArrayBufferLike | ArrayBufferView;
export type WebSocketData = string | WebSocketBytes;

/** How bytes are given to handlers; each in memory of its own. */
export type WebSocketBinaryType = "nodebuffer" | "arraybuffer" | "uint8array" | "blob";

/** The server's end of a WebSocket. */
export interface ServerWebSocket<Data = undefined> {
  /** What `context.upgrade` was given; the app's to change. */
  data: Data;
  /** 1: open. 2: closing, nothing is sent or given to `message` any more. 3: closed. */
  readonly readyState: 1 | 2 | 3;
  readonly remoteAddress: string;
  /** Of bytes in `message`, `ping` and `pong`. Default `nodebuffer`. */
  binaryType: WebSocketBinaryType;
  /** The topics that it is subscribed to. */
  readonly subscriptions: string[];
  /**
   * Text for a string, else bytes. How many bytes of it were taken, at least 1; -1: taken, and
   * more waits now than the socket takes, `drain` follows; 0: dropped, since the socket is not
   * open or more than `backpressureLimit` waits already. `compress` counts only where compression
   * was negotiated; default false. A TypeError for anything else, a Blob included.
   */
  send(data: WebSocketData, compress?: boolean): number;
  sendText(text: string, compress?: boolean): number;
  sendBinary(bytes: WebSocketBytes, compress?: boolean): number;
  /** At most 125 bytes, else a RangeError. Results as of `send`. */
  ping(data?: WebSocketData): number;
  pong(data?: WebSocketData): number;
  /**
   * Starts the closing handshake. Default 1000 without a reason. A RangeError for a code that may
   * not be sent (RFC 6455 7.4) or a reason of more than 123 bytes; without effect if not open.
   */
  close(code?: number, reason?: string): void;
  /** Ends the connection at once, without a handshake: the peer sees 1006. */
  terminate(): void;
  /** False if the socket is not open. */
  subscribe(topic: string): boolean;
  /** False if it was not subscribed. */
  unsubscribe(topic: string): boolean;
  isSubscribed(topic: string): boolean;
  /** To all subscribers of the topic; to itself only with `publishToSelf`. */
  publish(topic: string, data: WebSocketData, compress?: boolean): number;
  publishText(topic: string, text: string, compress?: boolean): number;
  publishBinary(topic: string, bytes: WebSocketBytes, compress?: boolean): number;
  /** What is sent meanwhile leaves together. The result is the callback's. */
  cork<Result>(callback: (socket: ServerWebSocket<Data>) => Result): Result;
  /** Bytes that were taken and wait to be sent. */
  getBufferedAmount(): number;
}

/** What `context.upgrade` of a request may be told. */
export interface WebSocketUpgradeOptions {
  /** Becomes the `data` of the socket. */
  readonly data?: unknown;
  /** Fields of the answer: cookies, or `Sec-WebSocket-Protocol`; those of the handshake are not. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/** The other end of a connection, as in Bun. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
}

/** Memory and gain of a compressor, or of a decompressor, as in Bun. */
export type WebSocketCompressor =
  | "disable" | "shared" | "dedicated"
  | "3KB" | "4KB" | "8KB" | "16KB" | "32KB" | "64KB" | "128KB" | "256KB";

export interface WebSocketDeflate {
  /** Of messages sent with `compress`. Default true, which is `shared`. */
  compress?: boolean | WebSocketCompressor;
  /** Of messages received. Default true, which is `shared`. */
  decompress?: boolean | WebSocketCompressor;
}

/**
 * The `websocket` member of an app. What a handler throws, or its promise rejects with, is given
 * to `error` or logged, and closes the socket with 1011.
 */
export interface WebSocketHandler<Data = undefined> {
  /** For the compiler alone, as in Bun: `data: {} as MyData`. */
  data?: Data;
  open?(socket: ServerWebSocket<Data>): void | Promise<void>;
  message?(socket: ServerWebSocket<Data>, message: string | Buffer): void | Promise<void>;
  /** All that waited after a result of -1 has been handed over. */
  drain?(socket: ServerWebSocket<Data>): void | Promise<void>;
  /**
   * Once, when the connection has closed. The code and reason of the first Close frame, whoever
   * sent it; 1005 if it had none, 1006 if there was no such frame.
   */
  close?(socket: ServerWebSocket<Data>, code: number, reason: string): void | Promise<void>;
  /** It has been answered already. */
  ping?(socket: ServerWebSocket<Data>, data: Buffer): void | Promise<void>;
  pong?(socket: ServerWebSocket<Data>, data: Buffer): void | Promise<void>;
  error?(socket: ServerWebSocket<Data>, error: unknown): void | Promise<void>;
  /** Bytes of a message; a longer one closes the socket with 1009. Default 16 MiB. */
  maxPayloadLength?: number;
  /** Bytes that may wait to be sent before `send` drops. 0: no limit. Default 1 MiB. */
  backpressureLimit?: number;
  /** A socket that would drop a message is terminated. Default false. */
  closeOnBackpressureLimit?: boolean;
  /**
   * Seconds without a byte from the peer after which it is given up; with `sendPings: false` also
   * without a message to it. 0: never. Default 120.
   */
  idleTimeout?: number;
  /** A silent peer is pinged every 20 seconds, or half of a shorter `idleTimeout`. Default true. */
  sendPings?: boolean;
  /** A socket gets what it publishes, if it is subscribed. Default false. */
  publishToSelf?: boolean;
  /** Whether messages may be compressed, and how. Default false. */
  perMessageDeflate?: boolean | WebSocketDeflate;
  /**
   * When their listener stops, sockets are closed with 1001 over so many milliseconds, so that not
   * all peers come back at once. Default 1,000.
   */
  closeSpreadMs?: number;
}
