/** One handler object per connection: when it is made, whom it serves, when it is closed. */
import { once } from "node:events";
import t from "tap";
import { isFactory, PerConnection } from "../../src/worker/per-connection.ts";
import { startApp } from "../support/server.ts";

const APP = `
  const log = [];
  let made = 0;
  let failing = true;
  class Counter {
    constructor() { this.id = ++made; this.count = 0; }
    match(request) { return !request.url.includes("skip"); }
    async handle(request) {
      const text = request.body === null ? "" : await request.text();
      return this.id + "/" + ++this.count + text;
    }
    async close() {
      await null;
      log.push("closed " + this.id);
      if (this.id === 3) throw new Error("x");
    }
  }
  const counter = {
    perConnection: (connection) => new Counter(connection),
    buffered: true, bodyBytesMax: 10,
    close() { log.push("factory"); },
  };
  let count = 0;
  const placed = { perConnection: () => {
    const number = ++count;
    return { handle: ({ method }) => method + " of " + number };
  } };
  export default {
    handlers: { counter },
    table: [{ path: "/table", headers: { "x-a": true }, handler: "counter" }],
    routes: {
      "/count": "counter", "/count/skip": "counter", "/post": { POST: "counter" },
      "/places": { GET: placed, POST: placed }, "/place": placed,
      "/fails": { perConnection() {
        if (failing) { failing = false; throw new Error("x"); }
        return { handle: () => "at last" };
      } },
      "/nothing": { perConnection: () => ({}) },
      "/no-close": { perConnection: () => ({ handle: () => "x", close: 5 }) },
      "/log": () => log.join(),
      "/end": () => { setTimeout(() => { throw new Error("crash"); }, 1); return "ends"; },
    },
    fetch: () => "fetch",
    error: (error) => new Response(error.code ?? error.message, { status: 500 }),
  };
`;

t.test("requests of one connection share it, others have their own", async (t) => {
  const { connect, url } = await startApp(t, APP);
  const [one, other] = [await connect(), await connect()];
  const ask = async (client: typeof one, head: string): Promise<string> => {
    client.write(`${head}\r\nHost: a\r\nX-A: 1\r\n\r\n`);
    return (await client.response()).body;
  };
  t.equal(await ask(one, "GET /count HTTP/1.1"), "1/1");
  t.equal(await ask(other, "GET /count HTTP/1.1"), "2/1");
  t.equal(await ask(one, "GET /table HTTP/1.1"), "1/2", "a name is one handler in all rows");
  t.equal(await ask(one, "GET /count/skip HTTP/1.1"), "fetch", "match is the instance's");
  one.write("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n-x");
  t.equal((await one.response()).body, "1/3-x", "rules are the factory's");
  one.write("GET /count HTTP/1.1\r\nHost: a\r\n\r\nGET /count HTTP/1.1\r\nHost: a\r\n\r\n");
  t.equal((await one.response()).body, "1/4");
  t.equal((await one.response()).body, "1/5");
  const log = async (): Promise<string> => await (await fetch(`${url}/log`)).text();
  t.equal(await log(), "", "nothing is closed while its connection lives");
  one.close();
  while (await log() !== "closed 1") await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(await ask(other, "GET /count HTTP/1.1"), "2/2");
  const third = await connect();
  t.equal(await ask(third, "GET /count HTTP/1.1"), "3/1");
  third.close();
  while (await log() !== "closed 1,closed 3") {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.equal(await ask(other, "GET /count HTTP/1.1"), "2/3", "a close that fails is logged");
});

t.test("a connection has one object of a factory, in all its places", async (t) => {
  const { connect, server } = await startApp(t, APP);
  const [one, other] = [await connect(), await connect()];
  const ask = async (client: typeof one, target: string): Promise<string> => {
    client.write(`${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    return (await client.response()).body;
  };
  t.equal(await ask(one, "GET /places"), "GET of 1");
  t.equal(await ask(one, "POST /places"), "POST of 1");
  t.equal(await ask(other, "POST /places"), "POST of 2");
  t.equal(await ask(one, "GET /place"), "GET of 1");
  await server.addRoute("/added", { handler: "/place" });
  await server.addRoute("/narrowed", { handler: "/places", method: "POST" });
  t.equal(await ask(one, "GET /added"), "GET of 1", "also in rows that came later");
  t.equal(await ask(one, "POST /narrowed"), "POST of 1");
});

t.test("a factory that fails is asked again, and what is no handler is named", async (t) => {
  const { url } = await startApp(t, APP);
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(url + path);
    return [answer.status, await answer.text()];
  };
  t.strictSame(await ask("/fails"), [500, "x"]);
  t.strictSame(await ask("/fails"), [200, "at last"]);
  t.strictSame(await ask("/nothing"), [500, "ERR_MILLRACE_HANDLER_INVALID"]);
  t.strictSame(await ask("/no-close"), [500, "ERR_MILLRACE_HANDLER_INVALID"]);
});

t.test("such a connection does not move: a crash of its worker ends it", async (t) => {
  const { connect, server } = await startApp(t, APP);
  const [bound, free] = [await connect(), await connect()];
  bound.write("GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
  t.equal((await bound.response()).body, "1/1");
  const exit = once(server.events, "workerExit");
  free.write("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
  t.equal((await free.response()).body, "ends");
  await exit;
  t.equal(await bound.readToEnd(), "");
  free.write("GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
  t.equal((await free.response()).body, "1/1", "of the new worker");
});

t.test("what is a factory", async (t) => {
  t.ok(isFactory({ perConnection: () => ({ handle: () => "x" }) }));
  for (const none of [null, 5, {}, { perConnection: 5 }]) t.notOk(isFactory(none));
  let closed = 0;
  const perConnection = (): { handle: () => string } => ({ handle: () => "x" });
  const made = new PerConnection({ perConnection, close: () => void closed++ });
  await made.close();
  t.equal(closed, 1, "the factory's own close runs once per worker");
});
