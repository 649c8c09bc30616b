/**
 * The Unix socket on which an operator speaks to a running server. It is bound beside its path and
 * moved there in one step, so that the path always belongs to exactly one server: to the one that
 * took it from nobody, from a dead server, or from the process it replaces. Thread: the primary's.
 */
import { once } from "node:events";
import {
  chmodSync, existsSync, linkSync, renameSync, rmSync, statSync, type Stats, unlinkSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { MillraceError } from "../shared/errors.ts";

/** `sun_path` of Linux has 108 bytes, of which one ends the string. */
const PATH_BYTES_MAX = 107;
/** How often the path is looked at again when others take it or leave it meanwhile. */
const ATTEMPTS_MAX = 5;
/** What one request may take to arrive. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5000;
/** What answers may still take when the server ends. */
const CLOSE_GRACE_MS = 500;

let sockets = 0;

export class ControlSocket {
  readonly #path: string;
  readonly #aside: string;
  readonly #server: Server;
  /** Of the socket's file once it is bound: the file at the path is ours if it is this one. */
  #file: Stats | null = null;

  constructor(path: string, onRequest: RequestListener) {
    this.#path = path;
    this.#aside = `${path}.${process.pid.toString(36)}-${sockets++}`;
    this.#server = createServer({
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Short, since nobody who asks again soon is far away.
      keepAliveTimeout: HEADERS_TIMEOUT_MS,
    }, onRequest);
  }

  /** Binds beside the path, where nobody looks for it. Rejects with ERR_MILLRACE_CONTROL_SOCKET. */
  async open(): Promise<void> {
    if (Buffer.byteLength(this.#aside) > PATH_BYTES_MAX) {
      const most = PATH_BYTES_MAX - Buffer.byteLength(this.#aside) + Buffer.byteLength(this.#path);
      throw refused(this.#path, `the path may have at most ${most} bytes`);
    }
    const folder = dirname(this.#path);
    // libuv reports it as a lack of permission.
    if (!existsSync(folder)) throw refused(this.#path, `there is no folder ${folder}`);
    rmSync(this.#aside, { force: true });
    try {
      await this.#listen();
      chmodSync(this.#aside, 0o600);
      this.#file = statSync(this.#aside);
    } catch (cause) {
      throw refused(this.#path, reasonOf(cause), cause);
    }
    process.on("exit", this.#onExit);
  }

  async #listen(): Promise<void> {
    // The file is made within the call: nobody else's file gets this mask.
    const mask = process.umask(0o177);
    try {
      this.#server.listen({ path: this.#aside, exclusive: true });
    } finally {
      process.umask(mask);
    }
    await once(this.#server, "listening");
  }

  /**
   * Takes the path. `replaces`: from the process that has handed its listeners over. A file that
   * another server answers on stays, and this rejects with ERR_MILLRACE_CONTROL_SOCKET.
   */
  async publish(replaces: boolean): Promise<void> {
    try {
      if (replaces) renameSync(this.#aside, this.#path);
      else await this.#take();
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw refused(this.#path, reasonOf(cause), cause);
    }
  }

  /** By a link, which fails if something is there: a rename would take a living server's path. */
  async #take(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        linkSync(this.#aside, this.#path);
        unlinkSync(this.#aside);
        return;
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      await this.#removeStale();
    }
    throw refused(this.#path, "others take it and leave it again and again");
  }

  /** Only a socket that refuses to be connected to was left by a server that has died. */
  async #removeStale(): Promise<void> {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there === undefined) return;
    if (!there.isSocket()) throw refused(this.#path, "something that is no socket is there");
    if (await isAnswered(this.#path)) throw refused(this.#path, "another server has it");
    const taken = `${this.#aside}x`;
    try {
      renameSync(this.#path, taken);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      throw error;
    }
    // Another server may have found the same stale file, and put its own there meanwhile.
    try {
      if (!isSameFile(statSync(taken), there)) linkSync(taken, this.#path);
    } finally {
      unlinkSync(taken);
    }
  }

  /** Whether who connects to the path comes here. */
  get isAtPath(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there !== undefined && this.#file !== null && isSameFile(there, this.#file);
  }

  /** Answers what has been asked, and removes the file if it is still this server's. */
  async close(): Promise<void> {
    process.off("exit", this.#onExit);
    this.#remove();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  readonly #onExit = (): void => this.#remove();

  #remove(): void {
    if (this.#file === null) return;
    for (const path of [this.#path, this.#aside]) {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there !== undefined && isSameFile(there, this.#file)) rmSync(path, { force: true });
    }
    this.#file = null;
  }
}

function isSameFile(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** Whether somebody listens there. Rejects when that cannot be found out. */
async function isAnswered(path: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      else if (code === "EAGAIN") resolve(true);
      else reject(error);
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system cannot be written",
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? String(error) : `${REASONS[code] ?? code} (${code})`;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

function refused(path: string, why: string, cause?: unknown): MillraceError {
  const message = `The control socket ${path} cannot be opened: ${why}`;
  return new MillraceError("ERR_MILLRACE_CONTROL_SOCKET", message, { cause });
}
