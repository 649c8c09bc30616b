/** What an app registers, and what becomes of registries that fail. */
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import { MetricSources } from "../../src/worker/metric-sources.ts";

function open() {
  const errors: unknown[] = [];
  const log = { error: (...rest: unknown[]) => errors.push(rest) } as unknown as Log;
  return { sources: new MetricSources(log), errors };
}

const metric = (name: string): object => (
  { name, help: "", type: "gauge", aggregator: "sum", values: [{ value: 1, labels: {} }] }
);

t.test("all registries are read, each once, in time or later", async (t) => {
  const { sources, errors } = open();
  const later = { getMetricsAsJSON: () => Promise.resolve([metric("b"), "no metric"]) };
  sources.add({ getMetricsAsJSON: () => [metric("a")] });
  sources.add(later);
  sources.add(later);
  const all = await sources.collect();
  t.same(all?.map(({ name }) => name), ["a", "b"]);
  t.same(errors, []);
});

t.test("one that fails is logged, and nothing is told", async (t) => {
  for (const getMetricsAsJSON of [
    () => {
      throw new Error("why");
    },
    () => Promise.reject(new Error("why")),
    () => "no array",
  ]) {
    const { sources, errors } = open();
    sources.add({ getMetricsAsJSON: () => [metric("a")] });
    sources.add({ getMetricsAsJSON });
    t.equal(await sources.collect(), null);
    t.equal(errors.length, 1);
  }
});

t.test("only a registry can be registered", async (t) => {
  const { sources } = open();
  for (const wrong of [undefined, null, {}, { getMetricsAsJSON: 1 }]) {
    t.throws(() => sources.add(wrong as never), TypeError);
  }
});
