/** How the tables of several workers become one, and stay when they have gone. */
import t from "tap";
import type { Metric } from "../../src/shared/metrics.ts";
import { OVERFLOW_KEY, packKey, ROW_DURATION, ROW_KEY, rowAt } from "../../src/shared/series.ts";
import { HttpSeries } from "../../src/primary/http-series.ts";
import type { WorkerChannel } from "../../src/primary/worker-channel.ts";

/** All that HttpSeries reads of a channel. */
function worker(routes: string[]): WorkerChannel {
  return { routes } as unknown as WorkerChannel;
}

/** Adds one request of half a second; the first row is the overflow. */
function put(series: HttpSeries, channel: WorkerChannel, index: number, key: number): void {
  const table = new Float64Array(series.tableOf(channel));
  table[rowAt(0) + ROW_KEY] = OVERFLOW_KEY;
  table[rowAt(index) + ROW_KEY] = key;
  table[rowAt(index) + ROW_DURATION]! += 0.5;
  table[rowAt(index) + ROW_DURATION + 1 + 7]!++; // up to 0.5
}

function counts([duration]: Metric[]): Record<string, number> {
  const found = duration!.values.filter(({ metricName }) => metricName?.endsWith("_count"));
  return Object.fromEntries(found.map(({ labels, value }) => [
    Object.values(labels).join(" "), value,
  ]));
}

t.test("rows of the same attributes are added up, whatever the place of a route", async (t) => {
  const series = new HttpSeries();
  const [one, two] = [worker(["/a", "/b"]), worker(["/b", "/a"])];
  put(series, one, 1, packKey(0, 1, 200, false, false));
  put(series, two, 1, packKey(1, 1, 200, false, false));
  put(series, two, 2, packKey(0, 1, 503, true, true));
  put(series, two, 3, packKey(-1, 0, 0, false, false));
  t.same(counts(series.read()), {
    "GET 200 /a http 1.1": 2,
    "GET 503 /b https 1.0 503": 1,
    "_OTHER http 1.1 aborted": 1,
  });
  const bucket = (le: number | string): number | undefined => series.read()[0]!.values
    .find(({ labels }) => labels["http_route"] === "/a" && labels["le"] === le)?.value;
  t.same([bucket(0.25), bucket(0.5), bucket(10), bucket("+Inf")], [0, 2, 2, 2], "cumulative");
});

t.test("what a worker has counted stays when it has gone, its work does not", async (t) => {
  const series = new HttpSeries();
  const [one, two] = [worker(["/a"]), worker(["/a"])];
  const key = packKey(0, 1, 200, false, false);
  put(series, one, 1, key);
  new Float64Array(series.tableOf(one))[1] = 3;
  const active = (): number | undefined => series.read()[3]!.values[0]?.value;
  t.equal(active(), 3);
  series.gone(one);
  t.equal(active(), 0);
  t.same(counts(series.read()), { "GET 200 /a http 1.1": 1 });
  put(series, two, 1, key);
  t.same(counts(series.read()), { "GET 200 /a http 1.1": 2 });
  series.gone(worker([]));
  t.same(counts(series.read()), { "GET 200 /a http 1.1": 2 }, "reading changes nothing");
});

t.test("routes that each worker makes up anew end in one series", async (t) => {
  const series = new HttpSeries();
  for (let i = 0; i < 9; i++) {
    const channel = worker(Array.from({ length: 500 }, (_, index) => `/${i}/${index}`));
    for (let index = 0; index < 500; index++) {
      put(series, channel, index + 1, packKey(index, 1, 200, false, false));
    }
    series.gone(channel);
  }
  const all = counts(series.read());
  t.ok(Object.keys(all).length <= 4097);
  t.ok(all["true"]! >= 400, "with the attribute otel.metric.overflow");
  t.equal(Object.values(all).reduce((sum, each) => sum + each), 4500);
});
