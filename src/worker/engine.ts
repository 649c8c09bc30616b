/**
 * The JavaScript half of the engine: native enters `#batch` once per turn with all events of that
 * turn, handlers run, and their replies lie in the ring when it returns.
 *
 * A handler that provably takes no argument is called without a Request; everything else gets an
 * Exchange, from which the Request and the context are made when asked for. The slab that a
 * Request reads from is never written again. Thread: one worker's, or the primary's with
 * `workers: 0`.
 */
import {
  CTL_BODY_NEEDED,
  CTL_EVENT_COUNT,
  CTL_EVENT_CURSOR,
  CTL_SLAB_HELD,
  CTL_SLAB_NEEDED,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_LISTENER,
  EVENT_METHOD,
  EVENT_SEQUENCE,
  EVENT_SLOT,
  EVENT_WORDS,
  FLAG_BODY_COMPLETE,
  FLAG_HAS_BODY,
  KIND_REQUEST,
} from "../shared/layout.ts";
import { METHODS } from "../shared/methods.ts";
import type { ListenerFacts, WorkerOptions } from "../shared/messages.ts";
import { type EngineBlocks, loadNative, type Native } from "../native.ts";
import { Answers } from "./answers.ts";
import { BodyBuffers } from "./body-buffers.ts";
import { ConnectionEvents } from "./connection-events.ts";
import type { Connections } from "./connections.ts";
import { Constants } from "./constant-answers.ts";
import type { DedicatedSockets } from "./dedicated-sockets.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Exchange } from "./exchange.ts";
import { Hooks } from "./hooks.ts";
import { EngineHost, type EngineSetup } from "./engine-host.ts";
import { Isolation } from "./isolation.ts";
import { Meter } from "./meter.ts";
import { metricsRoutes } from "./metrics-route.ts";
import { NativeCounts } from "./native-counts.ts";
import { joinRoutes } from "./own-routes.ts";
import { isDebugging, nativeListener, nativeOptions } from "./native-options.ts";
import type { HandlerStep, OwnRoute, Plan, Step } from "./plan.ts";
import type { Pins } from "./pins.ts";
import { probeRoutes } from "./probe-routes.ts";
import type { ResponseParts } from "./response-parts.ts";
import { isLightResponse, responseParts } from "./response.ts";
import { Rings } from "./rings.ts";
import type { RouteTable } from "./route-table.ts";
import type { RouteTables } from "./route-tables.ts";
import type { Target } from "./target.ts";
import { Targets } from "./targets.ts";
import type { Tracing } from "./tracing.ts";

/** A batch sends its answers when it has run for this long, so that nobody waits for the last. */
const BATCH_MS = 1;
/** Handlers between two looks at the clock. */
const CLOCK_STEP = 16;

const CONNECT = METHODS.indexOf("CONNECT");
const NO_EXCHANGES: readonly Exchange[] = [];

export class Engine {
  readonly #native: Native;
  readonly #blocks: EngineBlocks;
  readonly #rings: Rings;
  readonly #connections: Connections;
  readonly #answers: Answers;
  readonly #dispatcher: Dispatcher;
  readonly #constants: Constants;
  readonly #isolation = new Isolation();
  readonly #host: EngineHost;
  readonly #tracing: Tracing;
  #meter: Meter | null = null;
  #nativeCounts: NativeCounts | null = null;
  #ownRoutes: ReadonlyMap<string, OwnRoute>;
  readonly #options: WorkerOptions;
  #hooks: Hooks | null = null;
  readonly #tables: RouteTables;
  readonly #targets: Targets;
  readonly #pins: Pins;
  readonly #others: ConnectionEvents;
  readonly #entered: Int32Array;
  #slab: Buffer;
  #slabBytes = 0;
  readonly #bodyBuffers: BodyBuffers;
  /** Made in the last batch, perhaps still without an answer. */
  #recent: Exchange[] = [];
  /** Nobody traces or counts the requests of this batch. */
  #isPlain = true;
  /** When this batch began; 0 if nobody counts. */
  #startedAt = 0;

