/**
 * Open files by path: bounded, the one that was asked for the longest time ago is closed first, and
 * looked at again so that a file which has changed is opened anew. That there is none is kept, too,
 * for who looks for variants asks again and again. Where the process may open no more, what the
 * thread keeps makes room. Thread: the one that asks.
 */
import { statSync } from "node:fs";
import { OpenFile } from "./open-file.ts";

export interface OpenFilesOptions {
  /** Paths that are kept. */
  readonly max: number;
  /** A path is looked at again when it was looked at so long ago. 0: each time. */
  readonly revalidateMs: number;
  /** The canonical path of a folder that all must lie in; empty: they may lie anywhere. */
  readonly root: string;
}

interface Entry {
  /** What was found, or the code of the error. */
  found: OpenFile | string;
  checkedMs: number;
}

/** They tell of a path and not of the system: what else fails is thrown. */
const NONE = new Set(["ENOENT", "ENOTDIR", "EISDIR", "EACCES", "EPERM", "ELOOP", "EINVAL",
  "ENAMETOOLONG", "ENXIO"]);

const NO_ROOM = new Set(["EMFILE", "ENFILE"]);

/** One request has a file, its index and three variants open: none may close another of them. */
export const KEPT_MIN = 8;

/** All of this thread that somebody still has. */
const all = new Set<WeakRef<OpenFiles>>();
const dropped = new FinalizationRegistry<WeakRef<OpenFiles>>((reference) => all.delete(reference));

/**
 * As `OpenFile.open`. If there are no descriptors left, those that are kept are closed, and it is
 * tried once more. `asking` keeps the last ones, for the request that asks may need them.
 */
export function openWithRoom(
  path: string,
  root: string = "",
  asking: OpenFiles | null = null,
): OpenFile {
  try {
    return OpenFile.open(path, root);
  } catch (error) {
    if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    for (const reference of all) {
      const files = reference.deref();
      files?.keep(files === asking ? KEPT_MIN : 0);
    }
    return OpenFile.open(path, root);
  }
}

export class OpenFiles {
  readonly #options: OpenFilesOptions;
  /** In the order in which they were asked for last. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: OpenFilesOptions) {
    this.#options = options;
    const reference = new WeakRef(this);
    all.add(reference);
    dropped.register(this, reference);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The file, or the code of the error that says why there is none: ENOENT, EISDIR and others. */
  find(path: string): OpenFile | string {
    const nowMs = performance.now();
    const entry = this.#entries.get(path);
    if (entry === undefined) return this.#add(path, nowMs);
    if (nowMs - entry.checkedMs >= this.#options.revalidateMs || isClosed(entry.found)) {
      if (!this.#isStill(path, entry.found)) {
        this.forget(path);
        return this.#add(path, nowMs);
      }
      entry.checkedMs = nowMs;
    }
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry.found;
  }

  /** The next to ask sees what is there then. */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    if (typeof entry.found !== "string") entry.found.close();
  }

  clear(): void {
    this.keep(0);
  }

  /** So many that were asked for last. */
  keep(max: number): void {
    for (const path of this.#entries.keys()) {
      if (this.#entries.size <= max) return;
      this.forget(path);
    }
  }

  #add(path: string, checkedMs: number): OpenFile | string {
    const found = this.#open(path);
    this.#entries.set(path, { found, checkedMs });
    this.keep(this.#options.max);
    return found;
  }

  #open(path: string): OpenFile | string {
    try {
      return openWithRoom(path, this.#options.root, this);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (NONE.has(code)) return code;
      throw error;
    }
  }

  #isStill(path: string, found: OpenFile | string): boolean {
    if (typeof found === "string" || !found.isOpen) return false;
    try {
      const facts = statSync(path, { throwIfNoEntry: false });
      return facts !== undefined && found.isOf(facts);
    } catch {
      return false; // opening it says why
    }
  }
}

function isClosed(found: OpenFile | string): boolean {
  return typeof found !== "string" && !found.isOpen;
}
