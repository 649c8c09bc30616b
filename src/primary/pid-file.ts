/**
 * The file that names the process, for init scripts and for people. It is there while the server
 * listens. Whoever's pid is in it owns it: a process that has been replaced leaves it alone.
 * Thread: the primary's.
 */
import { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { MillraceError } from "../shared/errors.ts";

export class PidFile {
  readonly #path: string;
  /** The process that this one replaces, which may still be named in the file. */
  readonly #predecessor: number | undefined;
  #isWritten = false;

  constructor(path: string, predecessor: number | undefined) {
    this.#path = path;
    this.#predecessor = predecessor;
  }

  /** Throws ERR_MILLRACE_PID_FILE if another server is named there, or nothing can be written. */
  check(): void {
    const pid = this.#read();
    if (pid !== undefined && pid !== process.pid && pid !== this.#predecessor && isServer(pid)) {
      throw refused(this.#path, `process ${pid}, which is named there, runs`);
    }
    // What write() will do, as far as it can be tried without changing the file.
    const beside = this.#beside;
    this.#attempt(() => writeFileSync(beside, "", { mode: 0o644 }));
    rmSync(beside, { force: true });
  }

  /** In one step: no reader finds half of it. Throws ERR_MILLRACE_PID_FILE. */
  write(): void {
    const beside = this.#beside;
    this.#attempt(() => {
      writeFileSync(beside, `${process.pid}\n`, { mode: 0o644 });
      renameSync(beside, this.#path);
    });
    this.#isWritten = true;
    process.on("exit", this.#onExit);
  }

  /** If it is still this process's. */
  remove(): void {
    process.off("exit", this.#onExit);
    if (!this.#isWritten) return;
    this.#isWritten = false;
    if (this.#read() === process.pid) rmSync(this.#path, { force: true });
  }

  readonly #onExit = (): void => this.remove();

  get #beside(): string {
    return `${this.#path}.${process.pid}`;
  }

  /** Undefined if there is no file, or something else in it. */
  #read(): number | undefined {
    try {
      const text = readFileSync(this.#path, "utf8").trim();
      return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
    } catch {
      return undefined;
    }
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (cause) {
      rmSync(this.#beside, { force: true });
      throw refused(this.#path, (cause as NodeJS.ErrnoException).code ?? String(cause), cause);
    }
  }
}

/**
 * Whether the process lives and runs the same executable. Pids are given again, so a file left by
 * a crash may name anything: the next editor, or in a container the init process.
 */
function isServer(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync("/proc/self/exe");
  } catch {
    return false;
  }
}

function refused(path: string, why: string, cause?: unknown): MillraceError {
  const message = `The pid file ${path} cannot be written: ${why}`;
  return new MillraceError("ERR_MILLRACE_PID_FILE", message, { cause });
}
