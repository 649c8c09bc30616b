/** Tests of rate limits, over real connections to several workers. */
import t from "tap";
import { rateLimit, type RateLimitOptions } from "../../src/handlers/rate-limit.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/rate-limit.js", import.meta.url).href;
const HOUR_MS = 3_600_000;

const APP = `
  import { threadId } from "node:worker_threads";
  import { rateLimit } from ${JSON.stringify(MODULE)};
  const windowMs = ${HOUR_MS};
  const key = (request) => request.headers.get("x-key");
  const limit = 10;
  const shown = () => new Response(String(threadId));
  export default {
    routes: {
      "/address": rateLimit({ limit, windowMs, name: "address" }, shown),
      "/key": rateLimit({ limit: 2, windowMs, name: "key", key }, shown),
      "/same": rateLimit({ limit: 2, windowMs, name: "key", key }, shown),
      "/cost": rateLimit({ limit, windowMs, name: "cost", cost: (request) =>
        Number(request.headers.get("x-cost")) }, shown),
      "/own": rateLimit({ limit: 1, windowMs, name: "own", fields: false, limited:
        (request, context, seconds) => new Response("later: " + (seconds > 3500), { status: 503 }),
      }, shown),
      "/text": rateLimit({ limit: 1, windowMs, name: "text", limited: () => "later" }, shown),
      "/next": rateLimit({ limit: 1, windowMs, name: "next", key: (request) => "k" }),
    },
    fetch: () => "behind",
    error: (error) => new Response(error.message, { status: 500 }),
  };
`;

t.test("all workers count together: exactly the limit is served", async (t) => {
  const { url } = await startApp(t, APP, { workers: 2, balance: "round-robin" });
  const ask = async (): Promise<{ status: number; text: string; headers: Headers }> => {
    const answer = await fetch(`${url}/address`, { headers: { connection: "close" } });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  const first = [await ask(), await ask(), await ask(), await ask()];
  t.equal(new Set(first.map(({ text }) => text)).size, 2, "by both workers");
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask()));
  t.equal(answers.filter(({ status }) => status === 200).length, 10 - first.length);
  const refused = answers.find(({ status }) => status === 429)!;
  t.equal(refused.text, "Too many requests\n");
  const after = Number(refused.headers.get("retry-after"));
  t.ok(after > 300 && after <= 360, `Retry-After: ${after}`);
  t.equal(refused.headers.get("ratelimit-policy"), '"address";q=10;w=3600');
  t.match(refused.headers.get("ratelimit"), /^"address";r=0;t=3[56]\d\d$/);
});

t.test("keys, costs, answers of one's own, handlers behind", async (t) => {
  const { connect } = await startApp(t, APP);
  const client = await connect();
  const ask = async (path: string, fields = ""): Promise<unknown[]> => {
    const answer = await client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    const left = /r=(\d+)/.exec(answer.header("ratelimit") ?? "")?.[1];
    return [answer.status, left, answer.header("retry-after") !== undefined];
  };
  t.strictSame(await ask("/key", "X-Key: a\r\n"), [200, "1", false]);
  t.strictSame(await ask("/same", "X-Key: a\r\n"), [200, "0", false], "one name, one bucket");
  t.strictSame(await ask("/key", "X-Key: a\r\n"), [429, "0", true]);
  t.strictSame(await ask("/key", "X-Key: b\r\n"), [200, "1", false]);
  t.strictSame(await ask("/key"), [200, undefined, false], "no key, no limit");
  t.strictSame(await ask("/cost", "X-Cost: 7\r\n"), [200, "3", false]);
  t.strictSame(await ask("/cost", "X-Cost: 4\r\n"), [429, "3", true]);
  t.strictSame(await ask("/cost", "X-Cost: 3\r\n"), [200, "0", false]);
  t.strictSame(await ask("/cost", "X-Cost: 11\r\n"), [500, undefined, false]);
  t.strictSame(await ask("/own"), [200, undefined, false]);
  t.strictSame(await ask("/own"), [503, undefined, false]);
  t.strictSame(await ask("/text"), [200, "0", false]);
  t.strictSame(await ask("/text"), [429, "0", true]);
  t.strictSame(await ask("/next"), [200, "0", false]);
  t.strictSame(await ask("/next"), [429, "0", true]);
});

t.test("what is wrong with options is said when the app is loaded", (t) => {
  const wrong: unknown[] = [
    {}, { limit: 0 }, { limit: 1.5 }, { limit: 1, windowMs: 0 }, { limit: 1, burst: 0 },
    { limit: 1, keysMax: 0 }, { limit: 1, keysMax: 1e9 }, { limit: 1, ipv6PrefixBits: 129 },
    { limit: 2000, windowMs: 1 }, { limit: 1, name: 'a"b' }, { limit: 1, name: "" },
    { limit: 1, key: "a" }, { limit: 1, cost: 2 }, { limit: 1, limited: "later" },
    { limit: 1, cost: async () => 1 }, { limit: 1, fields: "false" }, { limit: NaN },
    { limit: "5" },
  ];
  for (const options of wrong) {
    t.throws(() => rateLimit(options as RateLimitOptions), TypeError, JSON.stringify(options));
  }
  t.end();
});
