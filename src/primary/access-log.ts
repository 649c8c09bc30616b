/**
 * The primary's end of the access log: starts native's writer, has it go on with a new file, tells
 * once when lines are lost, and waits at the end until everything is written. Lines never pass
 * through here. Thread: the primary's.
 */
import { getSystemErrorName } from "node:util";
import type { AccessLogStats } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { Handle, Native } from "../native.ts";
import type { ResolvedListener } from "../options.ts";
import { ACCESS_LOG_FORMATS } from "../options/access-log.ts";
import type { ResolvedAccessLog } from "../options/access-log.ts";

/** How often lost lines are looked for. */
const WATCH_MS = 1000;
const POLL_MS = 5;
/** How long the writer may take for what is left, or to go on with a new file. */
const WAIT_MS = 2000;

/** What native's `accessLogStats` writes. */
const LINES = 0;
const DROPPED = 1;
const FAILURE = 2;
const GENERATION = 3;
const ENDED = 4;

export interface AccessLogHost {
  readonly native: Native;
  readonly server: Handle;
  emit(event: string, detail: unknown): void;
}

export class AccessLog {
  readonly #host: AccessLogHost;
  readonly #options: ResolvedAccessLog;
  #timer: NodeJS.Timeout | undefined;
  #hasWarned = false;
  readonly #onExit = (): void => this.#flush();

  constructor(host: AccessLogHost, options: ResolvedAccessLog) {
    this.#host = host;
    this.#options = options;
  }

  /** Before there are workers. Throws ERR_MILLRACE_ACCESS_LOG when the file cannot be opened. */
  start(listeners: readonly ResolvedListener[]): void {
    const { path, format, ids } = this.#options;
    const { native, server } = this.#host;
    const error = native.startAccessLog(
      server,
      path === "stdout" ? "" : path,
      ACCESS_LOG_FORMATS.indexOf(format),
      ids,
      listeners.map(({ id }) => id),
      listeners.map(({ accessLog }) => accessLog),
    );
    if (error !== 0) throw failure(`The access log ${path} cannot be opened`, error);
    this.#timer = setInterval(() => this.#watch(), WATCH_MS);
    this.#timer.unref();
    process.on("exit", this.#onExit);
  }

  stats(): AccessLogStats {
    const counts = this.#read();
    const errno = counts[FAILURE]!;
    return {
      lines: counts[LINES]!,
      dropped: counts[DROPPED]!,
      ...(errno !== 0 && { failure: getSystemErrorName(-errno) }),
    };
  }

  /** Resolves when lines go to the file that the path names now. */
  async reopen(): Promise<void> {
    const before = this.#read()[GENERATION]!;
    const error = this.#host.native.reopenAccessLog(this.#host.server);
    if (error !== 0) {
      throw failure(`The access log ${this.#options.path} cannot be opened again`, error);
    }
    if (this.#options.path === "stdout") return;
    const isSwapped = (counts: Float64Array): boolean =>
      counts[GENERATION]! > before || counts[ENDED] === 1;
    if (!await this.#until(isSwapped)) {
      throw new MillraceError("ERR_MILLRACE_ACCESS_LOG", "The access log's writer is stuck");
    }
    this.#hasWarned = false;
  }

  /** Once no worker is left: resolves when all that was accepted is written or counted as lost. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    process.off("exit", this.#onExit);
    this.#host.native.endAccessLog(this.#host.server);
    await this.#until((counts) => counts[ENDED] === 1);
    this.#watch();
  }

  /** The process ends without a close: what is there is written still. */
  #flush(): void {
    this.#host.native.endAccessLog(this.#host.server);
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + WAIT_MS;
    while (this.#read()[ENDED] === 0 && performance.now() < deadline) {
      Atomics.wait(cell, 0, 0, POLL_MS);
    }
  }

  #watch(): void {
    const counts = this.#read();
    if (this.#hasWarned || (counts[DROPPED] === 0 && counts[FAILURE] === 0)) return;
    this.#hasWarned = true;
    const { path } = this.#options;
    const message = counts[FAILURE] === 0
      ? `The access log ${path} does not keep up: lines are dropped`
      : `The access log ${path} cannot be written: lines will be dropped`;
    this.#host.emit("error", failure(message, counts[FAILURE]!));
  }

  #read(): Float64Array {
    const counts = new Float64Array(ENDED + 1);
    this.#host.native.accessLogStats(this.#host.server, counts);
    return counts;
  }

  async #until(holds: (counts: Float64Array) => boolean): Promise<boolean> {
    const deadline = performance.now() + WAIT_MS;
    while (!holds(this.#read())) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }
}

function failure(message: string, errno: number): MillraceError {
  if (errno === 0) return new MillraceError("ERR_MILLRACE_ACCESS_LOG", message);
  const code = getSystemErrorName(-errno);
  const cause = Object.assign(new Error(code), { code, errno: -errno });
  return new MillraceError("ERR_MILLRACE_ACCESS_LOG", `${message}: ${code}`, { cause });
}
