/** Every way to fail, and the answer, the log line and the end of the connection it comes to. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { Command } from "../support/command.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { RawResponse } from "../support/raw-response.ts";
import { startApp, writeApp } from "../support/server.ts";

const ERRORS = new URL("../../src/shared/errors.js", import.meta.url).href;

/** What can be thrown; each route does it at once, in a promise, and in `context.next()`. */
const THROWN = `
  import { HttpError } from ${JSON.stringify(ERRORS)};
  const hostile = (trap) => new Proxy({}, { [trap]() { throw new Error("trap"); } });
  const odd = new Error("odd");
  Object.defineProperty(odd, "stack", { get() { throw new Error("stack"); } });
  const used = new Response(new Blob(["x"]).stream());
  await used.text();
  const things = {
    undefined: () => undefined, null: () => null, zero: () => 0, text: () => "text",
    symbol: () => Symbol("s"), object: () => ({ status: 204 }), function: () => () => 1,
    prototype: () => hostile("getPrototypeOf"), get: () => hostile("get"), odd: () => odd,
    error: () => new Error("secret"), used: () => used,
    "bad-headers": () => new HttpError(418, "x", { headers: { "a b": "c" } }),
    response: () => new Response("thrown", { status: 202, headers: { "x-own": "1" } }),
    http: () => new HttpError(409, "conflict \\0\\u001b[31m<b>", { headers: { "x-own": "2" } }),
    hidden: () => new HttpError(502, "secret", { expose: false, cause: new Error("why") }),
    closing: () => new HttpError(503, "away", { close: true, log: false }),
    typed: () => new HttpError(400, "{}", { headers: { "content-type": "application/json" } }),
  };
  const raise = (request) => { throw things[request.params.what](); };
  async function* failing(request) {
    if (request.params.when === "late") yield "first";
    if (request.params.when === "flushed") {
      yield "first";
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw things[request.params.what]();
  }
`;

const ROUTES = `
  "/sync/:what": raise,
  "/async/:what": async (request) => { await null; raise(request); },
  "/next/:what": (request, context) => context.next(),
  "/next/*": (request) => { request = { params: { what: request.params["*"] } }; raise(request); },
  "/body/:when/:what": (request) => new Response(failing(request)),
  "/headers": () => new Response("x", { headers: { "x-long": "h".repeat(70000) } }),
  "/ok": () => new Response("ok"),
`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function ask(client: RawClient, path: string): Promise<RawResponse> {
  return await client.request(get(path));
}

const FAULTS = [
  "undefined", "null", "zero", "text", "symbol", "object", "function", "prototype", "get", "odd",
  "error", "used", "bad-headers",
];

t.test("whatever is thrown, however: a 500 that tells nothing", async (t) => {
  const server = await startApp(t, `${THROWN} export default { routes: { ${ROUTES} } };`);
  const client = await server.connect();
  for (const what of FAULTS) {
    for (const way of ["sync", "async", "next", "body/early", "body/late"]) {
      const answer = await ask(client, `/${way}/${what}`);
      t.match(answer, { status: 500, body: "Internal Server Error" }, `${way} ${what}`);
      t.equal(answer.header("x-content-type-options"), "nosniff");
      t.equal(answer.header("content-type"), "text/plain;charset=UTF-8");
    }
  }
  t.match(await ask(client, "/headers"), { status: 500 }, "a head that is too long");
  t.match(await ask(client, "/ok"), { status: 200 }, "on the same connection, the same worker");
});

