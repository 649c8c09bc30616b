/** The hooks of an app, over real connections; without workers, so that they run here. */
import t from "tap";
import type { App, Context, RequestInfo, ResponseInfo } from "../../src/shared/app.ts";
import { hasHooks } from "../../src/worker/hooks.ts";
import { until } from "../support/deadline.ts";
import type { Owner } from "../support/folder.ts";
import { get } from "../support/lifecycle.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { ask, switched } from "../support/upgrades.ts";

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    yield "x".repeat(60_000);
    await new Promise(setImmediate);
  }
}

const routes: NonNullable<App["routes"]> = {
  "/": () => new Response("hello"),
  "/constant": new Response("constant"),
  "/users/:id": (request) => new Response(request.params["id"]),
  "/stream": () => new Response("x".repeat(200_000)),
  "/endless": () => new Response(endless() as unknown as ReadableStream),
  "/never": () => new Promise<Response>(() => {}),
  "/up": (_, context) => context.upgrade({ start: (socket) => void socket.resume() }),
  "/fails": () => {
    throw new Error("no");
  },
};

interface Hooked extends TestServer {
  readonly asked: { info: RequestInfo; context: Context | undefined }[];
  readonly done: ResponseInfo[];
  answers(count: number): Promise<ResponseInfo[]>;
}

async function start(owner: Owner, more: Partial<App> = {}): Promise<Hooked> {
  const asked: Hooked["asked"] = [];
  const done: ResponseInfo[] = [];
  const app: App = {
    routes,
    onRequest: (info, context) => void asked.push({ info, context }),
    onResponse: (info) => void done.push(info),
    ...more,
  };
  const started = await startServer(owner, { app, workers: 0, headTimeoutMs: 100 });
  const answers = async (count: number): Promise<ResponseInfo[]> => {
    await until(`${count} answers`, () => done.length >= count);
    return done;
  };
  return { ...started, asked, done, answers };
}

t.test("each request is told of before its handler and after its answer", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const paths = ["/", "/constant", "/constant", "/users/7", "/stream", "/none", "/fails"];
  for (const path of paths) await client.request(get(path));
  const done = await server.answers(paths.length);
  t.same(server.asked.map(({ info }) => new URL(info.request!.url).pathname), paths);
  t.match(done, [
    { route: "/", status: 200, bytesSent: 5 },
    { route: "/constant", status: 200, bytesSent: 8 },
    { route: "/constant", status: 200, bytesSent: 8 },
    { route: "/users/:id", status: 200, bytesSent: 1 },
    { route: "/stream", status: 200, bytesSent: 200_000 },
    { route: "", status: 404, bytesSent: 9 },
    { route: "/fails", status: 500 },
  ]);
  for (const [index, info] of done.entries()) {
    const { info: before, context } = server.asked[index]!;
    t.ok(info.isComplete && info.durationMs >= 0);
    t.equal(info.request, before.request, "the same object");
    t.equal(info.context, context);
    t.equal(info.requestId, context?.requestId);
    t.equal(info.method, "GET");
    t.match(info.remote, { address: "127.0.0.1", family: "IPv4", port: client.socket.localPort });
    t.match(before.remote, info.remote);
    t.match(info.listener, { id: "default" });
  }
});

t.test("of pipelined requests in their order", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(get("/users/1") + get("/users/2") + get("/constant"));
  for (let left = 3; left > 0; left--) await client.response();
  const done = await server.answers(3);
  t.same(done.map(({ request }) => new URL(request!.url).pathname), [
    "/users/1", "/users/2", "/constant",
  ]);
});

t.test("an answer that is cut, and one that never came", async (t) => {
  const server = await start(t);
  const [reader, waiting] = [await server.connect(), await server.connect()];
  reader.write(get("/endless"));
  await reader.read(1000);
  reader.reset();
  t.match(await server.answers(1), [{ route: "/endless", status: 200, isComplete: false }]);
  t.ok(server.done[0]!.bytesSent > 0);
  waiting.write(get("/never"));
  await until("the request", () => server.asked.length === 2);
  waiting.reset();
  const [, never] = await server.answers(2);
  t.match(never, { route: "/never", status: null, bytesSent: 0, isComplete: false });
  t.match(never!.remote, { address: "127.0.0.1" });
});

t.test("input that is refused has no request, but an address and a reason", async (t) => {
  const server = await start(t);
  const bad = await server.connect();
  bad.write(get("/") + "GET / HTTP/1.1\r\n\r\n");
  await bad.response();
  t.equal((await bad.response()).status, 400);
  const slow = await server.connect();
  slow.write("GET /");
  t.equal((await slow.response()).status, 408);
  const done = await server.answers(3);
  t.match(server.asked.slice(1), [
    {
      info: {
        request: null, method: "", refusal: { status: 400, reason: "missing Host" },
        remote: { address: "127.0.0.1", port: bad.socket.localPort },
      },
      context: undefined,
    },
    { info: { request: null, refusal: { status: 408 } } },
  ]);
  t.match(done.slice(1), [
    { request: null, context: null, requestId: null, route: "", status: 400, isComplete: true },
    { request: null, status: 408, isComplete: true },
  ]);
});

t.test("hooks that throw or reject change nothing", async (t) => {
  let calls = 0;
  const server = await start(t, {
    onRequest: () => {
      calls++;
      throw new Error("onRequest");
    },
    // oxlint-disable-next-line typescript/no-misused-promises -- it is to reject
    onResponse: async () => {
      calls++;
      throw new Error("onResponse");
    },
  });
  const client = await server.connect();
  t.equal((await client.request(get())).body, "hello");
  t.equal((await client.request(get())).body, "hello");
  await until("the hooks", () => calls === 4);
});

t.test("one hook without the other; members of the app's object", async (t) => {
  class Counting {
    routes = routes;
    seen: string[] = [];
    onResponse(info: ResponseInfo): void {
      this.seen.push(`${info.method} ${info.status}`);
    }
  }
  const app = new Counting();
  const server = await startServer(t, { app, workers: 0 });
  const client = await server.connect();
  await client.request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("its answer", () => app.seen.length === 1);
  t.same(app.seen, ["HEAD 200"]);
  t.notOk(hasHooks({ routes: {} }));
});

t.test("an exchange that switches protocols is over with its head", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/up"));
  await switched(client);
  const [info] = await server.answers(1);
  t.match(info, { status: 101, bytesSent: 0, isComplete: true, route: "/up" });
  client.write("more");
  client.close();
  const other = await server.connect();
  await other.request(get());
  t.match((await server.answers(2))[1], { status: 200 }, "nothing is told of the rest");
});
