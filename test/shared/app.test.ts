/** The types of an app: nothing in it needs an annotation. That it compiles is half of the test. */
import t from "tap";
import { createFetch } from "../../src/create-fetch.ts";
import type { App } from "../../src/shared/app.ts";

const closed: number[] = [];
const name: string = "counted";

const app = {
  handlers: {
    named: { match: (request) => request.method === "GET", handle: ({ url }) => url },
    counted: { perConnection: ({ id }) => ({ handle: () => `named ${id.length > 0}` }) },
  },
  table: [
    {
      path: "/row",
      methods: "GET",
      match: (request, context) => request.method === "GET" && context.requestId !== "",
      handler: { match(request) { return request.method === "GET"; }, handle: () => "row" },
    },
    { path: "/connection", handler: { perConnection: ({ id }) => ({ handle: () => id }) } },
    { path: "/gate", auth: { handle: (request) => request.method }, handler: "counted" },
  ],
  routes: {
    // As in docs/routing.md.
    "/counter": {
      perConnection: (connection) => {
        let count = 0;
        return {
          handle: () => `request ${++count} of ${connection.id === "" ? "none" : "one"}`,
          close: () => void closed.push(count),
        };
      },
    },
    "/match": { match: (request) => request.method === "GET", handle: () => "matched" },
    "/methods": {
      GET: ({ url }) => url.slice(-1),
      POST: { match: ({ method }) => method === "POST", handle: (_, { requestId }) => requestId },
      PUT: { perConnection: ({ id }) => ({ handle: () => id }) },
      DELETE: "counted",
      "M-SEARCH": new Response("found"),
    },
    "/named": "named",
    "/name": name,
    "/constant": new Response("constant"),
  },
} satisfies App;

t.test("functions of handler objects know what they are given", async (t) => {
  const fetchApp = await createFetch(app);
  t.teardown(() => fetchApp.close());
  const asked = async (path: string, method = "GET") =>
    await (await fetchApp(path, { method })).text();
  t.equal(await asked("/row"), "row");
  t.equal(await asked("/gate"), "GET");
  t.equal(await asked("/counter"), "request 1 of one");
  t.equal(await asked("/match"), "matched");
  t.equal(await asked("/methods"), "s");
  t.equal(await asked("/methods", "DELETE"), "named true");
  t.match(await asked("/named"), /named$/);
  t.equal(await asked("/name"), "named true");
  t.equal(await asked("/constant"), "constant");
  t.strictSame(closed, [1]);
});

t.test("what is no route is none by its type either", async (t) => {
  const handle = () => "never";
  const wrong: [App, RegExp][] = [
    // @ts-expect-error a number is no handler
    [{ routes: { "/": 5 } }, /"\/"/],
    // @ts-expect-error a misspelt name
    [{ routes: { "/": { handel: handle } } }, /"\/"/],
    // @ts-expect-error methods are in capitals
    [{ routes: { "/": { get: handle } } }, /"\/"/],
  ];
  for (const [each, message] of wrong) {
    await t.rejects(createFetch(each), { code: "ERR_MILLRACE_ROUTE_INVALID", message });
  }
  const byMethod: Record<string, () => string> = { GET: handle };
  const fetchApp = await createFetch({ routes: { "/": byMethod } });
  t.teardown(() => fetchApp.close());
  t.equal(await (await fetchApp("/")).text(), "never");
});
