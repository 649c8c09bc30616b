/**
 * One listener: its socket, its state and the stop in phases. The state word that workers see lies
 * in shared memory; the messages of a stop go through the pool. Thread: the primary's.
 */
import type { ListenerErrorInfo, ListenerInfo, ListenerState, StopResult } from "../shared/app.ts";
import { type Handle, LISTENER_STATE, type Native } from "../native.ts";
import type { ResolvedListener } from "../options.ts";
import { announceListener } from "./announce.ts";
import { acceptError, type Bind, bindError, bindText, resolveBind, urlOf } from "./bind.ts";
import { MillraceError } from "../shared/errors.ts";

/** What a listener asks of its server. */
export interface ListenerHost {
  readonly native: Native;
  readonly server: Handle;
  emit(event: string, detail: unknown): void;
  /** Asks all workers to end the listener's connections; resolves when none is left. */
  drainListener(listener: number, force: boolean): Promise<void>;
}

/** A broken listening socket is opened again this many times in a row, then it has failed. */
const REOPEN_MAX = 5;
const REOPEN_DELAY_MS = 100;
/** How soon connections are looked for that were between two workers when all had drained. */
const MOVED_CHECK_MS = 20;
/** How long workers may take to destroy what is left after the deadline. */
const FORCE_GRACE_MS = 2000;

interface Stopping {
  readonly done: Promise<StopResult>;
  force(): void;
}

export class Listener {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly #host: ListenerHost;
  readonly #backlog: number;
  #bind: Bind;
  #socket: Handle | null = null;
  #state: ListenerState = "created";
  #reopened = 0;
  #stopping: Stopping | null = null;
  #isAbandoned = false;

  constructor(host: ListenerHost, index: number, options: ResolvedListener) {
    this.#host = host;
    this.index = index;
    this.id = options.id;
    this.name = options.name;
    this.data = options.data;
    this.#backlog = options.backlog;
    this.#bind = options.path === undefined
      ? { host: options.host!, port: options.port! }
      : { path: options.path };
  }

  get state(): ListenerState {
    return this.#state;
  }

