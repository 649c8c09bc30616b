/** What a context gives where there is no connection, and what it refuses. */
import t from "tap";
import { createFetch } from "../../src/create-fetch.ts";
import type { Context } from "../../src/shared/app.ts";

const socket = { start: () => {}, stop: () => {} };

void t.test("what needs a connection fails the call, whatever the app makes of it", async (t) => {
  const uses: ((request: Request, context: Context) => unknown)[] = [
    (_request, context) => context.upgrade(socket as never),
    (request, context) => context.upgrade(request),
    (_request, context) => context.reply().raw().end("HTTP/1.1 200 OK\r\n\r\n"),
    (_request, context) => void context.reply().raw(),
    (_request, context) => {
      try {
        context.reply().raw();
      } catch {
        return new Response("the app goes on");
      }
      return undefined;
    },
  ];
  for (const [index, use] of uses.entries()) {
    const fetchApp = await createFetch({
      websocket: { message: () => {} },
      fetch: async (request, context) => {
        try {
          await use(request, context);
          return undefined;
        } catch {
          return new Response("caught");
        }
      },
    }, { logLevel: "silent" });
    const asked = fetchApp("/", { headers: { upgrade: "websocket" } });
    await t.rejects(asked, { code: "ERR_MILLRACE_NO_SOCKET" }, String(index));
    await fetchApp.close();
  }
});

void t.test("a call is the only request of its connection", async (t) => {
  const closed: string[] = [];
  const fetchApp = await createFetch({
    routes: {
      "/pin": (_request, context) => String(context.pin()),
      "/one": {
        perConnection: ({ id }) => ({
          handle: () => `object of ${id}`, close: () => void closed.push(id),
        }),
      },
    },
  });
  t.teardown(() => fetchApp.close());
  t.equal(await (await fetchApp("/pin")).text(), "false");
  const first = await (await fetchApp("/one")).text();
  t.not(await (await fetchApp("/one")).text(), first);
  t.equal(closed.length, 2);
});

void t.test("interim answers and trailers are checked, and seen by nobody", async (t) => {
  const fetchApp = await createFetch((_request, context) => {
    const { searchParams } = new URL(_request.url);
    if (searchParams.has("interim")) context.informational(200);
    if (searchParams.has("trailer")) context.addTrailers({ "content-length": "1" });
    context.informational(103, { link: "</a.css>" });
    context.addTrailers({ "x-sum": "7" });
    return new Response("ok");
  }, { logLevel: "silent" });
  t.teardown(() => fetchApp.close());
  t.equal((await fetchApp("/?interim")).status, 500);
  t.equal((await fetchApp("/?trailer")).status, 500);
  const answer = await fetchApp("/");
  t.equal(answer.headers.get("trailer"), "x-sum");
  t.equal(await answer.text(), "ok");
});

void t.test("connection.abort() leaves the caller without an answer", async (t) => {
  const fetchApp = await createFetch((_request, context) => {
    context.connection.abort();
    return new Response("too late");
  });
  t.teardown(() => fetchApp.close());
  await t.rejects(fetchApp("/"), TypeError);
});

void t.test("what trusted proxies say is believed", async (t) => {
  const fetchApp = await createFetch((request, context) => (
    `${context.client.address} ${request.url}`
  ), { trustProxy: 1, forwardedUrl: "origin" });
  t.teardown(() => fetchApp.close());
  const headers = {
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "mill.example",
  };
  const answer = await fetchApp("/a", { headers });
  t.equal(await answer.text(), "192.0.2.7 https://mill.example/a");
});
