/**
 * Metrics of the process and of the server that are read when somebody asks: names as prom-client
 * and OpenTelemetry have them where they have one. Thread: the primary's.
 */
import { readdir, readFile } from "node:fs/promises";
import type { ListenerStats, Stats, WorkerStats } from "../shared/app.ts";
import type { Metric, MetricValue } from "../shared/metrics.ts";

interface Row<T> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly read: (of: T) => number;
}

const PROCESS_ROWS: readonly Row<void>[] = [
  {
    name: "process_cpu_user_seconds_total",
    help: "User CPU time of the process, all threads.",
    type: "counter",
    read: () => process.cpuUsage().user / 1e6,
  },
  {
    name: "process_cpu_system_seconds_total",
    help: "System CPU time of the process, all threads.",
    type: "counter",
    read: () => process.cpuUsage().system / 1e6,
  },
  {
    name: "process_start_time_seconds",
    help: "Start of the process, as seconds since 1970.",
    type: "gauge",
    read: () => Math.round(performance.timeOrigin / 1000),
  },
  {
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    type: "gauge",
    read: () => process.memoryUsage.rss(),
  },
];

const WORKER_ROWS: readonly Row<WorkerStats>[] = [
  {
    name: "nodejs_eventloop_utilization",
    help: "Share of the time since the previous look that the worker's loop was busy.",
    type: "gauge",
    read: ({ utilisation }) => utilisation,
  },
  {
    name: "millrace_worker_stuck",
    help: "1 while the worker's loop has not turned for stuckMs.",
    type: "gauge",
    read: ({ state }) => (state === "stuck" ? 1 : 0),
  },
  {
    name: "millrace_worker_connections",
    help: "Open connections of the worker.",
    type: "gauge",
    read: ({ connections }) => connections,
  },
  {
    name: "millrace_worker_held_bytes",
    help: "Bytes that count against memoryBytesMax.",
    type: "gauge",
    read: ({ heldBytes }) => heldBytes,
  },
  {
    name: "millrace_worker_requests_total",
    help: "Requests that the worker has received.",
    type: "counter",
    read: ({ requests }) => requests,
  },
  {
    name: "millrace_worker_received_bytes_total",
    help: "Bytes that the worker has received.",
    type: "counter",
    read: ({ bytesIn }) => bytesIn,
  },
  {
    name: "millrace_worker_sent_bytes_total",
    help: "Bytes that the worker has sent.",
    type: "counter",
    read: ({ bytesOut }) => bytesOut,
  },
];

const LISTENER_ROWS: readonly Row<ListenerStats>[] = [
  {
    name: "millrace_listener_refused_connections_total",
    help: "Connections turned away with 503: connectionsMax, connectionsPerAddressMax.",
    type: "counter",
    read: ({ refused }) => refused,
  },
  {
    name: "millrace_listener_unannounced_connections_total",
    help: "Connections closed for want of a PROXY header or of trust in their peer.",
    type: "counter",
    read: ({ unannounced }) => unannounced,
  },
  {
    name: "millrace_listener_rejected_requests_total",
    help: "Requests answered with 503 before any handler: memoryBytesMax, inFlightMax.",
    type: "counter",
    read: ({ rejected }) => rejected,
  },
  {
    name: "millrace_listener_connections",
    help: "Open connections of the listener.",
    type: "gauge",
    read: ({ connections }) => connections,
  },
  {
    name: "millrace_listener_requests_total",
    help: "Requests that came through the listener.",
    type: "counter",
    read: ({ requests }) => requests,
  },
  {
    name: "millrace_listener_received_bytes_total",
    help: "Bytes that came through the listener.",
    type: "counter",
    read: ({ bytesIn }) => bytesIn,
  },
  {
    name: "millrace_listener_sent_bytes_total",
    help: "Bytes that left through the listener.",
    type: "counter",
    read: ({ bytesOut }) => bytesOut,
  },
];

export function serverMetrics({ workers, listeners }: Stats): Metric[] {
  return [
    ...metricsOf(WORKER_ROWS, workers, ({ id }) => ({ worker: String(id) })),
    ...metricsOf(LISTENER_ROWS, listeners, ({ id }) => ({ listener: id })),
  ];
}

export async function processMetrics(): Promise<Metric[]> {
  const fds = await readdir("/proc/self/fd");
  const limits = await readFile("/proc/self/limits", "utf8");
  const most = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return [
    ...metricsOf(PROCESS_ROWS, [undefined], () => ({})),
    gauge("process_open_fds", "Open file descriptors.", [{ value: fds.length, labels: {} }]),
    gauge("process_max_fds", "Most file descriptors that may be open.", [
      { value: most === undefined ? Number.POSITIVE_INFINITY : Number(most), labels: {} },
    ]),
    gauge("nodejs_version_info", "The version of Node.js.", [
      { value: 1, labels: { version: process.version } },
    ]),
  ];
}

export function gauge(name: string, help: string, values: readonly MetricValue[]): Metric {
  return { name, help, type: "gauge", values, aggregator: "sum" };
}

export function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: "counter", values: [{ value, labels: {} }], aggregator: "sum" };
}

function metricsOf<T>(
  rows: readonly Row<T>[],
  all: readonly T[],
  labelsOf: (of: T) => Record<string, string>,
): Metric[] {
  return rows.map(({ name, help, type, read }) => {
    const values = all.map((each) => ({ value: read(each), labels: labelsOf(each) }));
    return { name, help, type, values, aggregator: "sum" };
  });
}
