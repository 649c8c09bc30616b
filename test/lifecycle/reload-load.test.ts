/** Test of reloads under full load. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { get } from "../support/lifecycle.ts";
import { startLoad } from "../support/load.ts";
import { startVersions, versionSource } from "../support/versions.ts";

t.test("20 reloads under full load: no request fails, no connection is made anew", async (t) => {
  const server = await startVersions(t, { workers: 2 });
  const load = startLoad(t, `${server.url}/`, 32);
  const served = (): number => server.server.stats().listeners[0]!.requests;
  await until("the load", () => served() > 1000);
  const early = await server.connect();
  const accepts = Number((await early.request(get("/id"))).body);
  for (let version = 2; version <= 21; version++) {
    server.write(versionSource(`v${version}`));
    t.strictSame(await server.server.reload(), { generation: version, workers: 2 });
    const before = served();
    await until("more requests", () => served() > before + 200);
  }
  const result = await load.stop();
  t.ok(result.requests > 5000, `${load.client}: ${result.requests} requests`);
  t.equal(result.failed, 0, "no request failed");
  const last = await server.connect();
  t.match(await last.request(get()), { status: 200, body: "v21" });
  t.equal((await last.request(get("/id"))).body, String(accepts + 1), "nobody else has connected");
  await until("the old ones to end", () => server.server.stats().workers.length === 2);
});
