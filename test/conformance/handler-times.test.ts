/** The clocks that handler objects set for their own requests, against those of their listener. */
import t from "tap";
import type { ServeOptions } from "../../src/options.ts";
import { until } from "../support/deadline.ts";
import type { Owner } from "../support/folder.ts";
import { startApp, type TestServer } from "../support/server.ts";

const HEAD = "HTTP/1.1\r\nHost: a.test\r\n";
const get = (path: string): string => `GET ${path} ${HEAD}\r\n`;
const post = (path: string): string => `POST ${path} ${HEAD}Content-Length: 10\r\n\r\nabc`;

const SHORT_MS = 400;
const LONG_MS = 60_000;

const APP = `
  const never = () => new Promise(() => {});
  const late = () => new Promise((done) => setTimeout(() => done("late"), 1200));
  const echo = async (request) => new Response(await request.text());
  async function* flood() {
    for (let i = 0; i < 4000; i++) yield new Uint8Array(65_536);
  }
  export default {
    routes: {
      "/never": never,
      "/short": { handle: never, handlerTimeoutMs: ${SHORT_MS} },
      "/late": late,
      "/patient": { handle: late, handlerTimeoutMs: ${LONG_MS} },
      "/free": { POST: { handle: echo }, GET: { handle: late, handlerTimeoutMs: 0 } },
      "/made": { perConnection: () => ({ handle: never }), handlerTimeoutMs: ${SHORT_MS} },
      "/declines/*": { handle: () => undefined, handlerTimeoutMs: ${SHORT_MS} },
      "/declines/late": late,
      "/passes/*": {
        handle: (request, context) => context.next(), handlerTimeoutMs: ${SHORT_MS},
      },
      "/passes/late": { handle: late, handlerTimeoutMs: ${LONG_MS} },
      "/echo": echo,
      "/echo-short": { handle: echo, bodyTimeoutMs: ${SHORT_MS} },
      "/echo-long": { handle: echo, bodyTimeoutMs: ${LONG_MS} },
      "/flood": () => new Response(flood()),
      "/flood-short": { handle: () => new Response(flood()), writeTimeoutMs: ${SHORT_MS} },
      "/flood-long": { handle: () => new Response(flood()), writeTimeoutMs: ${LONG_MS} },
    },
  };
`;

const start = (t: Owner, settings: Omit<ServeOptions, "app">): Promise<TestServer> =>
  startApp(t, APP, settings);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

t.test("a handler's own clock is over before that of its listener", async (t) => {
  for (const listener of [{}, { handlerTimeoutMs: LONG_MS }]) {
    const server = await start(t, listener);
    for (const path of ["/short", "/made"]) {
      const client = await server.connect();
      const began = performance.now();
      t.equal((await client.request(get(path))).status, 503, path);
      t.ok(performance.now() - began >= SHORT_MS, path);
      t.equal(await client.readToEnd(), "");
    }
    const client = await server.connect();
    client.write(post("/short"));
    t.equal((await client.response()).status, 503, "also while its body is incomplete");
  }
});

t.test("a handler may have more time than its listener gives, or no limit", async (t) => {
  const server = await start(t, { handlerTimeoutMs: SHORT_MS });
  for (const path of ["/patient", "/free", "/passes/late"]) {
    t.equal((await (await server.connect()).request(get(path))).body, "late", path);
  }
  t.equal((await (await server.connect()).request(get("/late"))).status, 503);
});

t.test("behind a handler that declines its listener's clock counts again", async (t) => {
  const server = await start(t, {});
  t.equal((await (await server.connect()).request(get("/declines/late"))).body, "late");
  const bounded = await start(t, { handlerTimeoutMs: SHORT_MS });
  t.equal((await (await bounded.connect()).request(get("/declines/late"))).status, 503);
});

t.test("each of pipelined requests has its own", async (t) => {
  const server = await start(t, { handlerTimeoutMs: SHORT_MS });
  const client = await server.connect();
  client.write(get("/patient") + get("/patient") + get("/never"));
  t.equal((await client.response()).body, "late");
  t.equal((await client.response()).body, "late");
  t.equal((await client.response()).status, 503);
});

t.test("a body that stalls", async (t) => {
  const server = await start(t, { bodyTimeoutMs: LONG_MS });
  const client = await server.connect();
  client.write(post("/echo-short"));
  t.equal((await client.response()).status, 408);
  const short = await start(t, { bodyTimeoutMs: SHORT_MS });
  const patient = await short.connect();
  patient.write(post("/echo-long"));
  await pause(3 * SHORT_MS);
  patient.write("defghij");
  t.equal((await patient.response()).body, "abcdefghij");
  // Of this request alone: the next one of the connection has its listener's.
  patient.write(post("/echo"));
  t.equal((await patient.response()).status, 408);
});

t.test("a client that takes nothing", async (t) => {
  const server = await start(t, { writeTimeoutMs: LONG_MS });
  const stalled = await server.connect();
  stalled.pause();
  stalled.write(get("/flood-short"));
  await until("its end", () => {
    const [listener] = server.server.stats().listeners;
    return listener!.requests === 1 && listener!.connections === 0;
  });
  const short = await start(t, { writeTimeoutMs: SHORT_MS });
  const [patient, dropped] = [await short.connect(), await short.connect()];
  for (const client of [patient, dropped]) client.pause();
  patient.write(get("/flood-long"));
  dropped.write(get("/flood"));
  await until("one's end", () => {
    const [listener] = short.server.stats().listeners;
    return listener!.requests === 2 && listener!.connections === 1;
  });
  await pause(2 * SHORT_MS);
  t.equal(short.server.stats().listeners[0]!.connections, 1);
});

t.test("debug with `timeouts: false` stops them too", async (t) => {
  const server = await start(t, { debug: { timeouts: false } });
  const [handler, body] = [await server.connect(), await server.connect()];
  handler.write(get("/short"));
  body.write(post("/echo-short"));
  await pause(3 * SHORT_MS);
  t.equal(handler.pending, "");
  body.write("defghij");
  t.equal((await body.response()).body, "abcdefghij");
});

t.test("times that are none are refused with the app", async (t) => {
  const wrong = [
    ["handlerTimeoutMs: -1", /handlerTimeoutMs must be an integer from 0 to 2147483647/],
    ["bodyTimeoutMs: 0", /bodyTimeoutMs must be an integer from 1 to 2147483647/],
    ["writeTimeoutMs: '5s'", /writeTimeoutMs must be an integer from 1 to 2147483647/],
  ] as const;
  for (const [text, message] of wrong) {
    const source = `export default { routes: { "/": { handle: () => "", ${text} } } };`;
    await t.rejects(startApp(t, source), { message });
  }
});
