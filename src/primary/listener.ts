/**
 * One listener: its sockets, its state and its stop. The state word that workers see lies in shared
 * memory; the messages of a stop go through the pool. Thread: the primary's.
 */
import type {
  ListenerAddress, ListenerErrorInfo, ListenerInfo, ListenerState, RunningListener, RunningWorker,
  StopPhase, StopResult,
} from "../shared/app.ts";
import { type Handle, LISTENER_STATE, type Native, type NativeBind } from "../native.ts";
import type { ResolvedListener } from "../options.ts";
import { type Bind, bindText, bindUrl } from "../options/bind.ts";
import { bindOf } from "../options/listeners.ts";
import { bindErrors, resolveBind } from "./bind.ts";
import { ListenerSocket, type Retries, type SocketOwner } from "./listener-socket.ts";
import type { HandedSocket } from "./hand-over.ts";
import { ListenerStop, type StopHost } from "./listener-stop.ts";
import { countsOf, type ListenerCounts } from "./listener-counts.ts";
import { MillraceError } from "../shared/errors.ts";

/** What a process before this one had bound; see operations.ts. */
export interface Inherited {
  socketsOf(listener: string): readonly HandedSocket[];
  takeSocket(listener: string, place: NativeBind): number;
  /** Whether it runs there; undefined: `autoStart` decides. */
  isRunning(listener: string): boolean | undefined;
}

/** What a listener asks of its server. */
export interface ListenerHost {
  readonly inherited: Inherited;
  readonly native: Native;
  readonly server: Handle;
  emit(event: string, detail: unknown): void;
  /** Asks all workers to end the listener's connections; resolves when none is left. */
  drainListener(listener: number, force: boolean): Promise<void>;
  /** Asks the handlers of dedicated sockets of the listener to end them; resolves when all have. */
  stopSockets(id: string): Promise<void>;
  /** Which workers have connections of it. */
  workersOf(listener: number): RunningWorker[];
  /** Reports the workers that have not ended the listener's connections. */
  undrained(id: string, listener: number): void;
}

/** How many free ports are tried until all addresses of a name have one. */
const PORT_TRIES = 20;

export class Listener implements SocketOwner {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly native: Native;
  readonly server: Handle;
  readonly backlog: number;
  readonly reopenMax: number;
  readonly autoStart: boolean;
  readonly #host: ListenerHost;
  /** What its index had counted before it: none of it is its own. */
  readonly before: ListenerCounts;
  readonly #comment: string | undefined;
  readonly #retries = new Map<string, Retries>();
  #bind: Bind;
  /** One for each address of the host name, also where it could not be bound. */
  #sockets: ListenerSocket[] = [];
  #state: ListenerState = "created";
  #starting: Promise<void> | null = null;
  #stopping: ListenerStop | null = null;
  #stopped: Promise<StopResult> | null = null;
  /** It is not started again: the server closes, or it is being removed. */
  #isFinal = false;
  /** A start is under way, and a stop has been asked for since. */
  #isOvertaken = false;
  #cutLookUp: () => void = () => {};

  constructor(host: ListenerHost, index: number, options: ResolvedListener) {
    this.#host = host;
    this.native = host.native;
    this.server = host.server;
    this.index = index;
    this.id = options.id;
    this.name = options.name;
    this.data = options.data;
    this.backlog = options.backlog;
    this.reopenMax = options.reopenMax;
    this.autoStart = options.autoStart;
    this.#comment = options.comment;
    this.#bind = bindOf(options);
    this.before = countsOf(host.native, host.server, index);
  }

  get state(): ListenerState {
    return this.#state;
  }

  get info(): ListenerInfo {
    // What the system says of an inherited descriptor, once it is known.
    const known = this.#isInherited ? this.#firstBound ?? this.#bind : this.#bind;
    const comment = this.#comment;
    return {
      id: this.id,
      name: this.name,
      ...(comment !== undefined && { comment }),
      ...("host" in known && { host: known.host, port: known.port }),
      ...("path" in known && { path: known.path }),
      ...("fd" in this.#bind && { fd: this.#bind.fd }),
      bind: bindText(this.#bind),
      url: bindUrl(known),
      isTls: false,
      addresses: this.#addresses(),
      state: this.#state,
    };
  }

  get #isInherited(): boolean {
    return "fd" in this.#bind || "systemd" in this.#bind;
  }

  #addresses(): ListenerAddress[] {
    return this.#sockets.map((socket) => socket.address);
  }

