/** What is taken of an app's registry. */
import t from "tap";
import { toMetric } from "../../src/shared/metrics.ts";

const GOOD = {
  name: "orders_total", help: "Orders.", type: "counter", aggregator: "sum",
  values: [{ value: 1, labels: { kind: "tea", le: 0.5 } }],
};

t.test("a metric of prom-client is taken as it is", async (t) => {
  t.same(toMetric(GOOD), GOOD);
  t.equal(toMetric({ ...GOOD, aggregator: undefined })?.aggregator, "sum");
  t.equal(toMetric({ ...GOOD, help: 7 })?.help, "");
});

t.test("what is none is left out", async (t) => {
  for (const wrong of [
    undefined, null, 7, {}, { ...GOOD, name: "a b" }, { ...GOOD, name: 1 },
    { ...GOOD, type: "untyped" }, { ...GOOD, values: {} }, { ...GOOD, aggregator: "median" },
  ]) {
    t.equal(toMetric(wrong), undefined, JSON.stringify(wrong));
  }
});

t.test("values and labels become what can be sent and written", async (t) => {
  const values = [
    null,
    { value: "1", labels: {} },
    { value: Number.NaN, labels: { ok: Symbol("why"), "not ok": 1 }, metricName: "a\nb" },
    { value: 2 },
  ];
  t.same(toMetric({ ...GOOD, values })?.values, [
    { value: Number.NaN, labels: { ok: "Symbol(why)" } },
    { value: 2, labels: {} },
  ]);
});
