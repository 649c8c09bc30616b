/** Pinned connections: who has their requests, for how long, and what else changes for them. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const APP = `
  const tell = (name) => (request, context) => {
    const { pathname } = new URL(request.url);
    return name + " " + pathname + " " + JSON.stringify(request.params) + context.route.pattern;
  };
  const session = {
    matched: 0,
    match() { this.matched++; return true; },
    async handle(request, context) {
      const { pathname } = new URL(request.url);
      if (pathname === "/leave") context.unpin();
      if (pathname === "/declined") return undefined;
      const body = request.body === null ? "" : " " + await request.text();
      return pathname + " " + context.pin() + " " + this.matched + body;
    },
  };
  export default {
    table: [
      { path: "/start/:id", headers: { "x-in": true }, handler: session },
      { path: "/other", handler: (request, context) => {
        const pinned = context.pin(tell("other"));
        return "pinned " + pinned;
      } },
      { path: "/none", handler: (request, context) => String(context.pin(5)) },
      { path: "/constant", handler: new Response("constant") },
    ],
    routes: { "/free": tell("free"), "/declined": tell("declined") },
    error: (error) => new Response(error.name, { status: 500 }),
  };
`;

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

t.test("all further requests of the connection are the handler's, and no other's", async (t) => {
  const { connect } = await startApp(t, APP);
  const [client, other] = [await connect(), await connect()];
  const ask = async (path: string, more = ""): Promise<string> =>
    (await client.request(get(path, more))).body;
  // Native answers the path by itself from here on.
  t.equal(await ask("/constant"), "constant");
  t.equal(await ask("/constant"), "constant");
  t.equal(await ask("/start/1", "X-In: 1\r\n"), "/start/1 true 1");
  t.equal(await ask("/constant"), "/constant true 1", "nothing is matched any more");
  t.equal(await ask("/free"), "/free true 1");
  const withBody = await client.request(`${get("/free", "Content-Length: 2\r\n")}ab`);
  t.equal(withBody.body, "/free true 1 ab");
  t.equal(await ask("/declined"), "declined /declined {}/declined", "what it declines is routed");
  t.equal((await other.request(get("/constant"))).body, "constant");
  client.write(get("/a") + get("/b"));
  t.equal((await client.response()).body, "/a true 1");
  t.equal((await client.response()).body, "/b true 1");
  t.equal(await ask("/leave"), "/leave true 1", "it has pinned itself again");
  t.equal((await other.request(get("/other"))).body, "pinned true");
  t.equal((await other.request(get("/constant"))).body, "other /constant {}/other");
});

t.test("a pin ends with unpin, or with its connection", async (t) => {
  const { connect } = await startApp(t, `
    export default { routes: {
      "/pin": (request, context) => {
        context.pin((inner, own) => { own.unpin(); return "last"; });
        return "pinned";
      },
      "/constant": new Response("constant"),
    } };
  `);
  const client = await connect();
  const ask = async (path: string): Promise<string> => (await client.request(get(path))).body;
  t.equal(await ask("/constant"), "constant");
  for (let times = 0; times < 3; times++) {
    t.equal(await ask("/pin"), "pinned");
    t.equal(await ask("/constant"), "last");
    t.equal(await ask("/constant"), "constant");
  }
  t.equal(await ask("/pin"), "pinned");
  client.reset();
  for (let times = 0; times < 5; times++) {
    // Of these some get the slot of the one that has gone.
    const next = await connect();
    t.equal((await next.request(get("/constant"))).body, "constant");
    next.close();
  }
});

t.test("no idle clock runs for it", async (t) => {
  const { connect } = await startApp(t, APP, { idleTimeoutMs: 300 });
  const [pinned, free] = [await connect(), await connect()];
  t.equal((await pinned.request(get("/other"))).body, "pinned true");
  await free.request(get("/free"));
  t.equal(await free.readToEnd(), "", "another is closed");
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.equal((await pinned.request(get("/free"))).body, "other /free {}/other");
});

t.test("one that ends is not pinned, and a drain ends one that is", async (t) => {
  const { connect, server } = await startApp(t, APP, { drainQuietMs: 50 });
  const closing = await connect();
  closing.write(get("/other", "Connection: close\r\n"));
  t.equal((await closing.response()).body, "pinned false");
  const old = await connect();
  old.write("GET /other HTTP/1.0\r\n\r\n");
  t.match(await old.readToEnd(), /pinned false$/);
  const pinned = await connect();
  t.equal((await pinned.request(get("/none"))).body, "TypeError");
  t.equal((await pinned.request(get("/other"))).body, "pinned true");
  t.match(await server.stopListener(server.listeners[0]!.id), { graceful: true });
  t.equal(await pinned.readToEnd(), "");
});

t.test("what has no path is not its, and behind the last handler nothing is pinned", async (t) => {
  const { connect } = await startApp(t, `
    export default {
      routes: {
        "/pin": (request, context) => { context.pin(); return new URL(request.url).pathname; },
        "/late": async (request, context) => {
          const answer = await context.next();
          try { context.pin(); } catch (error) { return error.message; }
          return answer;
        },
      },
    };`);
  const client = await connect();
  t.match((await client.request(get("/late"))).body, /no handler is running/);
  t.equal((await client.request(get("/pin"))).body, "/pin");
  t.equal((await client.request(get("/other"))).body, "/other");
  t.equal((await client.request(get("http://1.2.3.4.5/"))).status, 400);
});

t.test("a pinned handler object has its times, what it declines the listener's", async (t) => {
  const { connect, server } = await startApp(t, `
    const never = () => new Promise(() => {});
    const late = () => new Promise((done) => setTimeout(() => done("late"), 1000));
    async function* flood() {
      for (let i = 0; i < 4000; i++) yield new Uint8Array(65_536);
    }
    const run = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/never") return never();
      if (pathname === "/body") return request.text();
      if (pathname === "/flood") return new Response(flood());
      if (pathname === "/late") return undefined;
      return "pinned";
    };
    const times = { handlerTimeoutMs: 700, bodyTimeoutMs: 200, writeTimeoutMs: 200 };
    const self = { ...times, handle(request, context) { context.pin(); return run(request); } };
    export default { routes: {
      "/self": self,
      "/other": (request, context) => String(context.pin({ ...times, handle: run })),
      "/made": { ...times, perConnection: () => ({ handle: self.handle }) },
      "/late": late,
    } };
  `, { handlerTimeoutMs: 60_000, bodyTimeoutMs: 60_000, writeTimeoutMs: 60_000 });
  await Promise.all(["/self", "/other", "/made"].map(async (path) => {
    const pinned = async () => {
      const client = await connect();
      t.match((await client.request(get(path))).body, /pinned|true/);
      return client;
    };
    const [slow, stalled, full] = [await pinned(), await pinned(), await pinned()];
    full.pause();
    full.write(get("/flood"));
    t.equal((await slow.request(get("/late"))).body, "late", path);
    t.equal((await slow.request(get("/never"))).status, 503, path);
    stalled.write("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    t.equal((await stalled.response()).status, 408, path);
  }));
  await until("the end of the floods", () => server.stats().listeners[0]!.connections === 0);
});

t.test("what was handed out before a pin stays with its route, what waits is pinned", async (t) => {
  const { connect } = await startApp(t, `
    const pinned = ({ method }) => method + " pinned";
    const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
    export default { routes: {
      "/first": async (request, context) => { context.pin(pinned); await wait(); return "first"; },
      "/late": async (request, context) => { await wait(); context.pin(pinned); return "late"; },
      "/plain": ({ method }) => method + " plain",
      "/constant": new Response("constant"),
    } };
  `);
  const post = "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
  const ask = async (...requests: string[]): Promise<string[]> => {
    const client = await connect();
    // Native answers the path by itself from here on.
    for (let times = 0; times < 2; times++) await client.request(get("/constant"));
    client.write(requests.join(""));
    const bodies: string[] = [];
    while (bodies.length < requests.length) bodies.push((await client.response()).body);
    bodies.push((await client.request(get("/plain"))).body);
    client.close();
    return bodies;
  };
  const behind = [get("/plain"), get("/constant"), post, get("/plain")];
  t.strictSame(await ask(get("/first"), ...behind), [
    "first", "GET pinned", "GET pinned", "POST pinned", "GET pinned", "GET pinned",
  ], "before the first await nothing else has begun");
  t.strictSame(await ask(get("/late"), ...behind), [
    "late", "GET plain", "constant", "POST pinned", "GET pinned", "GET pinned",
  ], "safe ones had begun, one that is not safe had not, nor what is behind it");
});