  get info(): ListenerInfo {
    return {
      id: this.id,
      name: this.name,
      ...this.#bind,
      bind: bindText(this.#bind),
      url: urlOf(this.#bind, "http"),
      state: this.#state,
    };
  }

  /** Binds and accepts. Nothing happens if it listens already. Rejects with ERR_MILLRACE_BIND. */
  async start(): Promise<void> {
    await this.#stopping?.done;
    if (this.#socket !== null) return;
    try {
      await this.#open();
    } catch (error) {
      this.#setState("failed", LISTENER_STATE.stopped);
      throw error;
    }
    this.#setState("listening", LISTENER_STATE.open);
    this.#host.emit("listening", this.info);
  }

  async #open(): Promise<void> {
    const { native, server } = this.#host;
    const address = await resolveBind(this.#bind);
    if (this.#isAbandoned) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
    const result = native.listen(
      server, this.index, address, this.#backlog,
      (errno, isBroken) => this.#failed(acceptError(this.#bind, errno), isBroken),
    );
    if ("error" in result) throw bindError(this.#bind, result.error);
    this.#socket = result.handle;
    if ("path" in this.#bind) return;
    // Port 0 has become a real one, which a later start takes again.
    this.#bind = { host: this.#bind.host, port: result.port };
    announceListener(this.#bind.host, result.port);
  }

  /** Closes only the listening socket; connections go on. */
  pause(): void {
    if (this.#state !== "listening") return;
    this.#closeSocket();
    this.#setState("paused", LISTENER_STATE.paused);
    this.#host.emit("paused", this.info);
  }

  /** Ends all its connections: in their own time, at the deadline, or at once. */
  stop(force: boolean, deadlineMs: number): Promise<StopResult> {
    if (this.#stopping !== null) {
      if (force) this.#stopping.force();
      return this.#stopping.done;
    }
    if (this.#state === "stopped" || this.#state === "created") {
      return Promise.resolve({ graceful: true, destroyed: 0 });
    }
    let escalate!: () => void;
    const forced = new Promise<void>((resolve) => (escalate = resolve));
    const done = this.#stop(force, deadlineMs, forced).finally(() => (this.#stopping = null));
    this.#stopping = { done, force: escalate };
    return done;
  }

  async #stop(force: boolean, deadlineMs: number, forced: Promise<void>): Promise<StopResult> {
    const { native, server } = this.#host;
    this.#setState("stopping", LISTENER_STATE.stopping);
    // The socket's queue is accepted empty and served before it closes.
    this.#closeSocket();
    const connections = (): number => native.listenerConnections(server, this.index);
    this.#phase("requests", connections());
    let destroyed = 0;
    let isGraceful = !force;
    if (!force) isGraceful = await this.#drainUntil(deadlineMs, forced);
    if (!isGraceful) {
      destroyed = connections();
      native.dropOrphans(server, this.index);
      this.#phase("destroying", destroyed);
      await this.#destroyRest();
    }
    this.#setState("stopped", LISTENER_STATE.stopped);
    this.#host.emit("stopped", this.info);
    return { graceful: isGraceful || destroyed === 0, destroyed };
  }

  /** True when all have ended by themselves. */
  async #drainUntil(deadlineMs: number, forced: Promise<void>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, false);
    });
    let isOver = false;
    const drained = this.#drained(() => isOver);
    const result = await Promise.race([drained, late, forced.then(() => false)]);
    isOver = true;
    clearTimeout(timer);
    return result;
  }

  /** A worker that dies meanwhile hands its connections to one that has drained already. */
  async #drained(isOver: () => boolean): Promise<true> {
    const { native, server } = this.#host;
    await this.#host.drainListener(this.index, false);
    while (!isOver() && native.listenerConnections(server, this.index) > 0) {
      await new Promise((resolve) => setTimeout(resolve, MOVED_CHECK_MS));
      await this.#host.drainListener(this.index, false);
    }
    return true;
  }

  async #destroyRest(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, FORCE_GRACE_MS, "late");
    });
    const result = await Promise.race([this.#host.drainListener(this.index, true), late]);
    clearTimeout(timer);
    if (result !== "late") return;
    const message = `a worker did not end its connections of listener ${this.id} in time`;
    this.#host.emit("error", new MillraceError("ERR_MILLRACE_CONTROL_TIMEOUT", message));
  }

  /** The server has failed to start, or ends: no phases, no events. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#closeSocket();
  }

  /** Without descriptors or memory native tries again by itself; the clients wait meanwhile. */
  #failed(error: MillraceError, isBroken: boolean): void {
    const isLast = isBroken && this.#reopened >= REOPEN_MAX;
    const action = isLast ? "fails" : isBroken ? "reopens" : "waits";
    const detail: ListenerErrorInfo = { listener: this.info, error, action };
    this.#host.emit("listenerError", detail);
    if (isBroken) this.#broken();
  }

  #broken(): void {
    this.#closeSocket();
    if (this.#state !== "listening") return;
    if (this.#reopened >= REOPEN_MAX) {
      this.#setState("failed", LISTENER_STATE.paused);
      const message = `Listener ${this.id} has failed ${REOPEN_MAX} times in a row`;
      this.#host.emit("error", new MillraceError("ERR_MILLRACE_BIND", message));
      return;
    }
    const delay = REOPEN_DELAY_MS * 2 ** this.#reopened++;
    setTimeout(() => {
      if (this.#state !== "listening" || this.#socket !== null) return;
      this.#open().then(() => (this.#reopened = 0), () => this.#broken());
    }, delay).unref();
  }

  #closeSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) this.#host.native.closeListener(socket);
  }

  #setState(state: ListenerState, shared: number): void {
    this.#state = state;
    this.#host.native.setListenerState(this.#host.server, this.index, shared);
  }

  #phase(phase: string, connections: number): void {
    this.#host.emit("stopping", { ...this.info, phase, connections });
  }
}
