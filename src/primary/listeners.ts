/**
 * The listeners of a server: which there are, under which index native knows each, and how one
 * comes and goes while workers serve. An index is used again only when nothing of the listener
 * before is alive, and those that were free the longest first. Thread: the primary's.
 */
import type { ListenerInfo, StopResult } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ListenerFacts } from "../shared/messages.ts";
import { LISTENER_STATE } from "../native.ts";
import type { ResolvedListener } from "../options.ts";
import { checkUnique } from "../options/listeners.ts";
import { LISTENERS_MAX } from "./listener-counts.ts";
import type { HandedSocket } from "./hand-over.ts";
import { Listener, type ListenerHost } from "./listener.ts";

export interface ListenersHost extends ListenerHost {
  /** What workers are told of a listener. */
  factsOf(options: ResolvedListener): ListenerFacts;
  /** Tells every worker of it; rejects when one does not acknowledge in time. */
  announce(index: number, facts: ListenerFacts | null): Promise<void>;
}

export class Listeners {
  readonly #host: ListenersHost;
  readonly #isLastKept: boolean;
  readonly #all: Listener[] = [];
  /** By index. */
  readonly #facts: (ListenerFacts | null)[];
  readonly #free: number[];
  /** Those that not every worker knows yet: settles when they do, or it fails. */
  readonly #coming = new Map<Listener, Promise<void>>();
  readonly #removals = new Map<Listener, Promise<StopResult>>();
  #isClosed = false;
  #named: number;

  /** `isLastKept`: the only listener that runs cannot be stopped. */
  constructor(host: ListenersHost, first: readonly ResolvedListener[], isLastKept: boolean) {
    this.#host = host;
    this.#isLastKept = isLastKept;
    this.#facts = first.map((each) => host.factsOf(each));
    this.#named = first.length;
    this.#free = Array.from({ length: LISTENERS_MAX - first.length }, (_, at) => first.length + at);
  }

  get all(): readonly Listener[] {
    return this.#all;
  }

  get infos(): ListenerInfo[] {
    return this.#all.map((listener) => listener.info);
  }

  /** What workers know of each, by index. */
  get facts(): readonly (ListenerFacts | null)[] {
    return this.#facts;
  }

  /** For one that is added without an id. */
  nextId(): string {
    return `listener-${++this.#named}`;
  }

  /** Those that the server starts with; its workers know them. */
  async start(options: readonly ResolvedListener[]): Promise<void> {
    options.forEach((each, index) => this.#all.push(new Listener(this.#host, index, each)));
    const { inherited } = this.#host;
    const own = this.#all.filter(({ id, autoStart }) => inherited.isRunning(id) ?? autoStart);
    await Promise.all(own.map((listener) => listener.start()));
  }

  /** Resolves when every worker knows it and it listens, unless it is not to start by itself. */
  async add(options: ResolvedListener): Promise<ListenerInfo> {
    this.#checkOpen();
    checkUnique(options, this.infos);
    const listener = this.#make(options);
    try {
      await this.#announce(listener);
      this.#checkOpen();
      if (listener.autoStart) await listener.start();
    } catch (error) {
      await this.#forget(listener);
      throw error;
    }
    return listener.info;
  }

  async #announce(listener: Listener): Promise<void> {
    const announced = this.#host.announce(listener.index, this.#facts[listener.index]!);
    this.#coming.set(listener, announced);
    await announced;
    this.#coming.delete(listener);
    if (!this.#all.includes(listener)) throw this.#unknown(listener.id); // it was removed meanwhile
  }

  #make(options: ResolvedListener): Listener {
    const { native, server } = this.#host;
    const facts = this.#host.factsOf(options);
    const at = this.#free.findIndex((index) => native.listenerUnused(server, index));
    if (at < 0) throw new MillraceError("ERR_MILLRACE_LISTENER_LIMIT");
    const [index] = this.#free.splice(at, 1) as [number];
    native.setListenerState(server, index, LISTENER_STATE.none);
    native.setLogListener(server, index, options.id, options.accessLog);
    this.#facts[index] = facts;
    const listener = new Listener(this.#host, index, options);
    this.#all.push(listener);
    return listener;
  }

  /** By id, name, bind or URL. Throws ERR_MILLRACE_LISTENER_UNKNOWN. */
  find(key: string): Listener {
    const found = this.#all.find(({ id }) => id === key) ??
      this.#all.find(({ name }) => name === key) ??
      this.#all.find(({ info: { bind, url } }) => bind === key || url === key);
    if (found !== undefined) return found;
    throw this.#unknown(key);
  }

  #unknown(key: string): MillraceError {
    const known = this.#all.map(({ id }) => `"${id}"`).join(", ");
    return new MillraceError(
      "ERR_MILLRACE_LISTENER_UNKNOWN",
      `No listener has the id, name or bind "${key}"; there are ${known || "none"}`,
    );
  }