  /** Its open sockets, for a process that is to go on with them. */
  get handedSockets(): HandedSocket[] {
    return this.#sockets.flatMap(({ descriptor: fd, bound }) =>
      (fd < 0 || bound === null ? [] : { listener: this.id, fd, bound }));
  }

  /** Another process goes on with its sockets: whoever waits in their queues is its. */
  handOver(): void {
    for (const socket of this.#sockets) socket.close(true);
    this.#sockets = [];
  }

  /**
   * Binds and accepts, behind a stop that is under way; of a host name's addresses at least one.
   * If it listens already only what has failed for good is tried again. Rejects with
   * ERR_MILLRACE_BIND, or with ERR_MILLRACE_LISTENER_STOPPED if a stop is asked for before it is
   * done and no start behind that.
   */
  start(): Promise<void> {
    this.#isOvertaken = false;
    this.#starting ??= this.#start().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async #start(): Promise<void> {
    for (;;) {
      while (this.#stopped !== null) await this.#stopped;
      this.#checkStart();
      if (this.#state === "listening") return this.#openFailed();
      if (this.#sockets.some((socket) => socket.state === "held")) break;
      const places = await this.#lookUp();
      // A stop that came meanwhile has not waited for it.
      if (places === null || this.#stopped !== null) continue;
      this.#checkStart();
      this.#open(places);
      break;
    }
    for (const socket of this.#sockets) socket.release();
    this.#setState("listening", LISTENER_STATE.open);
    this.#host.emit("listening", this.info);
    this.#tellSkipped();
  }

  /** Throws if it is not to listen any more. */
  #checkStart(): void {
    // Nobody would stop it again.
    if (this.#isFinal) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
    if (this.#isOvertaken) throw new MillraceError("ERR_MILLRACE_LISTENER_STOPPED");
  }

  /** Null if it is cut: a look-up may take long, and cannot be ended. */
  async #lookUp(): Promise<NativeBind[] | null> {
    const cut = new Promise<null>((resolve) => (this.#cutLookUp = () => resolve(null)));
    try {
      return await Promise.race([this.#places(), cut]);
    } catch (error) {
      if (this.#stopped === null) this.#setState("failed", LISTENER_STATE.stopped);
      throw error;
    }
  }

  #open(places: readonly NativeBind[]): void {
    try {
      this.#openAll(places);
    } catch (error) {
      this.#setState("failed", LISTENER_STATE.stopped);
      throw error;
    }
  }

  /** The others listen, and their connections go on. */
  #openFailed(): void {
    const opened = this.#sockets.filter((socket) => socket.openFailed());
    if (opened.length > 0) this.#host.emit("listening", this.info);
  }

  /** Of sockets that this process has not made itself, the one before it has other numbers. */
  async #places(): Promise<NativeBind[]> {
    const handed = this.#isInherited ? this.#host.inherited.socketsOf(this.id) : [];
    if (handed.length > 0) return handed.map(({ fd }) => ({ fd }));
    return await resolveBind(this.#bind);
  }

  /** All sockets of the listener; a free port must be free at each of its addresses. */
  #openAll(places: readonly NativeBind[]): void {
    const isFreePort = "host" in this.#bind && this.#bind.port === 0;
    for (let tries = 1;; tries++) {
      const isTaken = this.#tryAll(places);
      if (!isFreePort || !isTaken || tries === PORT_TRIES) break;
      this.#closeSockets(true);
    }
    const port = this.#firstPort();
    // Port 0 has become a real one, which a later start takes again.
    if ("host" in this.#bind && port !== null) this.#bind = { host: this.#bind.host, port };
  }

  /** Whether an address in use was among what could not be bound. Throws if nothing could. */
  #tryAll(places: readonly NativeBind[]): boolean {
    const errors: MillraceError[] = [];
    let isTaken = false;
    this.#closeSockets(true);
    for (const each of places) {
      const place = "host" in each ? { ...each, port: this.#firstPort() ?? each.port } : each;
      const socket = new ListenerSocket(this, place, this.#retriesOf(place));
      this.#sockets.push(socket);
      const error = socket.open(this.#host.inherited.takeSocket(this.id, place));
      if (error === null) continue;
      errors.push(error);
      isTaken ||= (error.cause as { code?: string }).code === "EADDRINUSE";
    }
    if (errors.length === places.length) throw bindErrors(this.#bind, errors);
    return isTaken;
  }

  #firstPort(): number | null {
    const bound = this.#firstBound;
    return bound !== null && "port" in bound ? bound.port : null;
  }

  get #firstBound(): Bind | null {
    return this.#sockets.find(({ bound }) => bound !== null)?.bound ?? null;
  }

  #retriesOf(place: NativeBind): Retries {
    const key = "host" in place ? place.host : bindText(place);
    let retries = this.#retries.get(key);
    if (retries === undefined) this.#retries.set(key, (retries = { used: 0 }));
    return retries;
  }

  #tellSkipped(): void {
    for (const { error, address } of this.#sockets) {
      if (error !== null) this.#tell(error, "skips", address);
    }
  }

  #tell(
    error: MillraceError,
    action: ListenerErrorInfo["action"],
    { error: _, ...address }: ListenerAddress,
  ): void {
    const detail: ListenerErrorInfo = { listener: this.info, address, error, action };
    this.#host.emit("listenerError", detail);
  }

  /** Closes only the listening sockets; connections go on. Inherited ones are kept and held. */
  pause(): void {
    if (this.#state !== "listening") return;
    this.#closeSockets(false);
    this.#setState("paused", LISTENER_STATE.paused);
    this.#host.emit("paused", this.info);
  }

  /**
   * Ends all its connections: in their own time, at the deadline, or at once. `isFinal`: it is not
   * started again, so inherited sockets are closed too.
   */
  stop(force: boolean, deadlineMs: number, isFinal: boolean = false): Promise<StopResult> {
    this.#isFinal ||= isFinal;
    if (this.#starting !== null) this.#isOvertaken = true;
    this.#cutLookUp();
    if (this.#stopped === null) {
      const isIdle = this.#state === "stopped" || this.#state === "created";
      if (isIdle) return Promise.resolve({ graceful: true, destroyed: 0 });
      this.#stopping = new ListenerStop(this.#stopHost());
      this.#stopped = this.#stop(this.#stopping, deadlineMs).finally(() => {
        this.#stopped = this.#stopping = null;
      });
    }
    if (force) this.#stopping!.force();
    return this.#stopped;
  }

  async #stop(stop: ListenerStop, deadlineMs: number): Promise<StopResult> {
    this.#setState("stopping", LISTENER_STATE.stopping);
    await Promise.resolve(); // who is told of it, and calls again, asks for the same one
    const result = await stop.run(deadlineMs);
    this.#setState("stopped", LISTENER_STATE.stopped);
    this.#host.emit("stopped", this.info);
    return result;
  }

  #stopHost(): StopHost {
    const { native, server, index } = this;
    return {
      closeSockets: () => this.#closeSockets(this.#isFinal),
      connections: () => native.listenerConnections(server, index),
      upgraded: () => native.listenerUpgraded(server, index),
      workers: () => this.#host.workersOf(index),
      drain: (force) => this.#host.drainListener(index, force),
      stopSockets: () => this.#host.stopSockets(this.id),
      dropOrphans: () => void native.dropOrphans(server, index),
      phase: (phase) => this.#host.emit("stopping", { ...this.info, ...this.#report(phase) }),
      late: () => this.#host.undrained(this.id, index),
    };
  }

  #report(phase: StopPhase | null): Omit<RunningListener, "id" | "state"> {
    const { native, server, index } = this;
    return {
      phase,
      connections: native.listenerConnections(server, index),
      upgraded: native.listenerUpgraded(server, index),
      workers: this.#host.workersOf(index),
    };
  }

  /** What still runs of it, and where. */
  get running(): RunningListener {
    const { id, state } = this;
    return { id, state, ...this.#report(this.#stopping?.phase ?? null) };
  }

  /** The server has failed to start, or ends: no phases, no events. */
  abandon(): void {
    this.#isFinal = true;
    this.#cutLookUp();
    this.#closeSockets(true);
  }

  troubled(
    error: MillraceError,
    action: "waits" | "reopens" | "fails",
    address: ListenerAddress,
  ): void {
    this.#tell(error, action, address);
  }

  reopened(): void {
    this.#host.emit("listening", this.info);
  }

  /** The others of its sockets go on; without any it has failed. */
  failed(cause: MillraceError): void {
    if (this.#state !== "listening") return;
    if (this.#sockets.some(({ state }) => state === "open" || state === "reopening")) return;
    this.#setState("failed", LISTENER_STATE.paused);
    const message = `Listener ${this.id} has failed for good: ${cause.message}`;
    this.#host.emit("error", new MillraceError("ERR_MILLRACE_LISTENER_FAILED", message, { cause }));
  }

  /** Inherited ones are only held, unless they are of no use any more. */
  #closeSockets(isFinal: boolean): void {
    for (const socket of this.#sockets) {
      if (this.#isInherited && !isFinal) socket.hold();
      else socket.close();
    }
    if (isFinal || !this.#isInherited) this.#sockets = [];
  }

  #setState(state: ListenerState, shared: number): void {
    this.#state = state;
    this.#host.native.setListenerState(this.#host.server, this.index, shared);
  }
}
