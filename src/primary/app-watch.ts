/**
 * `watch: true`, for development: sees changes in the folder of the app's module and in those below
 * it. Only files that can be modules count, so that a log or a database beside them does not; of
 * folders whose name begins with a dot and of `node_modules` nothing does. What came is compared
 * with what was there: an event without a change is none. Thread: the primary's.
 */
import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ResolvedOptions } from "../options.ts";
import type { ServeTask } from "../shared/messages.ts";

/** Editors and version control write several files, or one in several steps. */
const QUIET_MS = 100;
/** Each costs the process a watch of the kernel, of which there may be few. */
const FOLDERS_MAX = 1000;

const MODULE = /\.(?:[cm]?[jt]sx?|wasm|node)$/;
const LEFT_OUT = /^(?:\..*|node_modules)$/;

/** What is done when the app has changed. */
export interface Reloading {
  reload(): Promise<unknown>;
  emit(event: string, detail: unknown): void;
}

/** Null unless it is asked for. */
export function watchApp(options: ResolvedOptions, server: Reloading): AppWatch | null {
  const { app, watch: isWatched } = options;
  if (!isWatched || app.kind !== "module") return null;
  return new AppWatch(app.href, () => {
    server.reload().catch((error: unknown) => server.emit("error", error));
  });
}

export class AppWatch {
  readonly #onChange: () => void;
  readonly #folders = new Map<string, FSWatcher>();
  #root: string;
  /** What tells the versions of each file apart. */
  #files: ReadonlyMap<string, string>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** Watches from now on. `href`: that of the app's module. */
  constructor(href: string, onChange: () => void) {
    this.#onChange = onChange;
    this.#root = folderOf(href);
    this.#files = this.#look();
  }

  /** The app is another one now. */
  follow(app: ServeTask["app"]): void {
    if (app.kind !== "module" || this.#isStopped) return;
    const root = folderOf(app.href);
    if (root === this.#root) return;
    this.#root = root;
    this.#files = this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #noted(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#compare(), QUIET_MS).unref();
  }

  #compare(): void {
    if (this.#isStopped) return;
    const before = this.#files;
    this.#files = this.#look();
    const isSame = before.size === this.#files.size &&
      [...this.#files].every(([path, version]) => before.get(path) === version);
    if (!isSame) this.#onChange();
  }

  /** Reads the tree, and watches those of its folders that are new. */
  #look(): Map<string, string> {
    const files = new Map<string, string>();
    const left = [this.#root];
    const seen = new Set<string>();
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      if (seen.size === FOLDERS_MAX) break;
      seen.add(folder);
      this.#watchFolder(folder);
      left.push(...readFolder(folder, files));
    }
    for (const [folder, watcher] of this.#folders) {
      if (seen.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    return files;
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#noted());
      watcher.on("error", () => this.#noted()); // the folder has gone: the next look says so
      this.#folders.set(folder, watcher);
    } catch {
      // Gone meanwhile, not ours to read, or no watch is left: changes there are not seen.
    }
  }
}

function folderOf(href: string): string {
  return dirname(fileURLToPath(href));
}

/** Adds its modules to `files` and returns the folders in it. */
function readFolder(folder: string, files: Map<string, string>): string[] {
  const folders: string[] = [];
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!LEFT_OUT.test(entry.name)) folders.push(path);
      } else if (MODULE.test(entry.name)) {
        const { mtimeMs, size, ino } = statSync(path);
        files.set(path, `${mtimeMs} ${size} ${ino}`);
      }
    }
  } catch {
    // Removed while it was read: the event of that is on its way.
  }
  return folders;
}
