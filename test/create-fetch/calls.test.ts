/** Calls: the hooks, the ends that a call can have, and its clock. */
import t from "tap";
import { createFetch } from "../../src/create-fetch.ts";
import type { ClientErrorInfo, ResponseInfo } from "../../src/shared/app.ts";

void t.test("onRequest and onResponse are told, refusals too", async (t) => {
  const requests: object[] = [];
  const responses: object[] = [];
  const fetchApp = await createFetch({
    routes: { "/a/:x": (request) => new Response(request.params["x"]) },
    onRequest: ({ method, remote, refusal }) => void requests.push({ method, remote, refusal }),
    onResponse: ({ status, route, bytesSent, isComplete, remote, request }) => void responses.push({
      status, route, bytesSent, isComplete, remote, url: request?.url,
    }),
  }, { headersMax: 3 });
  t.teardown(() => fetchApp.close());
  await (await fetchApp("/a/seven")).text();
  await (await fetchApp("/a/seven", { headers: { a: "1", b: "2", c: "3" } })).text();
  const remote = { address: "127.0.0.1", port: 49152, family: "IPv4" };
  t.same(requests, [
    { method: "GET", remote, refusal: undefined },
    { method: "", remote, refusal: { status: 431, reason: "too many header fields" } },
  ]);
  const url = "http://localhost/a/seven";
  t.same(responses, [
    { status: 200, route: "/a/:x", bytesSent: 5, isComplete: true, remote, url },
    { status: 431, route: "", bytesSent: 23, isComplete: true, remote, url: undefined },
  ]);
});

void t.test("a caller that leaves: the signal aborts, the hooks are told", async (t) => {
  const told: (ClientErrorInfo | ResponseInfo)[] = [];
  let aborted: Promise<unknown> = Promise.resolve();
  let entered!: () => void;
  const isIn = new Promise<void>((resolve) => (entered = resolve));
  const closed: string[] = [];
  const fetchApp = await createFetch({
    fetch: (request, context) => {
      context.connection.onClose(() => void closed.push(context.connection.id));
      aborted = new Promise((resolve) => {
        request.signal.addEventListener("abort", () => resolve(request.signal.reason));
      });
      entered();
      return new Promise<Response>(() => {});
    },
    onClientError: (info) => void told.push(info),
    onResponse: (info) => void told.push(info),
  });
  t.teardown(() => fetchApp.close());
  const caller = new AbortController();
  const answer = fetchApp("/", { signal: caller.signal });
  await isIn;
  const reason = new Error("enough");
  caller.abort(reason);
  await t.rejects(answer, reason);
  t.match(await aborted, { name: "AbortError" });
  t.match(told, [{ kind: "vanished", how: "fin" }, { status: null, isComplete: false }]);
  t.equal(closed.length, 1);
  await t.rejects(fetchApp("/", { signal: AbortSignal.abort(reason) }), reason);
});

void t.test("close ends calls that still run", async (t) => {
  let signal: AbortSignal | undefined;
  let entered!: () => void;
  const isIn = new Promise<void>((resolve) => (entered = resolve));
  const fetchApp = await createFetch((request) => {
    ({ signal } = request);
    entered();
    return new Promise<Response>(() => {});
  });
  const answer = fetchApp("/");
  const fails = t.rejects(answer, { code: "ERR_MILLRACE_SERVER_CLOSED" });
  await isIn;
  await fetchApp.close();
  await fails;
  t.equal(signal?.aborted, true);
});

void t.test("a handler's own handlerTimeoutMs counts in place of that", async (t) => {
  const late = async (): Promise<string> =>
    await new Promise((resolve) => setTimeout(() => resolve("late"), 50));
  const fetchApp = await createFetch({
    routes: {
      "/short": { handle: () => new Promise<Response>(() => {}), handlerTimeoutMs: 1 },
      "/long": { handle: late, handlerTimeoutMs: 0 },
    },
  }, { handlerTimeoutMs: 5, logLevel: "silent" });
  t.teardown(() => fetchApp.close());
  t.equal((await fetchApp("/short")).status, 503);
  t.equal(await (await fetchApp("/long")).text(), "late");
});

void t.test("handlerTimeoutMs answers with 503", async (t) => {
  const fetchApp = await createFetch(() => new Promise<Response>(() => {}), {
    handlerTimeoutMs: 5, logLevel: "silent",
  });
  t.teardown(() => fetchApp.close());
  const answer = await fetchApp("/");
  t.equal(answer.status, 503);
  t.equal(await answer.text(), "the handler took too long");
});

void t.test("many calls at once keep apart", async (t) => {
  const fetchApp = await createFetch(async (request, context) => {
    await new Promise((resolve) => setImmediate(resolve));
    return Response.json([request.url, context.connection.id, await request.text()]);
  });
  t.teardown(() => fetchApp.close());
  const paths = Array.from({ length: 200 }, (_, i) => `/${i}`);
  const answers = await Promise.all(paths.map(async (path) => {
    const answer = await fetchApp(path, { method: "POST", body: path });
    return await answer.json() as string[];
  }));
  t.same(answers.map(([url]) => url), paths.map((path) => `http://localhost${path}`));
  t.same(answers.map((each) => each[2]), paths);
  t.equal(new Set(answers.map(([, id]) => id)).size, 200);
});
