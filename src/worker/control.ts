/**
 * The worker's end of the control channel: carries out what the primary asks, acknowledges it, and
 * passes on the control calls of handlers. Thread: the worker's.
 */
import type { MessagePort } from "node:worker_threads";
import type {
  DrainOptions, ListenerInfo, MetricsReport, ReloadResult, ServerControl, StopOptions, StopResult,
} from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { SentListenerOptions } from "../shared/listener-options.ts";
import type { Metric } from "../shared/metrics.ts";
import {
  type ControlCall, type FromWorker, type ListenerFacts, type SentError, toSentError, type ToWorker,
} from "../shared/messages.ts";
import type { Publishable, Published } from "../shared/published.ts";
import type { RecordAnswer, RecordCall } from "../shared/records.ts";
import type {
  AddRouteOptions, RemoveRouteOptions, RemoveRouteResult, RouteCall, RouteInfo, RouteRow,
  RoutesResult, TableOptions,
} from "../shared/routes.ts";
import type { RoutesMessage } from "./route-tables.ts";

/** What the channel does to the worker. */
export interface ControlTarget {
  /** Rejects if a listener that there should be is not here. */
  open(): Promise<void> | void;
  /** There is a listener of that index from now on, or none any more. */
  setListener(index: number, facts: ListenerFacts | null): Promise<void> | void;
  stop(listener: number, force: boolean): void;
  /** Phase 3 of a stop. Settles when the listener has no socket of a handler any more. */
  stopSockets(listener: string): Promise<void>;
  retire(): void;
  give(count: number, to: number | undefined): number;
  /** Throws what is wrong with a row. */
  routes(message: RoutesMessage): void;
  awaitRoutes(table: number, rows: readonly string[]): Promise<void>;
  /** Counts requests into the table, and tells what its rows mean. */
  count(series: SharedArrayBuffer): void;
  reopenLog(): void;
  metrics(): Promise<readonly Metric[] | null>;
  countSubscribers(topic: string): number;
  /** What the primary publishes; `forBroker`: for other servers, too. */
  publishHere(published: Published, forBroker: boolean): void;
}

interface PendingCall {
  readonly result: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** What publishes for the app. */
export interface Publisher {
  publish(topic: string, data: Publishable, compress: boolean): number;
}

export class WorkerControl {
  /** Resolves when the primary has asked for the end, or has cut the channel. */
  readonly ended: Promise<void>;
  /** Resolves when the channel is cut: nobody waits for this worker any more. */
  readonly cut: Promise<void>;
  readonly #port: MessagePort;
  readonly #calls = new Map<number, PendingCall>();
  /** Listeners that came and went while the app was being loaded. */
  readonly #announced = new Map<number, ListenerFacts | null>();
  #target: ControlTarget | null = null;
  #topics: Publisher | null = null;
  #nextCall = 1;
  #isCut = false;
  #end!: () => void;

