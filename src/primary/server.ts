/**
 * `serve()` and the running server: puts options, pool and listeners together, in that order, and
 * takes them apart again. Thread: the primary's.
 */
import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import type {
  DrainOptions, ListenerInfo, MetricsReport, ReloadResult, RunningReport, RunningWorker, Stats,
  StopOptions, StopResult,
} from "../shared/app.ts";
import type { Server } from "../shared/server.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ListenerOptions } from "../shared/app.ts";
import type { ListenerFacts } from "../shared/messages.ts";
import { type Publishable, toPublished } from "../shared/published.ts";
import type {
  AddRouteOptions, RemoveRouteOptions, RemoveRouteResult, RouteInfo, RouteRow, RoutesResult,
  TableOptions,
} from "../shared/routes.ts";
import { type Handle, loadNative, type Native } from "../native.ts";
import {
  resolveOptions,
  type ResolvedOptions,
  type ServeOptions,
  withAppDefaults,
} from "../options.ts";
import { resolveApp } from "../options/app.ts";
import { resolveAdded } from "../options/listeners.ts";
import type { ResolvedListener } from "../options/listeners.ts";
import { logsToFile, resolveAccessLog } from "../options/access-log.ts";
import { BALANCE_NUMBERS } from "../options/balance.ts";
import { checkCall, DRAIN_FIELDS, STOP_FIELDS } from "../options/calls.ts";
import { milliseconds } from "../options/checks.ts";
import { ownRoutesOf } from "../options/listener-routes.ts";
import { tell } from "./events.ts";
import { AccessLog } from "./access-log.ts";
import { type AppWatch, watchApp } from "./app-watch.ts";
import { answerCall, SharedState } from "./control-calls.ts";
import { Drain } from "./drain.ts";
import { Generations } from "./generations.ts";
import { ControlChannels } from "./control-channels.ts";
import { Listeners, type ListenersHost } from "./listeners.ts";
import { PrimaryLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { Operations } from "./operations.ts";
import type { PoolHost } from "./pool.ts";
import { handleReload, handleRotation, handleSignals } from "./signals.ts";
import { type Living, ServerLife } from "./server-life.ts";
import { claimSystemdSockets } from "./systemd-sockets.ts";
import { RouteTables } from "./route-tables.ts";
import { Statistics } from "./statistics.ts";
import { Supervision } from "./supervision.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/**
 * Starts a server. Resolves when every worker has loaded the app and every listener is bound;
 * otherwise rejects with a MillraceError and leaves nothing behind.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const resolved = resolveOptions(options);
  const { signal } = resolved;
  if (signal?.aborted === true) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
  const server = new MillraceServer(loadNative(), resolved);
  await server.start();
  return server;
}

class MillraceServer implements Server, ListenersHost, Living {
  readonly native: Native;
  readonly server: Handle;
  readonly events: EventEmitter = new EventEmitter();
  readonly inherited: Operations;
  readonly #operations: Operations;
  readonly #serverId: number;
  readonly #instance: string = randomUUID();
  readonly #statistics: Statistics;
  readonly #accessLog: AccessLog | null;
  /** A reader of its own: utilisation is since the previous look of the same reader. */
  readonly #watched: Statistics;
  readonly #controlled: Statistics;
  readonly #metrics: Metrics;
  readonly #drain: Drain;
  readonly #life: ServerLife;
  readonly #log: PrimaryLog;
  readonly #supervision: Supervision;
  readonly #routes: RouteTables;
  readonly #shared = new SharedState();
  #options: ResolvedOptions;
  #generations!: Generations;
  #nextWorkerId = 1;
  readonly #listeners: Listeners;
  readonly #channels: ControlChannels;
  #appWatch: AppWatch | null = null;
  #cleanups: (() => void)[] = [];
  #endRotation: () => void = () => {};

