/** The writer of an answer, `context.reply()`, for handlers that write. Types only. */

/** What can be written: bytes are copied, strings are UTF-8. */
export type ReplyData = string | Uint8Array | ArrayBuffer | ArrayBufferView;

export interface ReplyOptions {
  /**
   * Bytes of the body that are kept before the head is sent, at most the listener's
   * `outputBytesMax`, which is the default. 0: the first write sends it.
   */
  readonly bufferBytesMax?: number;
}

export interface ReplyErrorOptions {
  /** Close the connection after the answer. */
  readonly close?: boolean;
  /** Whether it is logged as an error. Default: from status 500 on. */
  readonly log?: boolean;
}

export interface ReplyStreamOptions {
  /** The server never calls: the application does, by `next()`. */
  readonly manual?: boolean;
}

/**
 * Writes one answer, in this order: status and headers, the body, the end. What comes out of order
 * throws ERR_MILLRACE_REPLY_ORDER, what comes after the end ERR_MILLRACE_RESPONSE_SENT.
 *
 * Who has taken it must complete it, with `end`, `close`, `error` or `redirect`; the handler may
 * have returned long before that. If it has, and the reply and the context are garbage before it is
 * complete, it is answered with 500, or cut, and logged with the connection's id and address.
 */
export interface Reply {
  /** Nothing that is written arrives any more: the client has gone, or another answer was given. */
  readonly isGone: boolean;
  /** The head has been handed over: do not count on `error` replacing it any more. */
  readonly isCommitted: boolean;
  /** It has been completed, or is gone. */
  readonly isComplete: boolean;
  /** 200 to 599; default 200. Goes on: `error` is what ends. `text`: the reason phrase. */
  status(code: number, text?: string): this;
  /** Sets a field; an array sets it several times, as for Set-Cookie. */
  header(name: string, value: string | number | readonly string[]): this;
  /** To be read and edited until the body begins, also by the writers of `millrace/fields`. */
  readonly headers: Headers;
  /**
   * Adds to the body. Kept until more than `bufferBytesMax` have been written; then, or after
   * `flush`, the head has gone and each piece is sent by the end of the turn. Resolves when the
   * next piece may come: at once, or when a slow client has taken enough. To false if `isGone`:
   * what is written then is discarded. It never rejects; more than `outputHardBytesMax` that
   * nobody waited for cut the answer.
   */
  write(data: ReplyData): Promise<boolean>;
  /** Sends what is kept, the head first, also without a body. Resolves as `write` does. */
  flush(): Promise<boolean>;
  /** Completes the answer. Resolves to true when all of it has been handed over. */
  end(data?: ReplyData): Promise<boolean>;
  /**
   * Completes it and closes the connection; while nothing has been committed it closes without
   * any output. Of a complete reply it does nothing.
   */
  close(): void;
  /**
   * Completes it with a status from 400 on and a message, in the place of all that was written, as
   * long as nothing is committed; headers of the replaced body go with it. Later it cuts the
   * answer, so that the client sees that it is not whole, unless none of it has left the server.
   */
  error(status: number, message?: string, options?: ReplyErrorOptions): void;
  /** Completes it with a redirection, as `redirect` of the package, and a short text. */
  redirect(location: string | URL, status?: number): void;
  /**
   * Streams: each `write` is sent at once, and `producer` is called now and again after each time
   * that what it wrote has left, until the reply is complete. What it throws fails the answer.
   */
  stream(
    producer: (reply: Reply) => void | Promise<void>,
    options?: ReplyStreamOptions,
  ): this;
  /**
   * Calls the producer once, behind the calls that came before, of which 1,024 may wait. Resolves
   * to true when what it wrote has left; to false if the reply is complete or gone behind it, or
   * was before, and it is not called.
   */
  next(): Promise<boolean>;
  /** The whole message is the app's to write, its status line included. */
  raw(): RawReply;
}

/**
 * The bytes of an answer as they are. The first write begins with a status line, whose status the
 * logs have; framing and `Connection` are the app's. The connection stays open behind `end`, unless
 * the client has asked for its end, or the server must.
 */
export interface RawReply {
  readonly isGone: boolean;
  /** Resolves as `write` of a Reply does. */
  write(data: ReplyData): Promise<boolean>;
  /** The message is complete: the next request of the connection may be answered. */
  end(data?: ReplyData): Promise<boolean>;
  /** The same, and the connection ends. Without a write it closes without any output. */
  close(): void;
}
