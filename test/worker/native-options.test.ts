/** What native is told of an engine and its listeners. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import type { WorkerOptions } from "../../src/shared/messages.ts";
import { nativeListener, nativeOptions } from "../../src/worker/native-options.ts";
import { RouteTables } from "../../src/worker/route-tables.ts";
import { DEFAULT_SETTINGS } from "../support/default-settings.ts";

const fetch = (): Response => new Response("x");
const tableOf = (app: App) => new RouteTables(app, []).server;

t.test("what no app asks for costs nothing: each hook turns on its own events", async (t) => {
  const options = { drainQuietMs: 5, memoryBytesMax: 6, inFlightMax: 7 } as WorkerOptions;
  const asked = (...apps: App[]): unknown => {
    const { tellsDone, reportsRefusals } = nativeOptions(options, apps, [null]);
    return { tellsDone, reportsRefusals };
  };
  t.match(nativeOptions(options, [{ fetch }], []), { ...options });
  t.same(asked({ fetch }), { tellsDone: false, reportsRefusals: false });
  t.same(asked({ fetch }, { onRequest() {} }), { tellsDone: true, reportsRefusals: false });
  t.same(asked({ onResponse() {} }), { tellsDone: true, reportsRefusals: false });
  t.same(asked({ fetch }, { onClientError() {} }), { tellsDone: false, reportsRefusals: true });
});

t.test("a listener with debug has paths of its own, and tells of refusals", async (t) => {
  const settings = { ...DEFAULT_SETTINGS, debug: { requestBody: false } };
  const table = tableOf({ fetch });
  const { routes } = nativeListener(DEFAULT_SETTINGS, table);
  t.not(nativeListener(settings, table).routes, routes);
  const facts = { id: "a", name: "a", data: null, isTls: false, settings };
  const options = { drainQuietMs: 5, memoryBytesMax: 6, inFlightMax: 7 } as WorkerOptions;
  t.match(nativeOptions(options, [{ fetch }], [null, facts]), {
    tellsDone: false, reportsRefusals: true,
  });
});

t.test("a declared length is refused only if no handler of the table allows it", async (t) => {
  const settings = { ...DEFAULT_SETTINGS, bodyBytesMax: 10, bodyStreamBytesMax: 20 };
  const most = (app: App): number => (
    nativeListener(settings, tableOf(app)).declaredBodyBytesMax
  );
  t.equal(most({ fetch }), 20);
  t.equal(most({ routes: { "/a": { handle: fetch, bodyBytesMax: 50 } } }), 50);
  t.equal(most({ routes: { "/a": { handle: fetch, bodyStreamBytesMax: 0 } } }), 0);
});

t.test("methods are bits, addresses and default headers texts", async (t) => {
  const made = nativeListener(
    {
      ...DEFAULT_SETTINGS,
      methods: ["DELETE", "HEAD"],
      trustProxy: 2,
      trustedProxies: ["10.0.0.0/8", "::1"],
      headers: { "x-a": "caf\u00e9" },
    },
    tableOf({ fetch }),
  );
  t.match(made, { methodBits: 0b101, trustProxy: "2", trustedProxies: "10.0.0.0/8,::1" });
  t.match(made.defaultLines.toString("latin1"), "x-a: caf\u00e9\r\n");
});
