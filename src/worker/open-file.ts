/**
 * A file that answers are made of, held open by native: `sendfile` reads from its descriptor, which
 * is closed when nobody can send from it any more, also when this object was dropped. A file is
 * what it was when it was opened: `isOf` compares it with what its path names now.
 * Thread: the one that opened it.
 */
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { type Handle, loadNative, type NativeFile } from "../native.ts";
import { MillraceError } from "../shared/errors.ts";

/** What tells a file from another, or from itself when it has been changed. */
export interface FileFacts {
  readonly ino: number;
  readonly dev: number;
  readonly size: number;
  readonly mtimeMs: number;
}

export class OpenFile {
  readonly path: string;
  readonly size: number;
  /** As `Stats.mtimeMs`. */
  readonly modifiedMs: number;
  readonly handle: Handle;
  readonly #inode: number;
  readonly #device: number;
  #isOpen = true;
  #readers = 0;

  private constructor(path: string, opened: NativeFile) {
    this.path = path;
    this.size = opened.size;
    this.modifiedMs = opened.modifiedMs;
    this.handle = opened.handle;
    this.#inode = opened.inode;
    this.#device = opened.device;
  }

  /**
   * Opens a regular file. `root`: the canonical path of a folder that it must lie in once all links
   * are followed. Throws as node:fs does; EISDIR for a folder, EACCES for what lies elsewhere.
   */
  static open(path: string, root: string = ""): OpenFile {
    // Native's text would end there, and name another file.
    if (path.includes("\0")) throw systemError(constants.errno.EINVAL, path);
    const opened = loadNative().openFile(path, root);
    if (typeof opened === "number") throw systemError(opened, path);
    return new OpenFile(path, opened);
  }

  /** False once it was closed: no answer can begin with it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  isOf({ ino, dev, size, mtimeMs }: FileFacts): boolean {
    // Both make the number of milliseconds from seconds and nanoseconds, not in the same way.
    const isSameTime = Math.abs(mtimeMs - this.modifiedMs) < 0.01;
    return isSameTime && size === this.size && ino === this.#inode && dev === this.#device;
  }

  isSame(other: OpenFile): boolean {
    return this.isOf({
      ino: other.#inode, dev: other.#device, size: other.size, mtimeMs: other.modifiedMs,
    });
  }

  /** All of it. Throws ERR_MILLRACE_FILE_CHANGED if it is not as long as it was. */
  bytes(): Buffer {
    const whole = Buffer.allocUnsafeSlow(this.size);
    const count = loadNative().readFile(this.handle, whole, 0);
    if (count < 0) throw systemError(-count, this.path);
    if (count < this.size) throw changed(this.path);
    return whole;
  }

  /** Up to `length` bytes from `offset` on. Throws ERR_MILLRACE_FILE_CHANGED if there are none. */
  read(offset: number, length: number): Buffer {
    const piece = Buffer.allocUnsafeSlow(length); // not of the pool: streams give buffers away
    const count = loadNative().readFile(this.handle, piece, offset);
    if (count < 0) throw systemError(-count, this.path);
    if (count === 0) throw changed(this.path);
    return piece.subarray(0, count);
  }

  /** Somebody reads: until `release` the descriptor stays, whoever closes the file. */
  hold(): void {
    this.#readers++;
  }

  release(): void {
    this.#readers--;
    if (!this.#isOpen && this.#readers === 0) loadNative().closeFile(this.handle);
  }

  /** Answers that are being sent or read go on. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#readers === 0) loadNative().closeFile(this.handle);
  }
}

export function changed(path: string): MillraceError {
  const text = `${path} has changed while an answer was made of it`;
  return new MillraceError("ERR_MILLRACE_FILE_CHANGED", text);
}

function systemError(errno: number, path: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: open '${path}'`), {
    errno: -errno, code, syscall: "open", path,
  });
}
