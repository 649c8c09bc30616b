/**
 * The primary's end of one worker's control channel, and what the primary knows of that worker.
 * Thread: the primary's.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { MillraceError, type ErrorCode, ERRORS } from "../shared/errors.ts";
import {
  type ControlCall,
  type FromWorker,
  type SentError,
  toSentError,
  type ToWorker,
} from "../shared/messages.ts";
import type { Metric } from "../shared/metrics.ts";
import type { Published } from "../shared/published.ts";
import type { TableFacts } from "../shared/routes.ts";

export type WorkerState = "starting" | "serving" | "draining" | "dead";

/** What the app of a worker says of itself once it has loaded. */
export interface Ready {
  readonly threadId: number;
  readonly routes: readonly string[];
  readonly tables: readonly TableFacts[];
  readonly port?: unknown;
  readonly hostname?: unknown;
}

type MetricsAnswer = Promise<readonly Metric[] | null>;

type OmitId<T> = T extends { id: number } ? Omit<T, "id"> : never;

export class WorkerChannel {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  readonly startedAt: number = performance.now();
  /** Given to the worker with its task. */
  readonly workerPort: MessagePort;
  /** Resolves when the app is loaded and `init` is done; rejects when that failed. */
  readonly ready: Promise<Ready>;
  /** Resolves when it has been retired and no connection is left, or when it has gone. */
  readonly retired: Promise<void>;
  /** One word, for a worker that tells how much memory it holds. */
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  state: WorkerState = "starting";
  threadId = 0;
  failure: MillraceError | null = null;
  /** The patterns of its app, in the order that its table of metrics counts them. */
  routes: readonly string[] = [];
  /** The tables of routes of its app and of its listeners, by number. */
  readonly tables: Map<number, TableFacts> = new Map();
  /** Those that it may still tell of when it is ready: their listeners have gone. */
  readonly #goneTables = new Set<number>();
  readonly #port: MessagePort;
  readonly #onCall: (request: ControlCall) => Promise<unknown>;
  readonly #acks = new Map<number, (error?: SentError) => void>();
  readonly #marks: string[] = [];
  readonly #drains = new Map<number, Set<() => void>>();
  /** Answers to `give` and `countSubscribers`, by the id of the message. */
  readonly #counts = new Map<number, number>();
  readonly #sockets = new Map<string, Set<() => void>>();
  #settleReady!: { resolve(ready: Ready): void; reject(error: Error): void };
  #settleRetired!: () => void;
  #nextId = 1;
  #metrics: { promise: MetricsAnswer; settle(metrics: readonly Metric[] | null): void } | null =
    null;

