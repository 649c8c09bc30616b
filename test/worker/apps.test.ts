/** When an app of a worker is loaded, initialised and closed. */
import t from "tap";
import type { App, Log, ServerControl } from "../../src/shared/app.ts";
import { Apps } from "../../src/worker/apps.ts";
import { MetricSources } from "../../src/worker/metric-sources.ts";
import { writeApp } from "../support/server.ts";

const REGISTRY = { getMetricsAsJSON: async () => [] };

function make(background: () => Promise<void> = async () => {}) {
  const closed: App[] = [];
  const apps = new Apps();
  const sources = new MetricSources({} as Log);
  apps.attach({
    workerId: 1,
    generation: 1,
    server: {} as ServerControl,
    log: {} as Log,
    sources,
    background,
    closeApp: async (app) => void closed.push(app),
  });
  return { apps, closed, sources };
}

const source = (value: unknown) => ({ kind: "value", value }) as const;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("one load and one init for all, closed behind the last", async (t) => {
  const { apps, closed } = make();
  let inits = 0;
  let signal: AbortSignal | undefined;
  const value = {
    fetch: () => new Response(),
    init(worker: { signal: AbortSignal }) {
      inits++;
      ({ signal } = worker);
    },
  };
  const [one, two] = await Promise.all([apps.load(0, source(value)), apps.load(3, source(value))]);
  t.equal(one, two);
  await Promise.all([apps.init(one), apps.init(two)]);
  t.equal(inits, 1);
  apps.release(3, one);
  await turn();
  t.strictSame([closed.length, signal?.aborted], [0, false]);
  apps.release(0, one);
  t.equal(signal?.aborted, true, "before it is closed");
  const again = apps.load(1, source(value)).then((app) => [app, closed.length]);
  t.strictSame((await again)[1], 1, "waits until the one before it has closed");
  await apps.init((await again)[0] as App);
  t.equal(inits, 2);
  await apps.close();
  t.equal(closed.length, 2);
});

t.test("what cannot be loaded can be tried again", async (t) => {
  const { apps, closed } = make();
  const code = "ERR_MILLRACE_APP_LOAD";
  const missing = { kind: "module", href: `file://${writeApp(t, "throw 1;")}.gone` } as const;
  await t.rejects(apps.load(1, missing), { code });
  await t.rejects(apps.load(1, missing), { code });
  await apps.close();
  t.equal(closed.length, 0);
});

t.test("one whose init fails, or has not ended, is not closed", async (t) => {
  const { apps, closed } = make();
  const failing = await apps.load(0, source({ routes: {}, init() { throw new Error("no"); } }));
  const code = "ERR_MILLRACE_INIT_FAILED";
  await t.rejects(apps.init(failing), { code, message: /no/ });
  await t.rejects(apps.init(failing), { code }, "the same again");
  const endless = await apps.load(1, source({ routes: {}, init: () => new Promise(() => {}) }));
  void apps.init(endless);
  apps.release(1, endless);
  await apps.close();
  t.equal(closed.length, 0);
});

t.test("what was begun for requests ends before, and its metrics go", async (t) => {
  let settle!: () => void;
  const { apps, closed, sources } = make(() => new Promise((resolve) => (settle = resolve)));
  let collected = 0;
  const registry = {
    ...REGISTRY,
    async getMetricsAsJSON() {
      collected++;
      return [];
    },
  };
  const app = await apps.load(1, source({
    routes: {},
    init: ({ registerMetrics }: { registerMetrics(each: object): void }) =>
      registerMetrics(registry),
  }));
  await apps.init(app);
  await sources.collect();
  t.equal(collected, 1);
  apps.release(1, app);
  await turn();
  t.equal(closed.length, 0);
  settle();
  await turn();
  t.equal(closed.length, 1);
  await sources.collect();
  t.equal(collected, 1);
});
