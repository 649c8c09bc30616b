/**
 * The HTTP metrics of all workers: reads their tables of shared memory and adds them up. What a
 * worker has counted stays when it has gone, so that no counter ever falls. Thread: the primary's.
 */
import type { Metric, MetricValue } from "../shared/metrics.ts";
import {
  ACTIVE_WORDS,
  DURATION_BOUNDS,
  KNOWN_METHODS,
  makeTable,
  OVERFLOW_KEY,
  ROW_DURATION,
  ROW_KEY,
  ROW_REQUEST_SIZE,
  ROW_RESPONSE_SIZE,
  ROW_WORDS,
  rowAt,
  SERIES_MAX,
  SIZE_BOUNDS,
  unpackKey,
} from "../shared/series.ts";
import type { WorkerChannel } from "./worker-channel.ts";

type Labels = Record<string, string>;

/** The sums of the rows that have the same attributes. */
interface Series {
  readonly labels: Labels;
  readonly words: Float64Array;
}

const OVERFLOW: Labels = { otel_metric_overflow: "true" };

export class HttpSeries {
  readonly #tables = new Map<WorkerChannel, SharedArrayBuffer>();
  /** Of workers that have gone. */
  readonly #retired = new Map<string, Series>();

  /** A worker's table; made when it is first asked for. */
  tableOf(channel: WorkerChannel): SharedArrayBuffer {
    let table = this.#tables.get(channel);
    if (table === undefined) this.#tables.set(channel, (table = makeTable()));
    return table;
  }

  /** Its thread has ended and counts no more. */
  gone(channel: WorkerChannel): void {
    const table = this.#tables.get(channel);
    this.#tables.delete(channel);
    if (table !== undefined) addRows(this.#retired, new Float64Array(table), channel.routes);
  }

  read(): Metric[] {
    const all = new Map<string, Series>();
    for (const [key, { labels, words }] of this.#retired) {
      all.set(key, { labels, words: words.slice() });
    }
    const active = new Float64Array(ACTIVE_WORDS);
    for (const [channel, shared] of this.#tables) {
      const table = new Float64Array(shared);
      addRows(all, table, channel.routes);
      for (let i = 0; i < ACTIVE_WORDS; i++) active[i]! += table[i]!;
    }
    const series = [...all.values()];
    return [
      histogram(
        "http_server_request_duration_seconds", "Duration of HTTP server requests.",
        series, ROW_DURATION, DURATION_BOUNDS,
      ),
      histogram(
        "http_server_request_body_size_bytes", "Size of HTTP server request bodies.",
        series, ROW_REQUEST_SIZE, SIZE_BOUNDS,
      ),
      histogram(
        "http_server_response_body_size_bytes", "Size of HTTP server response bodies.",
        series, ROW_RESPONSE_SIZE, SIZE_BOUNDS,
      ),
      activeRequests(active),
    ];
  }
}

function addRows(into: Map<string, Series>, table: Float64Array, routes: readonly string[]): void {
  for (let index = 0; index < SERIES_MAX; index++) {
    const at = rowAt(index);
    const key = table[at + ROW_KEY]!;
    if (key === 0) return; // rows are taken in order
    const labels = labelsOf(key, routes);
    let name = JSON.stringify(labels);
    // Routes that workers make up anew each time must not grow this without end.
    const isNew = !into.has(name);
    if (isNew && into.size >= SERIES_MAX) name = JSON.stringify(OVERFLOW);
    let series = into.get(name);
    if (series === undefined) {
      series = {
        labels: into.size >= SERIES_MAX ? OVERFLOW : labels,
        words: new Float64Array(ROW_WORDS),
      };
      into.set(name, series);
    }
    for (let word = 1; word < ROW_WORDS; word++) series.words[word]! += table[at + word]!;
  }
}

/** The attributes of the semantic conventions, as Prometheus writes their names. */
function labelsOf(key: number, routes: readonly string[]): Labels {
  if (key === OVERFLOW_KEY) return OVERFLOW;
  const { route, method, status, isHttp10, isTls } = unpackKey(key);
  const pattern = routes[route];
  return {
    http_request_method: KNOWN_METHODS[method] ?? "_OTHER",
    ...(status > 0 && { http_response_status_code: String(status) }),
    ...(pattern !== undefined && { http_route: pattern }),
    url_scheme: isTls ? "https" : "http",
    network_protocol_version: isHttp10 ? "1.0" : "1.1",
    ...(status === 0 && { error_type: "aborted" }),
    ...(status >= 500 && { error_type: String(status) }),
  };
}

function histogram(
  name: string,
  help: string,
  series: readonly Series[],
  at: number,
  bounds: readonly number[],
): Metric {
  const values: MetricValue[] = [];
  for (const { labels, words } of series) {
    let count = 0;
    const buckets: MetricValue[] = [];
    for (let bucket = 0; bucket <= bounds.length; bucket++) {
      count += words[at + 1 + bucket]!;
      const le = bounds[bucket] ?? "+Inf";
      buckets.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
    }
    if (count === 0) continue;
    values.push(
      ...buckets,
      { metricName: `${name}_sum`, labels, value: words[at]! },
      { metricName: `${name}_count`, labels, value: count },
    );
  }
  return { name, help, type: "histogram", values, aggregator: "sum" };
}

function activeRequests(active: Float64Array): Metric {
  const values: MetricValue[] = [];
  for (let i = 0; i < ACTIVE_WORDS; i++) {
    if (active[i] === 0 && i !== 1) continue; // GET is always there
    const http_request_method = KNOWN_METHODS[i % KNOWN_METHODS.length]!;
    const url_scheme = i < KNOWN_METHODS.length ? "http" : "https";
    values.push({ value: active[i]!, labels: { http_request_method, url_scheme } });
  }
  return {
    name: "http_server_active_requests",
    help: "Number of active HTTP server requests.",
    type: "gauge",
    values,
    aggregator: "sum",
  };
}
