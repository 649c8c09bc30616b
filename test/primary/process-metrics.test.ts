/** Metrics of the process and of what `stats()` says. */
import t from "tap";
import {
  counter, gauge, processMetrics, serverMetrics,
} from "../../src/primary/process-metrics.ts";

t.test("the process", async (t) => {
  const all = new Map((await processMetrics()).map((metric) => [metric.name, metric]));
  const value = (name: string): number => all.get(name)?.values[0]?.value ?? Number.NaN;
  t.ok(value("process_cpu_user_seconds_total") > 0);
  t.ok(value("process_cpu_system_seconds_total") >= 0);
  t.ok(value("process_resident_memory_bytes") > 1e6);
  t.ok(Math.abs(value("process_start_time_seconds") - Date.now() / 1000) < 3600);
  t.ok(value("process_open_fds") > 2);
  t.ok(value("process_max_fds") >= value("process_open_fds"));
  t.same(all.get("nodejs_version_info")?.values, [
    { value: 1, labels: { version: process.version } },
  ]);
});

t.test("workers and listeners, by id", async (t) => {
  const worker = {
    id: 3, threadId: 4, generation: 1, state: "stuck", route: "/a", connections: 5, requests: 6,
    bytesIn: 7, bytesOut: 8, rejected: 10, heldBytes: 11, inFlight: 12, utilisation: 0.5,
  } as const;
  const listener = {
    id: "web", connections: 1, requests: 2, bytesIn: 3, bytesOut: 4, refused: 5, rejected: 6,
    unannounced: 8,
    upgraded: 0,
  };
  const other = { ...worker, id: 9, state: "serving" } as const;
  const stats = { workers: [worker, other], listeners: [listener] };
  const all = serverMetrics(stats);
  const values = (name: string): unknown => all.find((metric) => metric.name === name)?.values;
  t.same(values("millrace_worker_stuck"), [
    { value: 1, labels: { worker: "3" } }, { value: 0, labels: { worker: "9" } },
  ]);
  t.match(values("nodejs_eventloop_utilization"), [{ value: 0.5 }, { value: 0.5 }]);
  t.match(values("millrace_worker_received_bytes_total"), [{ value: 7 }, { value: 7 }]);
  t.match(values("millrace_worker_held_bytes"), [{ value: 11 }, { value: 11 }]);
  t.match(values("millrace_listener_refused_connections_total"), [{ value: 5 }]);
  t.match(values("millrace_listener_unannounced_connections_total"), [{ value: 8 }]);
  t.match(values("millrace_listener_rejected_requests_total"), [{ value: 6 }]);
  t.same(values("millrace_listener_requests_total"), [{ value: 2, labels: { listener: "web" } }]);
});

t.test("single values", async (t) => {
  t.match(counter("a_total", "A.", 2), { type: "counter", values: [{ value: 2, labels: {} }] });
  t.match(gauge("b", "B.", []), { name: "b", help: "B.", type: "gauge", values: [] });
});
