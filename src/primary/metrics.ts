/**
 * `server.metrics()`: what the primary can read by itself, and what the apps of the workers have
 * registered, which their threads are asked for. A worker that does not answer in time is named,
 * and what it said last stands for it. Thread: the primary's.
 */
import type { MetricsReport, Stats } from "../shared/app.ts";
import type { Metric } from "../shared/metrics.ts";
import { HttpSeries } from "./http-series.ts";
import { counter, gauge, processMetrics, serverMetrics } from "./process-metrics.ts";
import { within } from "./within.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** What the metrics are read from. */
export interface MetricsHost {
  channels(): Iterable<WorkerChannel>;
  stats(): Stats;
}

/** What a worker's app has registered cannot fall when the worker dies or is late. */
const MONOTONE: ReadonlySet<string> = new Set(["counter", "histogram"]);

const HAS_APP: ReadonlySet<string> = new Set(["serving", "draining"]);

export class Metrics {
  #http: HttpSeries | null;
  readonly #host: MetricsHost;
  readonly #timeoutMs: number;
  readonly #last = new Map<WorkerChannel, readonly Metric[]>();
  /** Counters of apps whose workers have gone. */
  readonly #retired: (readonly Metric[])[] = [];
  #collecting: Promise<MetricsReport> | null = null;
  #starts = 0;
  #exits = 0;

  constructor(host: MetricsHost, isOn: boolean, timeoutMs: number) {
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#http = isOn ? new HttpSeries() : null;
  }

  /** Null while nobody has asked for metrics of requests. */
  get http(): HttpSeries | null {
    return this.#http;
  }

  /** From now on requests are counted. Workers hear of it before anything that is sent later. */
  turnOn(): void {
    if (this.#http !== null) return;
    this.#http = new HttpSeries();
    for (const channel of this.#host.channels()) {
      void channel.send({ type: "count", series: this.#http.tableOf(channel) });
    }
  }

  spawned(): void {
    this.#starts++;
  }

  /** A thread has ended; `isExpected`: the server is closing. */
  gone(channel: WorkerChannel, isExpected: boolean): void {
    if (!isExpected) this.#exits++;
    this.http?.gone(channel);
    const last = this.#last.get(channel);
    this.#last.delete(channel);
    if (last === undefined) return;
    this.#retired.push(last.filter(({ type }) => MONOTONE.has(type)));
  }

  /** One collection at a time: who asks meanwhile gets the same one. */
  collect(): Promise<MetricsReport> {
    return (this.#collecting ??= this.#collect().finally(() => (this.#collecting = null)));
  }

  async #collect(): Promise<MetricsReport> {
    // Not at start: only who asks for metrics pays for loading it.
    const { AggregatorRegistry } = await import("prom-client");
    const channels = [...this.#host.channels()].filter(({ state }) => HAS_APP.has(state));
    const late = await this.#ask(channels);
    const own = [
      ...(this.http?.read() ?? []),
      ...serverMetrics(this.#host.stats()),
      ...await processMetrics(),
      ...this.#workerMetrics(channels, late),
    ];
    const names = new Set(own.map(({ name }) => name));
    const join = (all: readonly (readonly Metric[])[]): ReturnType<typeof aggregate> =>
      aggregate(AggregatorRegistry, all);
    if (this.#retired.length > 1) {
      const together = join(this.#retired.splice(0));
      this.#retired.unshift((await together.getMetricsAsJSON()) as unknown as Metric[]);
    }
    const apps = [...this.#retired, ...this.#last.values()].map((metrics) =>
      // Names of ours are taken: each worker would say what is the process's once more.
      metrics.filter(({ name }) => !names.has(name)));
    const registry = join([own, ...apps]);
    return {
      text: await registry.metrics(),
      contentType: registry.contentType,
      metrics: (await registry.getMetricsAsJSON()) as unknown as Metric[],
      late: late.map(({ id }) => id),
    };
  }

  /** Those that did not answer in time. */
  async #ask(channels: readonly WorkerChannel[]): Promise<WorkerChannel[]> {
    const late = new Set(channels);
    const answers = channels.map(async (channel) => {
      const metrics = await channel.metrics();
      if (metrics === null) return;
      late.delete(channel);
      if (channel.state !== "dead") this.#last.set(channel, metrics);
    });
    await within(Promise.all(answers), this.#timeoutMs, null);
    return [...late].filter(({ state }) => state !== "dead");
  }

  #workerMetrics(channels: readonly WorkerChannel[], late: readonly WorkerChannel[]): Metric[] {
    const answering = channels.map((channel) => (
      { value: late.includes(channel) ? 0 : 1, labels: { worker: String(channel.id) } }
    ));
    return [
      gauge("millrace_worker_answering", "0: it gave no metrics within the time.", answering),
      counter("millrace_worker_starts_total", "Workers that were started.", this.#starts),
      counter("millrace_worker_exits_total", "Workers that died unexpectedly.", this.#exits),
    ];
  }
}

type Aggregator = (typeof import("prom-client"))["AggregatorRegistry"];

function aggregate(
  registry: Aggregator,
  all: readonly (readonly Metric[])[],
): ReturnType<Aggregator["aggregate"]> {
  return registry.aggregate(all as unknown as object[]);
}