  /** Whether the one with this index has an app or rows of its own, which workers have. */
  hasOwnRoutes(index: number): boolean {
    const facts = this.#facts[index];
    const isComing = [...this.#coming.keys()].some((listener) => listener.index === index);
    return !isComing && (facts?.app ?? facts?.routes) !== undefined;
  }

  async startOne(key: string): Promise<void> {
    this.#checkOpen();
    const listener = this.find(key);
    // At once if it can be: of starts and stops in a row the last one counts.
    const coming = this.#coming.get(listener);
    if (coming !== undefined) await coming;
    await listener.start();
  }

  async stop(key: string, force: boolean, deadlineMs: number): Promise<StopResult> {
    const listener = this.find(key);
    this.#checkLast(listener);
    return await listener.stop(force, deadlineMs);
  }

  /** Stops it and forgets it; its name, bind and index are free then. */
  async remove(key: string, force: boolean, deadlineMs: number): Promise<StopResult> {
    const listener = this.find(key);
    this.#checkLast(listener);
    const stopped = listener.stop(force, deadlineMs, true); // forces one that is under way, too
    let removal = this.#removals.get(listener);
    if (removal === undefined) {
      removal = this.#remove(listener, stopped).finally(() => this.#removals.delete(listener));
      this.#removals.set(listener, removal);
    }
    return await removal;
  }

  async #remove(listener: Listener, stopped: Promise<StopResult>): Promise<StopResult> {
    const result = await stopped;
    await this.#forget(listener);
    return result;
  }

  async #forget(listener: Listener): Promise<void> {
    const at = this.#all.indexOf(listener);
    if (at < 0) return;
    this.#all.splice(at, 1);
    this.#coming.delete(listener);
    listener.abandon();
    this.#facts[listener.index] = null;
    try {
      await this.#host.announce(listener.index, null);
    } catch (error) {
      // It has gone all the same: the worker hears of it when it comes to itself.
      this.#host.emit("error", error);
    }
    this.#free.push(listener.index);
  }

  /** The server closes: all of them stop, and none is started any more. */
  async close(force: boolean, deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#all.map((listener) => listener.stop(force, deadlineMs, true)));
  }

  /** Whether each runs, for a process that goes on with them; `autoStart` is for the others. */
  get running(): Record<string, boolean> {
    const started = this.#all.filter(({ state }) => state !== "created" && state !== "failed");
    return Object.fromEntries(started.map(({ id, state }) => [id, state === "listening"]));
  }

  /** The open sockets, for a process that goes on with them. */
  get handedSockets(): HandedSocket[] {
    return this.#all.flatMap((listener) => listener.handedSockets);
  }

  /** It does with those of these ids. */
  handOver(ids: ReadonlySet<string>): void {
    for (const listener of this.#all) if (ids.has(listener.id)) listener.handOver();
  }

  /** No phases, no events. */
  abandon(): void {
    this.#isClosed = true;
    for (const listener of this.#all) listener.abandon();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
  }

  #checkLast(listener: Listener): void {
    if (!this.#isLastKept || !isRunning(listener)) return;
    if (this.#all.some((other) => other !== listener && isRunning(other))) return;
    throw new MillraceError(
      "ERR_MILLRACE_LISTENER_LAST",
      `Listener ${listener.id} is the only one that runs (protectLastListener)`,
    );
  }
}

function isRunning({ state }: Listener): boolean {
  return state === "listening" || state === "paused";
}