t.test("a thrown Response or HttpError is the answer", async (t) => {
  const server = await startApp(t, `${THROWN} export default { routes: { ${ROUTES} } };`);
  const client = await server.connect();
  for (const way of ["sync", "async", "next", "body/early", "body/late"]) {
    const response = await ask(client, `/${way}/response`);
    t.match(response, { status: 202, body: "thrown" }, way);
    t.equal(response.header("x-own"), "1");
    const http = await ask(client, `/${way}/http`);
    t.match(http, { status: 409, body: "conflict \\x00\\x1b[31m<b>" }, "escaped");
    t.equal(http.header("x-own"), "2");
    t.match(await ask(client, `/${way}/hidden`), { status: 502, body: "error 502" });
    t.equal((await ask(client, `/${way}/typed`)).header("content-type"), "application/json");
    const other = await server.connect();
    t.match(await ask(other, `/${way}/closing`), { status: 503, body: "away" });
    t.equal(await other.readToEnd(), "");
  }
});

t.test("once something was sent the connection is aborted, for each of them", async (t) => {
  const server = await startApp(t, `${THROWN} export default { routes: { ${ROUTES} } };`);
  for (const what of ["error", "response", "http", "undefined", "prototype"]) {
    const client = await server.connect();
    client.write(get(`/body/flushed/${what}`));
    await client.readUntil("first");
    t.equal(await client.readToEnd(), "\r\n", `no last chunk: ${what}`);
  }
});

const HOOKED = `${THROWN}
  const told = [];
  let inner = 0;
  async function* again() { inner++; throw new Error("inner"); }
  export default {
    routes: {
      ${ROUTES}
      "/-/told": () => Response.json({ told, inner }),
      "/hook/:how": (request) => { throw new Error(request.params.how); },
      "/slow": async () => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        return new Response(new ReadableStream({ cancel() { told.push("late answer"); } }));
      },
    },
    error(error, request) {
      const how = error?.message;
      if (request.url.includes("/body/flushed")) {
        told.push(String(how));
        return new Response(new ReadableStream({ cancel() { told.push("cancelled"); } }));
      }
      if (how === "throws") throw new Error("again");
      if (how === "response") throw new Response("from the hook", { status: 203 });
      if (how === "http") throw new HttpError(418, "hook");
      if (how === "used") return used;
      if (how === "number") return 7;
      if (how === "declines") return;
      if (how === "never") return new Promise(() => {});
      if (how === "fails" || how === "inner") return new Response(again());
      if (how === "long") return new Response("", { headers: { "x-long": "h".repeat(70000) } });
      return new Response("hooked " + how, { status: 502 });
    },
  };
`;

t.test("the error hook: what it returns, throws, declines, or never says", async (t) => {
  const server = await startApp(t, HOOKED, { handlerTimeoutMs: 300 });
  const client = await server.connect();
  const cases: [string, number, string][] = [
    ["other", 502, "hooked other"], ["throws", 500, "Internal Server Error"],
    ["response", 203, "from the hook"], ["http", 418, "hook"],
    ["used", 500, "Internal Server Error"], ["number", 500, "Internal Server Error"],
    ["declines", 500, "Internal Server Error"], ["fails", 500, "Internal Server Error"],
    ["long", 500, "Internal Server Error"],
  ];
  for (const [how, status, body] of cases) {
    t.match(await ask(client, `/hook/${how}`), { status, body }, how);
  }
  t.match(await ask(client, "/body/early/error"), { status: 502, body: "hooked secret" });
  const never = await server.connect();
  t.match(await ask(never, "/hook/never"), { status: 503 });
  const { inner } = JSON.parse((await ask(client, "/-/told")).body) as { inner: number };
  t.ok(inner < 5, `a hook whose answers fail is not asked for ever: ${inner}`);
});

t.test("the hook hears of a body that failed late; its answer is dropped", async (t) => {
  const server = await startApp(t, HOOKED);
  const client = await server.connect();
  client.write(get("/body/flushed/error"));
  await client.readUntil("first");
  t.equal(await client.readToEnd(), "\r\n");
  const other = await server.connect();
  await until("the hook", async () => {
    const { told } = JSON.parse((await ask(other, "/-/told")).body) as { told: string[] };
    return told.join() === "secret,cancelled";
  });
});

