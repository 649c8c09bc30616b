/**
 * The apps of a worker, the server's and those of listeners. However many listeners name one, it is
 * loaded once, proved by one `init`, and closed when the last that used it has gone; one that is
 * wanted again is initialised anew, from the module that is there. Thread: the worker's.
 */
import { threadId } from "node:worker_threads";
import { fileOf } from "../shared/app-file.ts";
import type { App, Log, MetricsRegistry, ServerControl } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ServeTask } from "../shared/messages.ts";
import { placeOf, withPlace } from "./error-place.ts";
import { loadApp } from "./load-app.ts";
import type { MetricSources } from "./metric-sources.ts";

type AppSource = ServeTask["app"];

/** What apps are initialised with, and how they end. */
export interface AppsHost {
  readonly workerId: number;
  readonly generation: number;
  readonly server: ServerControl;
  readonly log: Log;
  readonly sources: MetricSources;
  /** Settles when nothing that was begun for requests runs any more. */
  background(): Promise<void>;
  /** Runs what the app has to be closed with. Does not reject. */
  closeApp(app: App): Promise<void>;
}

interface Entry {
  /** Undefined: it was given as a value. */
  readonly file: string | undefined;
  readonly loading: Promise<App>;
  app: App | null;
  /** Numbers of tables of routes. */
  readonly users: Set<number>;
  readonly registries: MetricsRegistry[];
  /** Aborts when it is to end. */
  readonly ending: AbortController;
  /** Null: not begun. */
  init: Promise<void> | null;
  isInitialised: boolean;
}

export class Apps {
  /** In the order in which they were asked for: the server's is the first. */
  readonly #entries = new Map<unknown, Entry>();
  readonly #closing = new Map<unknown, Promise<void>>();
  readonly #ended: Promise<void>;
  #end!: () => void;
  #host!: AppsHost;

  constructor() {
    this.#ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Before any is initialised. */
  attach(host: AppsHost): void {
    this.#host = host;
  }

  /** Loads the app for a table of routes, unless it is here. Throws what is wrong with it. */
  async load(table: number, source: AppSource): Promise<App> {
    const key = source.kind === "module" ? source.href : source.value;
    // A module has one state, which is being taken apart.
    while (this.#closing.has(key)) await this.#closing.get(key);
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, (entry = entryOf(source)));
    entry.users.add(table);
    try {
      return (entry.app = await entry.loading);
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  /** Runs its `init`, unless that has been run. Throws ERR_MILLRACE_INIT_FAILED. */
  async init(app: App): Promise<void> {
    const [, entry] = this.#find(app) ?? [];
    if (entry !== undefined) await (entry.init ??= this.#init(entry, app));
  }

  /** A table has gone, and its app with it, unless another has the same. */
  release(table: number, app: App): void {
    const [key, entry] = this.#find(app) ?? [];
    if (entry === undefined) return;
    entry.users.delete(table);
    if (entry.users.size > 0) return;
    this.#entries.delete(key);
    entry.ending.abort();
    const closed = this.#closeLater(entry).then(() => void this.#closing.delete(key));
    this.#closing.set(key, closed);
  }

  /** The worker drains, as the signals of all of them tell. */
  abort(): void {
    for (const { ending } of this.#entries.values()) ending.abort();
  }

  /** The worker ends. One whose `init` is not done is not closed. */
  async close(): Promise<void> {
    this.#end();
    for (const entry of this.#entries.values()) await this.#close(entry);
    this.#entries.clear();
    await Promise.all(this.#closing.values());
  }

  #find(app: App): [unknown, Entry] | undefined {
    return [...this.#entries].find(([, entry]) => entry.app === app);
  }

  async #init(entry: Entry, app: App): Promise<void> {
    const { workerId: id, generation, server, log, sources } = this.#host;
    const registerMetrics = (registry: MetricsRegistry): void => {
      sources.add(registry);
      entry.registries.push(registry);
    };
    const { signal } = entry.ending;
    try {
      await app.init?.({ id, generation, threadId, server, log, registerMetrics, signal });
      entry.isInitialised = true;
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const reason = withPlace(text, placeOf(cause));
      const whose = entry.file === undefined ? "The app's" : `The app ${entry.file}:`;
      throw new MillraceError("ERR_MILLRACE_INIT_FAILED", `${whose} init failed: ${reason}`, {
        cause,
      });
    }
  }

  /** While the worker goes on: what `init` has begun is not left behind. */
  async #closeLater(entry: Entry): Promise<void> {
    await Promise.race([entry.init?.catch(() => {}), this.#ended]);
    await this.#host.background();
    await this.#close(entry);
    for (const registry of entry.registries) this.#host.sources.remove(registry);
  }

  async #close({ app, isInitialised }: Entry): Promise<void> {
    if (app !== null && isInitialised) await this.#host.closeApp(app);
  }
}

function entryOf(source: AppSource): Entry {
  return {
    file: fileOf(source),
    loading: loadApp(source),
    app: null,
    users: new Set(),
    registries: [],
    ending: new AbortController(),
    init: null,
    isInitialised: false,
  };
}