  constructor(
    id: number,
    slot: number,
    generation: number,
    onCall: (request: ControlCall) => Promise<unknown>,
  ) {
    this.id = id;
    this.slot = slot;
    this.generation = generation;
    this.#onCall = onCall;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.workerPort = port2;
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    this.retired = new Promise((resolve) => (this.#settleRetired = resolve));
    this.ready.catch(() => {}); // a replacement's failure is reported by its supervisor
    port1.on("message", (message: FromWorker) => this.#receive(message));
  }

  /** It will not become ready. */
  fail(error: MillraceError): void {
    this.failure = error;
    this.#settleReady.reject(error);
  }

  /**
   * Resolves with the worker's acknowledgement, or when the worker has gone. Rejects only where it
   * acknowledges with an error, as `prepare` of routes may be.
   */
  send(message: OmitId<ToWorker>): Promise<void> {
    if (this.state === "dead") return Promise.resolve();
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#acks.set(id, (error) => {
        if (error === undefined) resolve();
        else reject(toMillraceError(error));
      });
      this.#port.postMessage({ ...message, id });
    });
  }

  /** How many of its sockets have subscribed to a topic; 0 when it has gone. */
  async countSubscribers(topic: string): Promise<number> {
    const id = this.#nextId;
    await this.send({ type: "countSubscribers", topic });
    return this.#counted(id);
  }

  /** Not acknowledged: publishing waits for nobody. */
  publish(published: Published, forBroker: boolean): void {
    if (this.state !== "dead") this.#port.postMessage({ type: "publish", published, forBroker });
  }

  /** Resolves when the worker has no connection of the listener, or has gone. */
  drain(listener: number, force: boolean): Promise<void> {
    return this.stop(listener, force).drained;
  }

  /** The same, with the acknowledgement of the message. */
  stop(listener: number, force: boolean): { acknowledged: Promise<void>; drained: Promise<void> } {
    if (this.state === "dead") {
      return { acknowledged: Promise.resolve(), drained: Promise.resolve() };
    }
    let acknowledged!: Promise<void>;
    const drained = new Promise<void>((resolve) => {
      const waiting = this.#drains.get(listener) ?? new Set();
      this.#drains.set(listener, waiting.add(resolve));
      acknowledged = this.send({ type: "stop", listener, force });
    });
    return { acknowledged, drained };
  }

  /** Asks handlers of sockets to end them. `ended`: all have, or the worker has gone. */
  stopSockets(listener: string): { acknowledged: Promise<void>; ended: Promise<void> } {
    if (this.state === "dead") return { acknowledged: Promise.resolve(), ended: Promise.resolve() };
    let acknowledged!: Promise<void>;
    const ended = new Promise<void>((resolve) => {
      const waiting = this.#sockets.get(listener) ?? new Set();
      this.#sockets.set(listener, waiting.add(resolve));
      acknowledged = this.send({ type: "stopSockets", listener });
    });
    return { acknowledged, ended };
  }

  /** Whether it has been asked to end the listener's connections and has not said that it has. */
  isDraining(listener: number): boolean {
    return this.#drains.has(listener);
  }

  /**
   * Its mailbox closes, and each connection leaves as soon as it is idle. Resolves when those that
   * were idle have left, or when the worker has gone; `retired` tells of the last one.
   */
  retire(): Promise<void> {
    if (this.state === "serving") this.state = "draining";
    return this.send({ type: "retire" });
  }

  /**
   * Has it give up to `count` idle connections away, to the worker of the slot `to` or to those
   * that the balancer picks. Resolves to how many have left it; 0 when it has gone.
   */
  async give(count: number, to?: number): Promise<number> {
    const id = this.#nextId;
    await this.send({ type: "give", count, ...(to !== undefined && { to }) });
    return this.#counted(id);
  }

  #counted(id: number): number {
    const count = this.#counts.get(id) ?? 0;
    this.#counts.delete(id);
    return count;
  }

  /**
   * What its app has registered; null if it could not say, or has gone. A worker that is stuck
   * finds one question, however often it was put.
   */
  metrics(): MetricsAnswer {
    if (this.state === "dead") return Promise.resolve(null);
    if (this.#metrics === null) {
      let settle!: (metrics: readonly Metric[] | null) => void;
      const promise: MetricsAnswer = new Promise((resolve) => (settle = resolve));
      this.#metrics = { promise, settle };
      void this.send({ type: "metrics" });
    }
    return this.#metrics.promise;
  }

  /** The listener that has had this table has gone. */
  forgetTable(table: number): void {
    this.tables.delete(table);
    if (this.state === "starting") this.#goneTables.add(table);
  }

  #settleMetrics(metrics: readonly Metric[] | null): void {
    this.#metrics?.settle(metrics);
    this.#metrics = null;
  }

  /** The lowest of its last few seconds, buffers included; 0: not known. */
  get memoryBytes(): number {
    return new Float64Array(this.memory)[0]!;
  }

  /** The route of a number in its word of shared memory; empty: `fetch`; null: none. */
  routeOf(mark: number): string | null {
    return this.#marks[mark] ?? null;
  }

  /** Takes what has arrived already: the end of a task may overtake what it said before. */
  catchUp(): void {
    for (;;) {
      const received: { message: FromWorker } | undefined = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#receive(received.message);
    }
  }

  /** The worker has gone: nobody waits for it any more. */
  close(error: Error): void {
    this.state = "dead";
    this.#port.close();
    this.#settleReady.reject(this.failure ?? error);
    for (const resolve of this.#acks.values()) resolve();
    for (const waiting of this.#drains.values()) for (const resolve of waiting) resolve();
    for (const waiting of this.#sockets.values()) for (const resolve of waiting) resolve();
    this.#acks.clear();
    this.#drains.clear();
    this.#sockets.clear();
    this.#settleMetrics(null);
    this.#settleRetired();
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        this.threadId = message.threadId;
        this.routes = message.routes;
        for (const facts of message.tables) {
          if (!this.#goneTables.has(facts.table)) this.tables.set(facts.table, facts);
        }
        this.state = "serving";
        this.#settleReady.resolve(message);
        break;
      case "table":
        this.#goneTables.delete(message.facts.table);
        this.tables.set(message.facts.table, message.facts);
        break;
      case "failed":
        this.fail(toMillraceError(message.error));
        break;
      case "route":
        this.#marks[message.mark] = message.route;
        break;
      case "ack":
        this.#acks.get(message.id)?.(message.error);
        this.#acks.delete(message.id);
        break;
      case "patterns":
        this.routes = message.routes;
        break;
      case "drained":
        for (const resolve of this.#drains.get(message.listener) ?? []) resolve();
        this.#drains.delete(message.listener);
        break;
      case "socketsEnded":
        for (const resolve of this.#sockets.get(message.listener) ?? []) resolve();
        this.#sockets.delete(message.listener);
        break;
      case "retired":
        this.#settleRetired();
        break;
      case "given":
      case "subscribers":
        this.#counts.set(message.id, message.count);
        break;
      case "metrics":
        this.#settleMetrics(message.metrics);
        break;
      case "call":
        void this.#answer(message.call, message.request);
        break;
    }
  }

  async #answer(call: number, request: ControlCall): Promise<void> {
    let reply: ToWorker;
    try {
      reply = { type: "result", call, value: await this.#onCall(request) };
    } catch (error) {
      reply = { type: "result", call, error: toSentError(error) };
    }
    if (this.state !== "dead") this.#port.postMessage(reply);
  }
}

/** An error that came through the channel, with its code and the stack of the worker. */
function toMillraceError(sent: SentError): MillraceError {
  const isOurs = sent.code !== undefined && Object.hasOwn(ERRORS, sent.code);
  const code = (isOurs ? sent.code : "ERR_MILLRACE_WORKER_DIED") as ErrorCode;
  const cause = Object.assign(new Error(sent.message), sent);
  return new MillraceError(code, sent.message, { cause });
}
