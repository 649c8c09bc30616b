/** What native has answered by itself is taken over once. */
import t from "tap";
import type { Handle, Native } from "../../src/native.ts";
import { FLAG_HTTP10 } from "../../src/shared/layout.ts";
import type { Meter } from "../../src/worker/meter.ts";
import { NativeCounts } from "../../src/worker/native-counts.ts";
import { startApp } from "../support/server.ts";

t.test("only what has come since the last time is added", async (t) => {
  const added: unknown[] = [];
  const counted = [0, 0, 0, 0];
  const native = {
    engineCounts: (_: Handle, into: Float64Array) => into.set(counted, into.length - 4),
  } as unknown as Native;
  const meter = { addNative: (...rest: unknown[]) => added.push(rest) } as unknown as Meter;
  const counts = new NativeCounts(native, {} as Handle, meter);
  const given = [{ route: "/a", status: 200, bodyBytes: 5 }];
  counts.take(given);
  t.same(added.splice(0), []);
  counted.splice(0, 4, 3, 1, 2, 0);
  counts.take(given);
  t.same(added.splice(0), [
    ["/a", "GET", 200, 0, 3, 5],
    ["/a", "GET", 200, FLAG_HTTP10, 1, 5],
    ["/a", "HEAD", 200, 0, 2, 0],
  ]);
  counts.take(given);
  t.same(added, []);
});

t.test("a response of two routes is counted for each", async (t) => {
  const source = `
    const same = new Response("same");
    export default { routes: { "/a": same, "/b": same, "/c/:id": same } };
  `;
  const { url, server } = await startApp(t, source, { metrics: true });
  for (const path of ["/a", "/a", "/a", "/b", "/b", "/c/1", "/c/1", "/c/2"]) {
    t.equal(await (await fetch(url + path)).text(), "same");
  }
  const { text } = await server.metrics();
  const line = (route: string): string => `_duration_seconds_count{[^}]*http_route="${route}"`;
  const count = (route: string): string | undefined =>
    new RegExp(`${line(route).replace("{", "\\{")}[^}]*\\} (\\d+)`).exec(text)?.[1];
  t.same([count("/a"), count("/b"), count("/c/:id")], ["3", "2", "3"]);
});
