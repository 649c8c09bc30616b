/** `server.metrics()` and the `/metrics` route of a listener, over real servers and workers. */
import t from "tap";
import type { Metric, MetricsReport } from "../../src/index.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const APP = `
  import { setTimeout as sleep } from "node:timers/promises";
  import { Counter, Gauge, Registry } from "${import.meta.resolve("prom-client")}";
  const registry = new Registry();
  const orders = new Counter({
    name: "orders_total", help: "Orders.", labelNames: ["kind"], registers: [registry],
  });
  new Gauge({ name: "process_open_fds", help: "not the app's to say", registers: [registry] });
  let id;
  export default {
    init(worker) { id = worker.id; worker.registerMetrics(registry); },
    routes: {
      "/bare": () => new Response("hello"),
      "/users/:id": (request) => new Response("user " + request.params.id, { status: 201 }),
      "/constant": new Response("constant"),
      "/stream": () => new Response(async function* () { yield "a"; yield "bc"; }()),
      "/upload": async (request) => new Response(String((await request.bytes()).length)),
      "/fails": () => { throw new Error("broken"); },
      "/slow": async () => { await sleep(30); return "slow"; },
      "/order/:kind": (request) => { orders.inc(request.params); return String(id); },
      "/stuck": () => {
        const until = Date.now() + 1500;
        while (Date.now() < until);
        return "well again";
      },
      "/die": () => { process.exit(3); },
    },
  };
