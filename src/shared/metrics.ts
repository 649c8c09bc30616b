/**
 * Metrics as they cross threads and as `server.metrics()` hands them out: the JSON form of
 * prom-client. Pure, both threads.
 */

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of histograms and summaries: with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly values: readonly MetricValue[];
  /** How the values of several workers become one; as in prom-client. */
  readonly aggregator: "sum" | "first" | "min" | "max" | "average" | "omit";
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const TYPES: ReadonlySet<unknown> = new Set(["counter", "gauge", "histogram", "summary"]);
const AGGREGATORS: ReadonlySet<unknown> =
  new Set(["sum", "first", "min", "max", "average", "omit"]);

/**
 * What an app's registry gave, as far as it is a metric: nothing that an app hands over may make
 * the others unreadable. `undefined` for anything else.
 */
export function toMetric(given: unknown): Metric | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { name, help, type, values, aggregator = "sum" } = given as Record<string, unknown>;
  if (typeof name !== "string" || !NAME.test(name) || !TYPES.has(type)) return undefined;
  if (!Array.isArray(values) || !AGGREGATORS.has(aggregator)) return undefined;
  const kept = values.map(toValue).filter((value) => value !== undefined);
  const text = typeof help === "string" ? help : "";
  return { name, help: text, type, values: kept, aggregator } as Metric;
}

function toValue(given: unknown): MetricValue | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { value, labels, metricName } = given as Record<string, unknown>;
  if (typeof value !== "number") return undefined;
  const plain: Record<string, string | number> = {};
  for (const [name, label] of Object.entries(labels ?? {})) {
    if (NAME.test(name)) plain[name] = typeof label === "number" ? label : String(label);
  }
  return {
    value,
    labels: plain,
    ...(typeof metricName === "string" && NAME.test(metricName) && { metricName }),
  };
}
