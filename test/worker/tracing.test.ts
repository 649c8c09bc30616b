/** The tracing channel `millrace:request`, as a subscriber in a worker sees it. */
import t from "tap";
import { startApp } from "../support/server.ts";

const MILLRACE = new URL("../../src/index.js", import.meta.url).href;

const APP = `
  import { AsyncLocalStorage } from "node:async_hooks";
  import { tracingChannel } from "node:diagnostics_channel";
  import { HttpError } from "${MILLRACE}";
  const channel = tracingChannel("millrace:request");
  const storage = new AsyncLocalStorage();
  let seen = [];
  const note = (event) => (message) => {
    const { method, route, listener, isAsync, status, result, response, error } = message;
    seen.push({
      event, method, route, listener: listener.id, isAsync, status,
      store: storage.getStore() ?? null, error: error?.message,
      result: response === undefined ? result : "a Response",
      url: new URL(message.request.url).pathname, id: message.context.requestId !== "",
    });
  };
  const subscribers = Object.fromEntries(
    ["start", "end", "asyncStart", "asyncEnd", "error"].map((event) => [event, note(event)]));
  export default {
    routes: {
      "/-/on": (request) => { channel.subscribe(subscribers); return "on"; },
      "/-/off": (request) => { channel.unsubscribe(subscribers); return "off"; },
      "/-/bind": (request) => {
        channel.start.bindStore(storage, (message) => message.method + " " + message.route);
        return "bound";
      },
      "/-/unbind": (request) => { channel.start.unbindStore(storage); return "unbound"; },
      "/-/seen": (request) => { const all = seen; seen = []; return Response.json(all); },
      "/bare": () => new Response("bare", { status: 201 }),
      "/text": (request) => "text",
      "/async/:id": async (request) => {
        await new Promise((resolve) => setImmediate(resolve));
        return new Response(storage.getStore() ?? "no store", { status: 202 });
      },
      "/throws": () => { throw new HttpError(418, "teapot"); },
      "/rejects": async () => { throw new Error("broken"); },
      "/declines": () => undefined,
      "/wraps": async (request, context) => new Response(await (await context.next()).text()),
      "/null": () => null,
      "/then": () => ({ get then() { throw new Error("no then"); } }),
      "/constant": new Response("constant"),
    },
    fetch: () => "fetched",
  };
`;

interface Seen {
  readonly event: string;
  readonly route: string;
  readonly status?: number;
  readonly store: string | null;
}

/** One server for all cases: its subscribers are switched on and off by requests. */
const { url } = await startApp(t, APP);

async function get(path: string): Promise<string> {
  return await (await fetch(url + path)).text();
}

async function seen(): Promise<Seen[]> {
  const all = JSON.parse(await get("/-/seen")) as Seen[];
  return all.filter(({ route }) => !route.startsWith("/-/"));
}

function events(all: readonly Seen[]): string[] {
  return all.map(({ event, route, status }) => `${event} ${route} ${status ?? "-"}`);
}

t.test("says nothing to nobody", async (t) => {
  await get("/bare");
  t.same(await seen(), []);
});

t.test("a handler that returns", async (t) => {
  await get("/-/on");
  t.equal(await get("/bare"), "bare");
  const common = { method: "GET", route: "/bare", listener: "default", url: "/bare", id: true };
  t.match(await seen(), [
    { event: "start", ...common },
    { event: "end", ...common, isAsync: false, status: 201, result: "a Response" },
  ]);
  t.equal(await get("/text"), "text");
  t.match(await seen(), [
    { event: "start" }, { event: "end", route: "/text", status: 200, result: "text" },
  ]);
});

t.test("a handler whose promise resolves", async (t) => {
  t.equal(await get("/async/7"), "no store");
  t.same(events(await seen()), [
    "start /async/:id -", "end /async/:id -",
    "asyncStart /async/:id 202", "asyncEnd /async/:id 202",
  ]);
});

t.test("a handler that throws, or whose promise rejects", async (t) => {
  t.equal((await fetch(`${url}/throws`)).status, 418);
  t.match(await seen(), [
    { event: "start" },
    { event: "error", route: "/throws", status: 418, error: "teapot" },
    { event: "end", status: 418 },
  ]);
  t.equal((await fetch(`${url}/rejects`)).status, 500);
  t.match(await seen(), [
    { event: "start" },
    { event: "end", isAsync: true },
    { event: "error", route: "/rejects", status: 500, error: "broken" },
    { event: "asyncStart", status: 500 },
    { event: "asyncEnd", status: 500 },
  ]);
  t.equal((await fetch(`${url}/then`)).status, 500);
  t.same(events(await seen()), ["start /then -", "error /then 500", "end /then 500"]);
});

t.test("one that declines is followed by the next, or has it inside", async (t) => {
  t.equal(await get("/declines"), "fetched");
  t.same(events(await seen()), [
    "start /declines -", "end /declines -", "start  -", "end  200",
  ]);
  t.equal(await get("/wraps"), "fetched");
  t.same(events(await seen()), [
    "start /wraps -", "start  -", "end  200", "end /wraps -",
    "asyncStart /wraps 200", "asyncEnd /wraps 200",
  ]);
});

t.test("what is no answer is a 500", async (t) => {
  t.equal((await fetch(`${url}/null`)).status, 500);
  t.same(events(await seen()), ["start /null -", "end /null 500"]);
});

t.test("answers without a handler are no runs of one", async (t) => {
  t.equal(await get("/constant"), "constant");
  t.same(await seen(), []);
});

t.test("bindStore gives each run its store", async (t) => {
  await get("/-/bind");
  const [first, second] = await Promise.all([get("/async/1"), get("/async/2"), get("/bare")]);
  t.same([first, second], ["GET /async/:id", "GET /async/:id"]);
  for (const { route, store } of await seen()) t.equal(store, `GET ${route}`);
  await get("/-/unbind");
  t.equal(await get("/async/3"), "no store");
  await seen();
});

t.test("unsubscribed, it is as before", async (t) => {
  await get("/-/off");
  await get("/text");
  t.same(await seen(), []);
});