`;

type Labels = Record<string, string | number>;

/** The value of one line, -1 if there is none. */
function valueOf(report: MetricsReport, name: string, labels: Labels = {}): number {
  const wanted = Object.entries(labels);
  for (const metric of report.metrics) {
    for (const value of metric.values) {
      if ((value.metricName ?? metric.name) !== name) continue;
      if (wanted.every(([key, label]) => value.labels[key] === label)) return value.value;
    }
  }
  return -1;
}

function find({ metrics }: MetricsReport, name: string): Metric | undefined {
  return metrics.find((metric) => metric.name === name);
}

const DURATION = "http_server_request_duration_seconds";

async function get({ url }: TestServer, path: string, init?: RequestInit): Promise<string> {
  return await (await fetch(url + path, init)).text();
}

t.test("requests are counted by route, method, status, version", async (t) => {
  const started = await startApp(t, APP, { metrics: true, workers: 2 });
  const { server, connect } = started;
  for (let i = 0; i < 3; i++) await get(started, "/bare");
  await get(started, "/users/1");
  await get(started, "/users/2");
  for (let i = 0; i < 4; i++) await get(started, "/constant");
  await get(started, "/stream");
  await get(started, "/upload", { method: "PUT", body: "x".repeat(2000) });
  await get(started, "/fails");
  await get(started, "/slow");
  await get(started, "/nowhere");
  await get(started, "/bare", { method: "HEAD" });
  await get(started, "/bare", { method: "PROPFIND" });
  const client = await connect();
  t.equal((await client.request("GET /bare HTTP/1.0\r\n\r\n")).status, 200);
  const refused = await connect();
  t.equal((await refused.request("GET  / HTTP/1.1\r\n\r\n", "GET")).status, 400);

  const report = await server.metrics();
  t.same(report.late, []);
  const count = (labels: Labels): number => valueOf(report, `${DURATION}_count`, labels);
  t.equal(count({
    http_route: "/bare", http_request_method: "GET", http_response_status_code: "200",
    network_protocol_version: "1.1", url_scheme: "http",
  }), 3);
  t.equal(count({ http_route: "/bare", network_protocol_version: "1.0" }), 1);
  t.equal(count({ http_route: "/bare", http_request_method: "HEAD" }), 1);
  t.equal(count({ http_route: "/bare", http_request_method: "_OTHER" }), 1);
  t.equal(count({ http_route: "/users/:id", http_response_status_code: "201" }), 2);
  t.equal(count({ http_route: "/constant" }), 4, "also what native answers");
  t.equal(count({ http_route: "/fails", error_type: "500" }), 1);
  t.equal(count({ http_response_status_code: "404" }), 1);
  t.equal(count({ http_request_method: "_OTHER", http_response_status_code: "400" }), 1);
  const slow = valueOf(report, `${DURATION}_bucket`, { http_route: "/slow", le: 0.025 });
  t.equal(slow, 0, "30 ms are in no bucket of less");
  t.ok(valueOf(report, `${DURATION}_sum`, { http_route: "/slow" }) >= 0.03);
  t.equal(valueOf(report, `${DURATION}_bucket`, { http_route: "/slow", le: "+Inf" }), 1);
  const sent = (route: string): number =>
    valueOf(report, "http_server_response_body_size_bytes_sum", { http_route: route });
  t.equal(sent("/stream"), 3);
  t.equal(sent("/constant"), 32);
  t.equal(sent("/bare"), 15);
  const received = { http_route: "/upload" };
  t.equal(valueOf(report, "http_server_request_body_size_bytes_sum", received), 2000);
  t.match(report.contentType, /^text\/plain; version=0\.0\.4/);
  t.match(report.text, /^# TYPE http_server_request_duration_seconds histogram$/m);
  t.match(report.text, /^http_server_active_requests\{[^}]*"GET"[^}]*\} 0$/m);
  t.match(report.text, /^process_cpu_user_seconds_total [\d.]+$/m);
  t.ok(valueOf(report, "millrace_listener_requests_total", { listener: "default" }) >= 16);
});

t.test("without the option requests are not counted, the rest is there", async (t) => {
  const started = await startApp(t, APP);
  await get(started, "/bare");
  const report = await started.server.metrics();
  t.equal(find(report, DURATION), undefined);
  t.ok(valueOf(report, "process_resident_memory_bytes") > 1e6);
  t.equal(valueOf(report, "millrace_worker_starts_total"), 1);
  t.equal(valueOf(report, "millrace_worker_requests_total"), 1);
  const busy = valueOf(report, "nodejs_eventloop_utilization", { worker: "1" });
  t.ok(busy >= 0 && busy <= 1);
});

t.test("an app's own metrics are added up over its workers", async (t) => {
  const started = await startApp(t, APP, { workers: 2 });
  const ids = new Set<string>();
  let orders = 0;
  await until("an order in each worker", async () => {
    const clients = await Promise.all([started.connect(), started.connect()]);
    for (const client of clients) {
      const { body } = await client.request("GET /order/tea HTTP/1.1\r\nHost: a\r\n\r\n");
      ids.add(body);
      orders++;
    }
    return ids.size === 2;
  });
  const report = await started.server.metrics();
  t.equal(valueOf(report, "orders_total", { kind: "tea" }), orders);
  t.match(report.text, new RegExp(`^orders_total\\{kind="tea"\\} ${orders}$`, "m"));
  t.ok(valueOf(report, "process_open_fds") > 5, "names of the server's own are not the app's");
});

t.test("no counter falls when a worker dies", async (t) => {
  const started = await startApp(t, APP, { metrics: true });
  await get(started, "/order/tea");
  await get(started, "/bare");
  const before = await started.server.metrics();
  t.equal(valueOf(before, "orders_total"), 1);
  await t.rejects(get(started, "/die").then((text) => Promise.reject(new Error(text))));
  await until("another worker", async () =>
    started.server.stats().workers.some(({ id, state }) => id === 2 && state === "serving"));
  await get(started, "/order/tea");
  await get(started, "/bare");
  const after = await started.server.metrics();
  t.equal(valueOf(after, "orders_total"), 2);
  t.equal(valueOf(after, `${DURATION}_count`, { http_route: "/bare" }), 2);
  t.equal(valueOf(after, "millrace_worker_exits_total"), 1);
  t.equal(valueOf(after, "millrace_worker_starts_total"), 2);
  t.equal(valueOf(after, "http_server_active_requests"), 0);
});

t.test("a stuck worker is named, and what it said last stands for it", async (t) => {
  const started = await startApp(t, APP, { metrics: true, metricsTimeoutMs: 100, stuckMs: 250 });
  const { server } = started;
  await get(started, "/order/tea");
  t.equal(valueOf(await server.metrics(), "orders_total"), 1);
  const stuck = get(started, "/stuck");
  await until("a stuck worker", async () => server.stats().workers[0]?.state === "stuck");
  const report = await server.metrics();
  t.same(report.late, [1]);
  t.equal(valueOf(report, "millrace_worker_answering", { worker: "1" }), 0);
  t.equal(valueOf(report, "millrace_worker_stuck", { worker: "1" }), 1);
  t.equal(valueOf(report, "orders_total"), 1);
  t.equal(valueOf(report, "http_server_active_requests"), 1, "read without asking it");
  t.equal(await stuck, "well again");
  await until("its answer", async () => (await server.metrics()).late.length === 0);
});
