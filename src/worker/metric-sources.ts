/**
 * What an app has registered for `server.metrics()`: registries of prom-client, of whatever version
 * and copy, that are read when the primary asks. Thread: the worker's.
 */
import type { Log, MetricsRegistry } from "../shared/app.ts";
import { type Metric, toMetric } from "../shared/metrics.ts";

export class MetricSources {
  readonly #registries = new Set<MetricsRegistry>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add(registry: MetricsRegistry): void {
    if (typeof (registry as Partial<MetricsRegistry> | null)?.getMetricsAsJSON !== "function") {
      throw new TypeError("registerMetrics: the first argument has no getMetricsAsJSON()");
    }
    this.#registries.add(registry);
  }

  remove(registry: MetricsRegistry): void {
    this.#registries.delete(registry);
  }

  /** Null if one of them failed: a part would look as if counters had fallen. */
  async collect(): Promise<readonly Metric[] | null> {
    const all: Metric[] = [];
    try {
      for (const registry of this.#registries) {
        const given = await registry.getMetricsAsJSON();
        if (!Array.isArray(given)) throw new TypeError("getMetricsAsJSON() gave no array");
        for (const each of given) {
          const metric = toMetric(each);
          if (metric !== undefined) all.push(metric);
        }
      }
    } catch (error) {
      this.#log.error({ err: error }, "the app's metrics could not be collected");
      return null;
    }
    return all;
  }
}
