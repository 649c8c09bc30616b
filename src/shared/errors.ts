/**
 * Every error that Millrace makes: one class, one table of codes. Codes are for ever, the wording
 * is not; docs/errors.md is generated from the table. Pure: both threads use it.
 */

/** What a code means, and the status it answers a request with if a handler lets it through. */
export interface ErrorRow {
  readonly text: string;
  readonly status?: number;
}

/** The table. A row is one sentence on what happened and, where it helps, one on what to do. */
export const ERRORS = {
  ERR_MILLRACE_OPTION_UNKNOWN: {
    text: "An option, flag or key of a configuration file has a name that does not exist.",
  },
  ERR_MILLRACE_OPTION_INVALID: {
    text: "An option has a value that its row in the table of options does not allow.",
  },
  ERR_MILLRACE_CONFIG: {
    text: "The configuration file cannot be read, or does not hold an object of options.",
  },
  ERR_MILLRACE_PLATFORM: {
    text: "There is no built addon for this platform. Supported: Linux on x64 with glibc.",
  },
  ERR_MILLRACE_ADDON_LAYOUT: {
    text: "The addon and the JavaScript were built from different versions. Build both again.",
  },
  ERR_MILLRACE_NATIVE_ARGUMENT: {
    text: "The addon was called with what it does not take: a bug of Millrace, please report it.",
  },
  ERR_MILLRACE_LLHTTP_VERSION: {
    text: "The parser inside this Node.js is not llhttp 9.3 or a later 9, so it cannot be used.",
  },
  ERR_MILLRACE_BIND: {
    text: "A listener could not be bound. The system's error is in `cause`, with its code.",
  },
  ERR_MILLRACE_ACCESS_LOG: {
    text: "The access log cannot be opened or written. The system's error is in `cause`.",
  },
  ERR_MILLRACE_ACCEPT: {
    text: "A listener cannot accept connections, as when no descriptor is left. See `cause`.",
  },
  ERR_MILLRACE_LISTENER_FAILED: {
    text: "A listening socket has failed more often in a row than `reopenMax` allows.",
  },
  ERR_MILLRACE_LISTENER_STOPPED: {
    text: "The listener was stopped before the start that was asked for was done.",
  },
  ERR_MILLRACE_FILE_CHANGED: {
    text: "A file has changed after an answer was begun with its length. The answer is cut.",
  },
  ERR_MILLRACE_LISTENER_UNKNOWN: { text: "No listener has this id, name or bind." },
  ERR_MILLRACE_LISTENER_DUPLICATE: { text: "Two listeners have the same id, name or bind." },
  ERR_MILLRACE_APP_NOT_FOUND: { text: "The file of the app does not exist." },
  ERR_MILLRACE_APP_LOAD: {
    text: "The app's module failed while it was loaded. What it threw is in `cause`.",
  },
  ERR_MILLRACE_APP_SHAPE: {
    text: "The default export is no app: an object with `routes` or `fetch`, or a fetch handler.",
  },
  ERR_MILLRACE_APP_NOT_PATH: {
    text: "Worker threads load the app themselves: give the path of its module, or `workers: 0`.",
  },
  ERR_MILLRACE_INIT_TIMEOUT: {
    text: "A worker was not ready, or then not open, within `initTimeoutMs`: the app still ran.",
  },
  ERR_MILLRACE_BROKER: {
    text: "The app's `broker` could not be opened. What its `open` threw is in `cause`.",
  },
  ERR_MILLRACE_INIT_FAILED: {
    text: "The app's `init` threw or rejected. What it threw is in `cause`.",
  },
  ERR_MILLRACE_ROUTE_INVALID: {
    text: "A route's pattern or value is not valid. The message names the pattern.",
  },
  ERR_MILLRACE_ROUTE_STREAM: {
    text: "A constant Response of a route has a stream as its body, which can be sent only once.",
  },
  ERR_MILLRACE_ROUTE_UNKNOWN: {
    text: "No route of the table has this pattern or id, or the listener has no routes of its own.",
  },
  ERR_MILLRACE_HANDLER_UNKNOWN: {
    text: "A route names a handler that the app does not have. The message names the row.",
  },
  ERR_MILLRACE_HANDLER_INVALID: {
    text: "The `perConnection` of a handler has returned what is no handler object.",
  },
  ERR_MILLRACE_MATCH_INVALID: {
    text: "A `match` has returned a promise, which is always truthy. The message names the route.",
  },
  ERR_MILLRACE_REWRITE_INVALID: {
    text: "A request can be rewritten to a path, which begins with a slash, and a query.",
  },
  ERR_MILLRACE_REWRITE_LOOP: {
    text: "A request has been rewritten so often that it would go through the routes a 17th time.",
  },
  ERR_MILLRACE_HANDLER_DUPLICATE: {
    text: "An app gives two handlers the same name, or one that every app has.",
  },
  ERR_MILLRACE_WORKER_DIED: { text: "A worker thread ended although nobody had asked it to." },
  ERR_MILLRACE_WORKER_STUCK: {
    text: "A worker did not turn its loop for `stuckTerminateMs`, and was terminated.",
  },
  ERR_MILLRACE_RETIRE_TIMEOUT: {
    text: "A worker of an old generation, or one too many, had not ended by its deadline.",
  },
  ERR_MILLRACE_NO_WORKERS: {
    text: "With `workers: 0` there is nothing to reload or to scale: modules never unload.",
  },
  ERR_MILLRACE_CRASH_LOOP: {
    text: "Workers died one after the other. Replacements now start with a growing delay.",
  },
  ERR_MILLRACE_CONTROL_TIMEOUT: {
    text: "A worker did not acknowledge a control message in time.",
  },
  ERR_MILLRACE_CONTROL_SOCKET: {
    text: "The control socket cannot be opened, or nobody answers on it.",
  },
  ERR_MILLRACE_CONTROL_REQUEST: {
    text: "A request on the control socket is not one that it knows. The message says why.",
  },
  ERR_MILLRACE_CONTROL_BUSY: {
    text: "The control socket has too many requests in work; ask again later.",
    status: 503,
  },
  ERR_MILLRACE_SHARED_MEMORY: {
    text: "There is no such block of shared memory to be had. The message says why.",
  },
  ERR_MILLRACE_RECORDS: {
    text: "The server keeps no more tables of records for its workers.",
  },
  ERR_MILLRACE_UPGRADE: {
    text: "This process cannot be replaced, or cannot do this while it is. The message says why.",
  },
  ERR_MILLRACE_PID_FILE: {
    text: "The pid file cannot be written, or names another server that runs.",
  },
  ERR_MILLRACE_CONTROL_VERSION: {
    text: "Primary and workers are of different builds. Install or build Millrace again.",
  },
  ERR_MILLRACE_LISTENER_LAST: {
    text: "The only listener that runs is not stopped or removed: see `protectLastListener`.",
  },
  ERR_MILLRACE_LISTENER_LIMIT: {
    text: "A server has 128 listeners at most, those included whose connections have not ended.",
  },
  ERR_MILLRACE_SERVER_CLOSED: { text: "The server has closed, or is closing." },
  ERR_MILLRACE_BODY_TOO_LARGE: {
    text: "The body of a request is longer than `bodyBytesMax` or `bodyStreamBytesMax`.",
    status: 413,
  },
  ERR_MILLRACE_OVERLOADED: {
    text: "A body was being collected, or kept for a clone, beyond `memoryBytesMax` of its worker.",
    status: 503,
  },
  ERR_MILLRACE_BODY_ENCODING: {
    text: "The body of a request cannot be decoded as its Content-Encoding says.",
    status: 400,
  },
  ERR_MILLRACE_BODY_TIMEOUT: {
    text: "The body of a request made no progress for `bodyTimeoutMs`.",
    status: 408,
  },
  ERR_MILLRACE_BODY_TRUNCATED: {
    text: "The connection ended in the middle of a request's body.",
    status: 400,
  },
  ERR_MILLRACE_BODY_USED: {
    text: "The body of a Request or Response was read before and can be read only once.",
  },
  ERR_MILLRACE_BODY_CHANGED: {
    text: "A buffer given as a body was detached or shortened before all of it was sent.",
  },
  ERR_MILLRACE_RESPONSE_INVALID: {
    text: "A handler returned something that is no answer. The message names the route.",
  },
  ERR_MILLRACE_RESPONSE_SENT: {
    text: "An answer, an interim one, a trailer or an upgrade came too late: one has been given.",
  },
  ERR_MILLRACE_REPLY_ORDER: {
    text: "A reply was written out of order: status and headers, the body, the end.",
  },
  ERR_MILLRACE_REPLY_FORGOTTEN: {
    text: "A handler has dropped its reply without completing it. The message names the client.",
  },
  ERR_MILLRACE_REPLY_OVERFLOW: {
    text: "A reply was not waited for: more than `outputHardBytesMax`, or 1,024 calls, were kept.",
  },
  ERR_MILLRACE_CONNECTION_UNKNOWN: {
    text: "No open connection of this worker, as far as handlers have seen it, has this id.",
  },
  ERR_MILLRACE_TRAILER_INVALID: {
    text: "A trailer of an answer is not allowed, was not announced, or is too long.",
  },
  ERR_MILLRACE_WEBSOCKET_INVALID: {
    text: "The app's `websocket` has a member that is unknown or not valid. The message names it.",
  },
  ERR_MILLRACE_WEBSOCKET_NONE: {
    text: "A request was to become a WebSocket, and the app has no `websocket`.",
  },
  ERR_MILLRACE_NO_SOCKET: {
    text: "An app that `createFetch` calls wanted what only a server has. The message says what.",
  },
  ERR_MILLRACE_RESPONSE_HEADERS: {
    text: "An answer has a Content-Length that contradicts its body, or other unfit headers.",
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

// Also the check that each row of the table has the shape of a row.
const rows: Readonly<Record<ErrorCode, ErrorRow>> = ERRORS;

/** An error of Millrace. Without a message it says what the table says of its code. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  declare readonly status?: number;

  constructor(code: ErrorCode, message?: string, options?: ErrorOptions) {
    super(message ?? rows[code].text, options);
    this.code = code;
    const status = rows[code].status;
    if (status !== undefined) this.status = status;
  }
}

// On the prototype, as in the built-in errors: an own property would be printed with each error.
Object.defineProperty(MillraceError.prototype, "name", {
  value: "MillraceError",
  writable: true,
  configurable: true,
});

/** What `new Headers()` takes. */
type HttpErrorHeaders = ConstructorParameters<typeof Headers>[0];

export interface HttpErrorOptions extends ErrorOptions {
  /** Close the connection after the answer. */
  close?: boolean;
  /** Header fields of the answer, as `new Headers()` takes them. */
  headers?: HttpErrorHeaders;
  /** Whether the message is the text of the answer. Default true. */
  expose?: boolean;
  /** Whether the error is logged. Default: from status 500 on. */
  log?: boolean;
  code?: ErrorCode;
}

/**
 * Thrown by a handler, it ends in an answer with this status and its message as the text. With
 * `expose: false` the message is for the log alone.
 */
export class HttpError extends Error {
  readonly status: number;
  readonly close: boolean;
  readonly expose: boolean;
  readonly log: boolean;
  declare readonly headers?: HttpErrorHeaders;
  declare readonly code?: ErrorCode;

  constructor(status: number, message?: string, options: HttpErrorOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`HttpError: status must be an integer from 400 to 599, not ${status}`);
    }
    super(message ?? "", "cause" in options ? { cause: options.cause } : undefined);
    this.status = status;
    this.close = options.close ?? false;
    this.expose = options.expose ?? true;
    this.log = options.log ?? status >= 500;
    if (options.headers !== undefined) this.headers = options.headers;
    if (options.code !== undefined) this.code = options.code;
  }
}

Object.defineProperty(HttpError.prototype, "name", {
  value: "HttpError",
  writable: true,
  configurable: true,
});
