/** The id of a request, and its place in the application log. */
import { spawnSync } from "node:child_process";
import t from "tap";
import { RequestNames } from "../../src/worker/request-identity.ts";
import { cleanEnv, repositoryFile } from "../support/environment.ts";
import { startApp } from "../support/server.ts";

function request(requestIdHeader: string, rawHeaders: string[] = [], sequence = 0) {
  const site = { requestIdHeader, view: { id: "one", name: "one", data: undefined } };
  return { slot: 3, generation: -1, sequence, site, rawHeaders: () => rawHeaders };
}

t.test("an id is made of what tells requests apart, within and between workers", async (t) => {
  const names = new RequestNames();
  const id = names.idOf(request("", ["X-Request-Id", "not trusted"], 17));
  t.equal(id, `${names.prefix}-3-ffffffff-11`);
  t.match(names.prefix, /^[0-9a-f]{16}$/);
  t.equal(names.idOf(request("", [], 17)), id, "the same whenever it is asked for");
  t.not(names.idOf(request("", [], 18)), id);
  t.not(new RequestNames().prefix, names.prefix);
});

t.test("a listener that trusts a field takes its value, if it is one", async (t) => {
  const names = new RequestNames();
  const of = (...values: string[]): string =>
    names.idOf(request("x-request-id", values.flatMap((value) => ["x-rEQUEST-id", value])));
  t.equal(of("abc-1/2~"), "abc-1/2~");
  t.equal(of("a".repeat(128)), "a".repeat(128));
  const made = `${names.prefix}-3-ffffffff-0`;
  for (const values of [[], [""], ["a b"], ["a\tb"], ["\u00e9"], ["a".repeat(129)], ["a", "b"]]) {
    t.equal(of(...values), made, JSON.stringify(values));
  }
  t.equal(names.idOf(request("", ["X-Request-Id", "abc"])), made, "another listener");
});

const APP = `
  const seen = new Map();
  export default {
    routes: {
      "/ids": (request, context) => Response.json([
        context.requestId, context.requestId, context.traceparent, context.trace,
      ]),
      "/late": async (request, context) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return new Response(context.requestId + " " + context.trace.traceId);
      },
    },
  };
`;

t.test("handlers find both in their context", async (t) => {
  const { url, connect } = await startApp(t, APP, { requestIdHeader: "X-Request-Id" });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const headers = { "x-request-id": "mine", traceparent, tracestate: "a=1" };
  t.match(await (await fetch(`${url}/ids`, { headers })).json(), [
    "mine",
    "mine",
    traceparent,
    { traceparent, flags: 1, isSampled: true, state: "a=1", isNew: false },
  ]);
  const late = await (await fetch(`${url}/late`, { headers })).text();
  t.equal(late, "mine 0af7651916cd43dd8448eb211c80319c", "also when the slab has gone");

  const ids = new Set<string>();
  const client = await connect();
  for (let i = 0; i < 3; i++) {
    const { body } = await client.request("GET /ids HTTP/1.1\r\nHost: a\r\n\r\n");
    const [first, second, parent] = JSON.parse(body) as string[];
    t.equal(first, second);
    t.match(parent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
    ids.add(first!);
  }
  t.equal(ids.size, 3, "of three requests of one connection");
});

const LOGGING = `
import { serve } from ${JSON.stringify(repositoryFile("dist/src/index.js"))};
const app = (request, context) => {
  context.log.debug("below the level");
  context.log("one %s", "line");
  context.log.warn({ key: 1 }, "another");
  return "ok";
};
const listeners = [{ id: "first", port: 0 }, { id: "other", port: 0 }];
const server = await serve({ app, workers: 0, listeners, requestIdHeader: "x-id" });
await fetch(server.url, { headers: { "x-id": "given" } });
await fetch(server.listeners[1].url);
await server.close();
`;

t.test("each line of the log has the listener and the ids of the request", async (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath, ["--input-type=module", "--eval", LOGGING],
    { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(stderr, "");
  t.equal(status, 0);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, string>);
  const id = /^[0-9a-f]{16}(-[0-9a-f]+){3}$/;
  const traceId = /^[0-9a-f]{32}$/;
  t.match(lines, [
    { listener: "first", requestId: "given", traceId, msg: "one line" },
    { listener: "first", requestId: "given", traceId, msg: "another", key: 1 },
    { listener: "other", requestId: id, traceId, msg: "one line" },
    { listener: "other", requestId: id, traceId, msg: "another" },
  ]);
  t.equal(lines[0]?.["traceId"], lines[1]?.["traceId"]);
  for (const { traceId: trace, traceparent } of lines) t.equal(traceparent?.slice(3, 35), trace);
  t.equal(lines.length, 4);
});
