/** Routes of the server's own that have a path in common. */
import t from "tap";
import { startApp } from "../support/server.ts";

t.test("one path can be the metrics of one listener and a probe of another", async (t) => {
  const source = "export default { fetch: () => new Response('the app') };";
  const { server } = await startApp(t, source, {
    listeners: [
      { id: "a", host: "127.0.0.1", port: 0, metricsPath: "/status" },
      { id: "b", host: "127.0.0.1", port: 0, livenessPath: "/status" },
      { id: "c", host: "127.0.0.1", port: 0 },
    ],
  });
  const urls = server.listeners.map(({ url }) => new URL("/status", url).href);
  t.match(await (await fetch(urls[0]!)).text(), /^# HELP/);
  t.equal(await (await fetch(urls[1]!)).text(), "live");
  t.equal((await fetch(urls[1]!, { method: "PUT" })).status, 405);
  t.equal(await (await fetch(urls[2]!)).text(), "the app");
});