  constructor(setup: EngineSetup) {
    const { task, tables } = setup;
    this.#native = loadNative();
    this.#tables = tables;
    this.#options = task.options;
    const options = nativeOptions(task.options, tables.apps, task.listeners);
    const blocks = this.#native.createEngine(
      task.serverId, task.slot, options, () => this.#batch(),
    );
    if (blocks === undefined) throw new Error("no descriptors or memory left for an engine");
    this.#blocks = blocks;
    this.#rings = new Rings(this.#native, blocks);
    this.#ownRoutes = this.#routesOf(task.listeners);
    this.#host = new EngineHost(this.#native, blocks, this.#rings, setup);
    this.#entered = this.#host.entered.word;
    this.#tracing = this.#host.tracing;
    this.#pins = this.#host.pins;
    this.#connections = this.#host.connections;
    this.#answers = new Answers(this.#rings, this.#connections, this.#host);
    this.#dispatcher = new Dispatcher(this.#answers, this.#host, this.#isolation);
    this.#host.dispatcher = this.#dispatcher;
    this.#host.answers = this.#answers;
    this.#constants = new Constants(this.#native, blocks.handle, this.#host);
    if (task.series !== null) this.count(task.series);
    this.#appsChanged();
    this.#targets = new Targets({
      events: this.#rings.events,
      tables,
      host: this.#host,
      constants: this.#constants,
      ownRoutes: () => this.#ownRoutes,
    });
    task.listeners.forEach((facts, index) => this.#giveListener(index, facts));
    this.#slab = this.#newSlab();
    this.#bodyBuffers = new BodyBuffers(this.#native, blocks.handle);
    this.#others = new ConnectionEvents({
      rings: this.#rings,
      connections: this.#connections,
      answers: this.#answers,
      failures: this.#dispatcher.failures,
      clocks: this.#host.clocks,
      hooks: () => this.#hooks,
      clientErrors: this.#host.clientErrors,
      bodyBuffers: this.#bodyBuffers,
      onDrained: (listener) => setup.onDrained(listener),
      onRetired: () => setup.onRetired(),
    });
    tables.attach({
      routesChanged: () => {
        this.#newEpoch();
        this.sockets.stopRoutes(({ table, handler }) => tables.has(table, handler));
      },
      running: () => this.#connections.pending(),
    });
  }

  /** Connections may come from now on. */
  open(): void {
    if (!this.#native.engineOpen(this.#blocks.handle)) {
      throw new Error("no descriptors left for a mailbox");
    }
  }

  /**
   * There is a listener of that index from now on, or none any more; undefined: it has no routes of
   * its own. Not within a batch.
   */
  setListener(index: number, facts: ListenerFacts | null, table: RouteTable | undefined): void {
    const { sites } = this.#host;
    const slabBytes = this.#slabBytes;
    sites.set(index, facts);
    this.#tables.setListener(index, table);
    this.#appsChanged();
    this.#giveListener(index, facts);
    if (this.#slabBytes > slabBytes) this.#slab = this.#newSlab();
    this.#host.listenersChanged();
    this.#ownRoutes = this.#routesOf(sites.facts);
    // What was planned and bound may be otherwise for this listener.
    this.#newEpoch();
  }

  /** What apps want to be told of is not taken back: requests in hand are told to their end. */
  #appsChanged(): void {
    const { apps } = this.#tables;
    const { facts } = this.#host.sites;
    const { tellsDone, reportsRefusals } = nativeOptions(this.#options, apps, facts);
    this.#native.engineTell(this.#blocks.handle, tellsDone, reportsRefusals);
    this.#host.clientErrors.look();
    if (this.#hooks !== null || !(tellsDone || isDebugging(facts))) return;
    this.#hooks = new Hooks(
      this.#tables, this.#native, this.#blocks.handle, this.#rings, this.#host,
    );
  }

  #giveListener(index: number, facts: ListenerFacts | null): void {
    const table = this.#tables.ofListener(index);
    const options = facts === null ? null : nativeListener(facts.settings, table);
    this.#slabBytes = this.#native.engineListener(this.#blocks.handle, index, options);
    this.#answers.plainTextMax = this.#host.sites.plainTextMax;
  }

  #routesOf(listeners: readonly (ListenerFacts | null)[]): Map<string, OwnRoute> {
    const probes = probeRoutes(listeners, (listener) =>
      this.#native.engineReadiness(this.#blocks.handle, listener));
    return joinRoutes(probes, metricsRoutes(listeners));
  }

  /** Ends the connections of a listener; `onDrained` follows when none is left. */
  stopListener(listener: number, force: boolean): void {
    this.#host.stopBegins(listener);
    if (force) this.sockets.stop(this.#host.siteOf(listener).view.id);
    this.#native.engineStop(this.#blocks.handle, listener, force);
  }

  /** For good: takes nothing new, gives away what is idle. `onRetired` follows the last of HTTP. */
  retire(): void {
    this.#host.upgrades.isRetired = true;
    this.#native.engineRetire(this.#blocks.handle);
  }

  /** Gives idle connections to the worker of that slot, or as the balancer has it; how many. */
  give(count: number, to: number | undefined): number {
    return this.#native.engineGive(this.#blocks.handle, count, to ?? -1);
  }

  /** Sockets that handlers have taken over. */
  get sockets(): DedicatedSockets {
    return this.#host.sockets;
  }

  /** Settles when what handlers gave to `waitUntil` has. */
  background(): Promise<void> {
    return this.#host.background.done();
  }

  /** All patterns that an answer may be counted under. */
  get routes(): string[] {
    return [...new Set([...this.#tables.patterns, ...this.#ownRoutes.keys()])];
  }

  /** Requests that come from now on are counted into the table. Not within a batch. */
  count(series: SharedArrayBuffer): void {
    this.#meter = this.#answers.meter = new Meter(series, this.routes, this.#host.sites);
    this.#nativeCounts = new NativeCounts(this.#native, this.#blocks.handle, this.#meter);
    this.#nativeCounts.skip(this.#constants.given);
  }

  /** The same, if some have come since they were told last and somebody counts; else null. */
  newPatterns(): string[] | null {
    return this.#meter?.know(this.routes) ?? null;
  }

  /** Adds what native has answered by itself to the metrics, if there are any. */
  countNative(): void {
    this.#nativeCounts?.take(this.#constants.given);
  }

  close(): void {
    this.#native.engineClose(this.#blocks.handle);
  }

  /** What is kept of requests in hand keeps its steps; every path is looked up anew. */
  #newEpoch(): void {
    this.countNative();
    this.#native.engineEpoch(this.#blocks.handle);
    this.#constants.forget();
    this.#nativeCounts?.forgetConstants();
    this.#targets.forget();
  }

  #newSlab(): Buffer {
    const slab = Buffer.allocUnsafeSlow(this.#slabBytes);
    this.#native.engineSlab(this.#blocks.handle, slab);
    return slab;
  }

  #batch(): void {
    this.#keepRecent();
    this.#look();
    const { events, control } = this.#rings;
    let clockAt = CLOCK_STEP;
    let started = 0;
    // The count is read anew each time: a call into native may add events.
    for (let i = 0; i < control[CTL_EVENT_COUNT]!; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      const base = i * EVENT_WORDS;
      if (events[base] === KIND_REQUEST) {
        this.#request(base);
      } else {
        this.#others.take(base, this.#slab);
      }
      if (i < clockAt) continue;
      clockAt = i + CLOCK_STEP;
      const now = performance.now();
      if (started === 0) started = now;
      else if (now - started > BATCH_MS) {
        started = now;
        this.#rings.flush();
      }
    }
    if (control[CTL_BODY_NEEDED] !== 0) {
      control[CTL_BODY_NEEDED] = 0;
      this.#bodyBuffers.make();
    }
    const needed = control[CTL_SLAB_NEEDED]!;
    if (needed === 2 || (needed === 1 && control[CTL_SLAB_HELD] !== 0)) {
      control[CTL_SLAB_HELD] = 0;
      this.#slab = this.#newSlab();
    }
  }

  /** Once per batch: who wants to know of its requests. */
  #look(): void {
    this.#tracing.refresh();
    this.#isPlain = this.#meter === null && !this.#tracing.isOn;
    if (this.#meter !== null) this.#startedAt = performance.now();
  }

  /** What had no answer after the microtasks of its batch lets go of the slab. */
  #keepRecent(): void {
    if (this.#recent.length === 0) {
      this.#hooks?.keep(NO_EXCHANGES);
      return;
    }
    this.#hooks?.keep(this.#recent);
    for (const exchange of this.#recent) if (!exchange.isAnswered) exchange.keepOwn();
    this.#recent = [];
  }

  #request(base: number): void {
    const { events } = this.#rings;
    const target = this.#targets.at(base, this.#slab);
    const method = events[base + EVENT_METHOD]!;
    if (target.method !== method) this.#targets.choose(target, base);
    const plan = this.#pins.count === 0 || method === CONNECT ? target.plan : this.#pins.before(
      target.plan, events[base + EVENT_SLOT]!, events[base + EVENT_GENERATION]!,
    );
    const first = plan === target.plan ? target.first! : plan.steps[0]!;
    const hasBody = (events[base + EVENT_FLAGS]! & FLAG_HAS_BODY) !== 0; // its length is checked
    if (!this.#isPlain) {
      this.#observed(base, target, plan, first);
    } else if (first.kind === "handler" && first.isBare && !hasBody) {
      this.#runBare(base, target, plan, first);
    } else {
      this.#runWhole(base, target, plan, first);
    }
  }

  #runWhole(base: number, target: Target, plan: Plan, first: Step): void {
    const exchange = this.#exchange(base, target, plan, first);
    if (this.#hooks === null) {
      this.#dispatcher.run(exchange);
      if (!exchange.isAnswered) this.#recent.push(exchange);
      return;
    }
    this.#recent.push(exchange);
    this.#hooks.requested(exchange);
    this.#dispatcher.run(exchange);
  }

  /** The same for those who trace or count. */
  #observed(base: number, target: Target, plan: Plan, first: Step): void {
    const { events } = this.#rings;
    const meter = this.#meter;
    const flags = events[base + EVENT_FLAGS]!;
    const listener = events[base + EVENT_LISTENER]!;
    const method = METHODS[events[base + EVENT_METHOD]!]!;
    if (meter !== null) meter.begin(method, listener);
    const isBare = first.kind === "handler" && first.isBare && (flags & FLAG_HAS_BODY) === 0;
    if (meter === null || this.#tracing.isOn || !isBare) {
      this.#runWhole(base, target, plan, first);
      return;
    }
    const parts = this.#runBare(base, target, plan, first);
    if (parts === null) return; // it has become an exchange, which is counted at its end
    const sent = Buffer.byteLength(parts.body as string);
    meter.end(method, listener, flags, this.#startedAt, first.route, parts.status, 0, sent);
  }

  /**
   * A handler that takes nothing: no Request unless something unusual happens. Its answer, a text
   * that has been sent; null if it takes an Exchange.
   */
  #runBare(
    base: number,
    target: Target,
    plan: Plan,
    step: HandlerStep,
  ): ResponseParts | null {
    const { events } = this.#rings;
    let result: unknown;
    this.#entered[0] = step.mark;
    try {
      const handler = step.handler as () => unknown;
      result = this.#isolation.isOn ? this.#isolation.run(handler) : handler();
    } catch (error) {
      this.#dispatcher.fail(this.#keptExchange(base, target, plan, step), error);
      return null;
    }
    if (isLightResponse(result)) {
      const parts = responseParts(result);
      const answered = this.#answers.tryText(
        events[base + EVENT_SLOT]!,
        events[base + EVENT_GENERATION]!,
        events[base + EVENT_SEQUENCE]!,
        events[base + EVENT_FLAGS]!,
        parts,
      );
      if (answered) return parts;
    }
    this.#dispatcher.settle(this.#keptExchange(base, target, plan, step), result);
    return null;
  }

  /** One that may be without an answer when the batch is over. */
  #keptExchange(base: number, target: Target, plan: Plan, first: Step): Exchange {
    const exchange = this.#exchange(base, target, plan, first);
    this.#recent.push(exchange);
    return exchange;
  }

  #exchange(base: number, target: Target, plan: Plan, first: Step): Exchange {
    const { events, eventNumbers, control } = this.#rings;
    control[CTL_SLAB_HELD] = 1;
    const exchange = new Exchange(
      this.#host, this.#slab, events, eventNumbers, base, target, plan, first,
    );
    if ((exchange.flags & (FLAG_HAS_BODY | FLAG_BODY_COMPLETE)) === FLAG_HAS_BODY) {
      this.#connections.of(exchange.slot, exchange.generation).reading = exchange;
    }
    exchange.startedAt = this.#startedAt;
    return exchange;
  }
}