  constructor(native: Native, options: ResolvedOptions) {
    this.native = native;
    this.#options = options;
    // Before there are workers, which are given a copy of the environment.
    if (options.listeners.some(({ systemd }) => systemd !== undefined)) claimSystemdSockets();
    const { handle, id } = native.createServer({
      stuckMs: options.stuckMs,
      balance: BALANCE_NUMBERS[options.balance],
      connectionsMax: options.connectionsMax ?? 0,
      connectionsPerAddressMax: options.connectionsPerAddressMax,
    });
    this.server = handle;
    this.#serverId = id;
    this.#statistics = new Statistics(native, handle, options);
    const { accessLog, accessLogFormat, accessLogIds } = options;
    const log = resolveAccessLog(accessLog, accessLogFormat, accessLogIds);
    this.#accessLog = log === undefined ? null : new AccessLog(this, log);
    this.#watched = new Statistics(native, handle, options);
    this.#metrics = this.#makeMetrics(options);
    this.#controlled = new Statistics(native, handle, options);
    this.inherited = this.#operations = new Operations(options, {
      native,
      server: this,
      listeners: () => this.#listeners,
      isDraining: () => this.#life.isEnding,
      stats: () => this.#controlled.read(this.#generations.channels, this.#listeners.all),
    });
    const channels = (): WorkerChannel[] => this.#generations.channels;
    const host = { native, server: handle, channels, emit: this.emit.bind(this) };
    this.#channels = new ControlChannels(host, options);
    this.#listeners = new Listeners(this, options.listeners, options.protectLastListener);
    this.#drain = new Drain(native, handle);
    this.#life = new ServerLife(this, this.#drain, options);
    this.#log = new PrimaryLog(options);
    this.#supervision = this.#makeSupervision(options);
    this.#routes = this.#makeRoutes(options);
  }

  #makeMetrics(options: ResolvedOptions): Metrics {
    const isOn = options.metrics ||
      options.listeners.some(({ settings }) => settings.metricsPath !== "");
    const host = {
      channels: () => this.#generations.channels,
      stats: () => this.#watched.read(this.#generations.channels, this.#listeners.all),
    };
    return new Metrics(host, isOn, options.metricsTimeoutMs);
  }

  #makeSupervision(options: ResolvedOptions): Supervision {
    return new Supervision({
      native: this.native,
      server: this.server,
      log: this.#log,
      channels: () => this.#generations.channels,
      emit: (event, detail) => this.emit(event, detail),
      terminate: (channel, error) => this.#generations.terminate(channel, error),
      recycle: (channel) => this.#generations.recycle(channel),
    }, options);
  }

  #makeRoutes(options: ResolvedOptions): RouteTables {
    const { deadlineMs, controlTimeoutMs, initTimeoutMs } = options;
    return new RouteTables({
      generation: () => this.generation,
      deadlineMs,
      controlTimeoutMs,
      initTimeoutMs,
      channels: () => this.#generations.channels,
      routeOf: (channel) => this.#channels.routeOf(channel),
      listenerIndex: (id) => this.#listeners.find(id).index,
      hasOwnRoutes: (index) => this.#listeners.hasOwnRoutes(index),
      stopListener: (id) => this.#beginStop(id),
    });
  }

  start(): Promise<void> {
    return this.#life.start();
  }

  // Of its life.

  async bringUp(): Promise<void> {
    const life = this.#life;
    this.#watchSignals();
    await this.#operations.prepare();
    life.checkStart();
    this.#accessLog?.start(this.#options.listeners);
    this.#generations = new Generations(this.#poolHost());
    const ready = await this.#generations.start();
    life.checkStart();
    this.#options = withAppDefaults(this.#options, ready);
    await this.#listeners.start(this.#options.listeners);
    life.checkStart();
    await this.#generations.open();
    life.checkStart();
    this.#drain.ready();
    await this.#operations.announce();
    life.checkStart();
    this.#supervision.start();
    this.#appWatch = watchApp(this.#options, this);
  }

  failed(error: unknown): void {
    this.#operations.failed(error);
  }

  stopping(): void {
    this.#operations.stopping();
  }

  stopListeners(force: boolean, deadlineMs: number): Promise<void> {
    return this.#listeners.close(force, deadlineMs);
  }

  endWorkers(deadlineMs: number): Promise<void> {
    return this.#generations.end(deadlineMs);
  }

  async tearDown(started: Promise<unknown>): Promise<void> {
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups = [];
    this.#supervision.stop();
    this.#appWatch?.stop();
    this.#listeners.abandon();
    await this.#generations?.destroy();
    await started; // it finds out by what has just ended
    await this.#accessLog?.close();
    this.#endRotation(); // a log may be rotated until it is closed, and the signal would kill
    await this.#operations.close();
    this.native.dropOrphans(this.server, -1);
    this.#log.close();
  }

  #poolHost(): PoolHost {
    const { native, server } = this;
    return {
      native,
      server,
      serverId: this.#serverId,
      instance: this.#instance,
      options: this.#options,
      log: this.#log,
      listeners: () => this.#listeners.facts,
      nextWorkerId: () => this.#nextWorkerId++,
      emit: (event, detail) => this.emit(event, detail),
      call: (request) => answerCall(this, this.#routes, this.#shared, request),
      spawned: (channel) => this.#spawned(channel),
      gone: (channel, isExpected) => this.#metrics.gone(channel, isExpected),
      routesOf: (channel) => this.#routes.taskOf(channel),
      admit: (channel) => this.#routes.admit(channel),
      seriesOf: (channel) => this.#metrics.http?.tableOf(channel) ?? null,
      joined: (channel) => this.#joined(channel),
    };
  }

  /** What workers are told of a listener. */
  factsOf(listener: ResolvedListener): ListenerFacts {
    const { id, name, data, settings } = listener;
    const own = ownRoutesOf(listener, `The listener "${id}"`, this.#options.workers);
    return Object.assign({ id, name, data, isTls: false, settings }, own);
  }

  #spawned(channel: WorkerChannel): void {
    this.#statistics.spawned(channel);
    this.#watched.spawned(channel);
    this.#controlled.spawned(channel);
    this.#metrics.spawned();
  }

  #joined(channel: WorkerChannel): void {
    for (const listener of this.#listeners.all) {
      if (listener.state === "stopping") void channel.drain(listener.index, false);
    }
  }

  #watchSignals(): void {
    const { signal, signals, accessLog, logDestination } = this.#options;
    if (signal !== undefined) {
      const onAbort = (): void => void this.close();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#cleanups.push(() => signal.removeEventListener("abort", onAbort));
    }
    if (signals) this.#cleanups.push(handleSignals((force) => (
      void (force ? this.close({ force }) : this.drain())
    )), handleReload(this));
    if (signals && logsToFile(accessLog, logDestination)) {
      this.#endRotation = handleRotation(this);
    }
  }

  get listeners(): ListenerInfo[] {
    return this.#listeners.infos;
  }

  get url(): string {
    return this.#listeners.infos[0]?.url ?? "";
  }

  stats(): Stats {
    const stats = this.#statistics.read(this.#generations.channels, this.#listeners.all);
    return this.#accessLog === null ? stats : { ...stats, accessLog: this.#accessLog.stats() };
  }

  metrics(): Promise<MetricsReport> {
    return this.#metrics.collect();
  }

  publish(topic: string, data: Publishable, compress: boolean = false): number {
    return this.#channels.publish(toPublished(topic, data, compress));
  }

  subscriberCount(topic: string): Promise<number> {
    return this.#channels.countSubscribers(topic);
  }

  /** For calls that change them. */
  get #freeListeners(): Listeners {
    this.#operations.checkListenersFree();
    return this.#listeners;
  }

  async addListener(options: ListenerOptions): Promise<ListenerInfo> {
    this.#life.checkServing();
    const listeners = this.#freeListeners;
    const resolved = resolveAdded(options, listeners.nextId(), this.#options);
    if (resolved.settings.metricsPath !== "") this.#metrics.turnOn();
    return await listeners.add(resolved);
  }

  async removeListener(key: string, options: StopOptions = {}): Promise<StopResult> {
    checkCall("removeListener", STOP_FIELDS, options);
    const { force = false, deadlineMs = this.#options.deadlineMs } = options;
    return await this.#freeListeners.remove(key, force, deadlineMs);
  }

  async stopListener(key: string, options: StopOptions = {}): Promise<StopResult> {
    checkCall("stopListener", STOP_FIELDS, options);
    const { force = false, deadlineMs = this.#options.deadlineMs } = options;
    return await this.#freeListeners.stop(key, force, deadlineMs);
  }

  /** Its id; null: it is protected, and goes on. */
  #beginStop(key: string): string | null {
    const listener = this.#listeners.find(key);
    this.stopListener(key).catch((error: unknown) => this.emit("error", error));
    return ["stopping", "stopped"].includes(listener.state) ? listener.id : null;
  }

  async pauseListener(key: string): Promise<void> {
    this.#freeListeners.find(key).pause();
  }

  async startListener(key: string): Promise<void> {
    await this.#freeListeners.startOne(key);
  }

  running(): RunningReport {
    const listeners = this.#listeners.all.map((listener) => listener.running);
    return {
      listeners: listeners.filter(({ state, connections }) => (
        connections > 0 || state === "listening" || state === "stopping"
      )),
      workers: [...this.#generations.channels].map(({ id }) => id),
    };
  }

  async waitClosed(timeoutMs: number): Promise<RunningReport | null> {
    checkCall("waitClosed", { timeoutMs: milliseconds(0) }, { timeoutMs });
    return await this.#life.isClosed(timeoutMs) ? null : this.running();
  }

  routes(listener?: string): RouteInfo[] {
    return this.#routes.read(listener);
  }

  setRoutes(rows: readonly RouteRow[], options?: TableOptions): Promise<RoutesResult> {
    return this.#routes.replace(rows, options);
  }

  addRoute(pattern: string, options: AddRouteOptions): Promise<RouteInfo> {
    return this.#routes.add(pattern, options);
  }

  removeRoute(name: string, options?: RemoveRouteOptions): Promise<RemoveRouteResult> {
    return this.#routes.remove(name, options);
  }

  disableRoute(name: string, options?: TableOptions): Promise<void> {
    return this.#routes.setDisabled(name, true, options);
  }

  enableRoute(name: string, options?: TableOptions): Promise<void> {
    return this.#routes.setDisabled(name, false, options);
  }

  get generation(): number {
    return this.#generations.generation;
  }

  async reload(): Promise<ReloadResult> {
    await this.#life.serving(); // a signal may ask for it while the server starts
    return await this.#operations.reloading(this.#generations.reload());
  }

  async setApp(app: string | URL): Promise<ReloadResult> {
    await this.#life.serving();
    const resolved = resolveApp(app, this.#options.workers);
    return await this.#operations.reloading(this.#generations.reload(resolved))
      .finally(() => this.#appWatch?.follow(this.#generations.app));
  }

  async scale(workers: number): Promise<void> {
    await this.#life.serving();
    await this.#generations.scale(workers);
  }

  async reopenLogs(): Promise<void> {
    this.#log.reopen();
    await Promise.all([this.#accessLog?.reopen(), this.#channels.ask({ type: "reopenLog" })]);
  }

  async drain(options?: DrainOptions): Promise<void> {
    checkCall("drain", DRAIN_FIELDS, options);
    await this.#life.drain(options);
  }

  get closed(): Promise<void> {
    return this.#life.closed;
  }

  async close(options?: StopOptions): Promise<void> {
    checkCall("close", STOP_FIELDS, options);
    await this.#life.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Of the listeners.

  async announce(index: number, facts: ListenerFacts | null): Promise<void> {
    const message = { type: "listener", index, facts } as const;
    if (facts === null) this.#routes.forget(index);
    if ((facts?.app ?? facts?.routes) === undefined) {
      await this.#channels.ask(message);
      return;
    }
    const { controlTimeoutMs, initTimeoutMs } = this.#options;
    await this.#channels.ask(message, Math.max(controlTimeoutMs, initTimeoutMs));
    this.#routes.expect(index);
  }

  drainListener(listener: number, force: boolean): Promise<void> {
    return this.#channels.drain(listener, force);
  }

  stopSockets(id: string): Promise<void> {
    return this.#channels.stopSockets(id);
  }

  workersOf(listener: number): RunningWorker[] {
    return this.#channels.workersOf(listener);
  }

  undrained(id: string, listener: number): void {
    this.emit("error", this.#channels.undrained(id, listener));
  }

  emit(event: string, detail: unknown): void {
    tell(this.events, event, detail);
  }
}