t.test("the hook hears once of a failure behind the answer, also if it fails itself", async (t) => {
  const server = await startApp(t, `${THROWN}
    const told = [];
    export default {
      routes: {
        "/ended/:what": (request, context) => { context.reply().end("one"); raise(request); },
        "/timed": async () => { await new Promise((go) => setTimeout(go, 300)); throw odd; },
        "/told": () => Response.json(told),
      },
      error(error) { told.push(error.message); throw new Error("mine"); },
    };`, { handlerTimeoutMs: 100 });
  const client = await server.connect();
  for (const what of ["error", "http", "response"]) {
    t.match(await ask(client, `/ended/${what}`), { status: 200, body: "one" });
  }
  t.strictSame(JSON.parse((await ask(client, "/told")).body), ["secret"]);
  const timed = await server.connect();
  t.equal((await ask(timed, "/timed")).status, 503);
  await until("the hook", async () => (await ask(client, "/told")).body === '["secret","odd"]');
});

t.test("what is thrown as an answer behind the answer is dropped", async (t) => {
  const server = await startApp(t, `
    const told = [];
    const answer = (name) =>
      new Response(new ReadableStream({ cancel() { told.push(name); } }));
    export default {
      routes: {
        "/handler": (request, context) => {
          context.reply().end("one");
          throw answer("of the handler");
        },
        "/hook": (request, context) => {
          context.reply().end("two");
          throw new Error("late");
        },
        "/told": () => Response.json(told),
      },
      error() { throw answer("of the hook"); },
    };`);
  const client = await server.connect();
  t.match(await ask(client, "/handler"), { status: 200, body: "one" });
  t.match(await ask(client, "/hook"), { status: 200, body: "two" });
  await until("both", async () =>
    (await ask(client, "/told")).body === '["of the handler","of the hook"]');
});

t.test("a handler that answers after its clock is told that nobody wants it", async (t) => {
  const server = await startApp(t, HOOKED, { handlerTimeoutMs: 200 });
  const client = await server.connect();
  t.match(await ask(client, "/slow"), { status: 503 });
  const other = await server.connect();
  await until("its cancel", async () =>
    (await ask(other, "/-/told")).body.includes("late answer"));
});

t.test("in development answers show the error", async (t) => {
  const source = `${THROWN} export default { routes: { ${ROUTES} } };`;
  const server = await startApp(t, source, { development: true });
  const client = await server.connect();
  t.match((await ask(client, "/sync/error")).body, /Error: secret\n {4}at /);
  t.match((await ask(client, "/sync/hidden")).body, /HttpError: secret[^]*\[cause\]: Error: why/);
  for (const what of FAULTS) t.equal((await ask(client, `/async/${what}`)).status, 500, what);
});

t.test("the log has the route's name; what is the client's fault is not in it", async (t) => {
  const source = `${THROWN} export default { routes: { ${ROUTES}
    "/forgotten": () => new Promise(() => {}),
  } };`;
  const args = ["serve", writeApp(t, source), "--port", "0", "--workers", "1"];
  const command = new Command(t, [...args, "--handler-timeout-ms", "200"]);
  const port = Number(new URL(await command.url()).port);
  const client = await connectRaw({ port });
  t.teardown(() => client.close());
  for (const what of ["http", "closing"]) await ask(client, `/async/${what}`);
  const second = await connectRaw({ port });
  t.teardown(() => second.close());
  for (const what of [...FAULTS, "hidden"]) await ask(second, `/sync/${what}`);
  await command.prints(/"err":\{"type":"HttpError","message":"secret/);
  t.match(await ask(second, "/forgotten"), { status: 503 });
  await command.prints(/the route \\"\/forgotten\\" took longer than handlerTimeoutMs/);
  await command.prints(/the route \\"\/sync\/:what\\" failed/);
  command.child.kill("SIGTERM");
  const { stdout } = await command.ended();
  t.notMatch(stdout, /conflict|away/);
  const failures = stdout.split("\n").filter((line) => line.includes('\\" failed"'));
  t.equal(failures.length, FAULTS.length + 1, "a line for each");
});