  constructor(port: MessagePort) {
    this.#port = port;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.cut = new Promise((resolve) => port.once("close", resolve));
    void this.cut.then(() => this.#cutOff());
    port.on("message", (message: ToWorker) => this.#receive(message));
  }

  /** To count into, if that was asked for while the app was being loaded. */
  #series: SharedArrayBuffer | null = null;

  /** From now on messages are carried out; what came before of listeners is now. */
  attach(target: ControlTarget): void {
    this.#target = target;
    for (const [index, facts] of this.#announced) {
      target.setListener(index, facts)?.catch(() => {}); // `open` tells of it
    }
    this.#announced.clear();
    if (this.#series !== null) target.count(this.#series);
  }

  /** From now on `publish` of its server has something to go to. */
  setTopics(topics: Publisher): void {
    this.#topics = topics;
  }

  send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }

  /** The control calls of `context.server`. */
  readonly server: ServerControl = {
    addListener: (options: SentListenerOptions): Promise<ListenerInfo> =>
      this.#call({ method: "addListener", options }),
    removeListener: (id: string, options?: StopOptions): Promise<StopResult> =>
      this.#call({ method: "removeListener", id, ...(options && { options }) }),
    stopListener: (id: string, options?: StopOptions): Promise<StopResult> =>
      this.#call({ method: "stopListener", id, ...(options && { options }) }),
    pauseListener: (id: string): Promise<void> => this.#call({ method: "pauseListener", id }),
    startListener: (id: string): Promise<void> => this.#call({ method: "startListener", id }),
    routes: (listener?: string): Promise<RouteInfo[]> =>
      this.#routes({ kind: "read", ...(listener !== undefined && { listener }) }),
    setRoutes: (rows: readonly RouteRow[], options: TableOptions = {}): Promise<RoutesResult> =>
      this.#routes({ kind: "replace", rows, options }),
    addRoute: (pattern: string, options: AddRouteOptions): Promise<RouteInfo> =>
      this.#routes({ kind: "add", pattern, options }),
    removeRoute: (name: string, options: RemoveRouteOptions = {}): Promise<RemoveRouteResult> =>
      this.#routes({ kind: "remove", name, options }),
    disableRoute: (name: string, options: TableOptions = {}): Promise<void> =>
      this.#routes({ kind: "disable", name, options }),
    enableRoute: (name: string, options: TableOptions = {}): Promise<void> =>
      this.#routes({ kind: "enable", name, options }),
    reopenLogs: (): Promise<void> => this.#call({ method: "reopenLogs" }),
    reload: (): Promise<ReloadResult> => this.#call({ method: "reload" }),
    setApp: (app: string | URL): Promise<ReloadResult> =>
      this.#call({ method: "setApp", app: String(app) }),
    scale: (workers: number): Promise<void> => this.#call({ method: "scale", workers }),
    metrics: (): Promise<MetricsReport> => this.#call({ method: "metrics" }),
    publish: (topic: string, data: Publishable, compress: boolean = false): number =>
      this.#topics?.publish(topic, data, compress) ?? 0,
    subscriberCount: (topic: string): Promise<number> =>
      this.#call({ method: "subscriberCount", topic }),
    sharedMemory: (name: string, byteLength: number): Promise<SharedArrayBuffer> =>
      this.#call({ method: "sharedMemory", name, byteLength }),
    records: <Call extends RecordCall>(request: Call): Promise<RecordAnswer<Call>> =>
      this.#call({ method: "records", request }),
    drain: (options?: DrainOptions): Promise<void> =>
      this.#call({ method: "drain", ...(options && { options }) }),
    close: (options?: StopOptions): Promise<void> =>
      this.#call({ method: "close", ...(options && { options }) }),
  };

  #routes<T>(request: RouteCall): Promise<T> {
    return this.#call({ method: "routes", request });
  }

  /** Rejects also with what cannot be sent, and when nobody is there to answer any more. */
  #call<T>(request: ControlCall): Promise<T> {
    const call = this.#nextCall++;
    try {
      if (this.#isCut) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
      this.send({ type: "call", call, request }); // throws what cannot be cloned
    } catch (error) {
      return Promise.reject(error);
    }
    let settle!: Omit<PendingCall, "result">;
    const result = new Promise<T>((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#calls.set(call, { ...settle, result });
    return result;
  }

  #cutOff(): void {
    this.#isCut = true;
    for (const call of this.#calls.values()) {
      call.result.catch(() => {}); // who does not wait for it is not to be ended by it
      call.reject(new MillraceError("ERR_MILLRACE_SERVER_CLOSED"));
    }
    this.#calls.clear();
    this.#end();
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "open":
        void this.#carryOut(message.id, () => this.#target?.open());
        return;
      case "listener":
        void this.#carryOut(message.id, () => this.#setListener(message.index, message.facts));
        return;
      case "stopSockets":
        void this.#stopSockets(message.listener);
        break;
      case "stop":
        this.#target?.stop(message.listener, message.force);
        break;
      case "retire":
        this.#target?.retire();
        break;
      case "give":
        this.send({
          type: "given",
          id: message.id,
          count: this.#target?.give(message.count, message.to) ?? 0,
        });
        break;
      case "routes":
        void this.#carryOut(message.id, () => this.#target?.routes(message));
        return;
      case "awaitRoutes":
        void this.#carryOut(message.id, () => (
          this.#target?.awaitRoutes(message.table, message.rows)
        ));
        return;
      case "count":
        if (this.#target === null) this.#series = message.series;
        else this.#target.count(message.series);
        break;
      case "reopenLog":
        this.#target?.reopenLog();
        break;
      case "countSubscribers":
        this.send({
          type: "subscribers",
          id: message.id,
          count: this.#target?.countSubscribers(message.topic) ?? 0,
        });
        break;
      case "publish":
        this.#target?.publishHere(message.published, message.forBroker);
        return;
      case "metrics":
        void this.#tellMetrics(message.id);
        return;
      case "end":
        this.#end();
        break;
      case "result":
        this.#settle(message.call, message.value, message.error);
        return;
    }
    this.send({ type: "ack", id: message.id });
  }

  #setListener(index: number, facts: ListenerFacts | null): Promise<void> | void {
    if (this.#target !== null) return this.#target.setListener(index, facts);
    this.#announced.set(index, facts);
  }

  /** What can fail, or takes time: other messages are carried out meanwhile. */
  async #carryOut(id: number, run: () => Promise<void> | void): Promise<void> {
    try {
      await run();
      this.send({ type: "ack", id });
    } catch (error) {
      this.send({ type: "ack", id, error: toSentError(error) });
    }
  }

  async #stopSockets(listener: string): Promise<void> {
    await this.#target?.stopSockets(listener);
    this.send({ type: "socketsEnded", listener });
  }

  async #tellMetrics(id: number): Promise<void> {
    const metrics = (await this.#target?.metrics()) ?? null;
    this.send({ type: "metrics", id, metrics });
    this.send({ type: "ack", id });
  }

  #settle(call: number, value: unknown, error: SentError | undefined): void {
    const pending = this.#calls.get(call);
    this.#calls.delete(call);
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(Object.assign(new Error(error.message), error));
  }
}
