/**
 * Clients that reset their connection in each state it can be in. Nothing is left of them: no
 * connection, no descriptor, no memory; and others are served meanwhile.
 */
import { once } from "node:events";
import t from "tap";
import { until } from "../support/deadline.ts";
import { sanitized } from "../support/environment.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { startApp, type TestServer } from "../support/server.ts";
import { openDescriptors } from "../support/traces.ts";

const AT_ONCE = 25;
const ROUNDS = sanitized ? 2 : 4;
/**
 * Some 40 MiB are the collectors' of two threads, which level off after ten rounds; 64 KiB leaked
 * with each connection would be 22 MiB a round.
 */
const GROWTH_MAX = 96 * 2 ** 20;

/** `/late` answers when all clients have gone. */
const APP = `
async function* flood() { for (let i = 0; i < 64; i++) yield new Uint8Array(65536); }
const late = () => new Promise((resolve) => setTimeout(resolve, 200, new Response("late")));
export default {
  routes: {
    "/": () => new Response("hello"),
    "/late": (request) => late(),
    "/flood": () => new Response(flood()),
    "/echo": async (request) => new Response(await request.text()),
    "/stream-echo": (request) => new Response(request.body),
    "/long": () => new Response("x".repeat(2000)),
  },
};`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string, length: number, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;

/** Brings a connection into the state. */
type State = (client: RawClient) => Promise<void>;

/** Safe requests of one packet run together: when the first is answered, the other has begun. */
async function begin(client: RawClient, request: string): Promise<void> {
  client.write(get("/") + request);
  await client.response();
}

const STATES: Readonly<Record<string, State>> = {
  accepted: async () => undefined,
  idle: async (client) => void (await client.request(get("/"))),
  "half a head": async (client) => client.write("GET / HTTP/1.1\r\nHo"),
  "half a second head": async (client) => {
    client.write(`${get("/")}GET / HT`);
    await client.response();
  },
  "in a body that is awaited": async (client) => client.write(post("/echo", 100_000, "abc")),
  "in a body that nobody reads": (client) =>
    begin(client, post("/late", 100_000, "x".repeat(70_000)).replace("POST", "GET")),
  "in a chunk": async (client) =>
    client.write("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"),
  "in a body that becomes the answer": async (client) => {
    client.write(post("/stream-echo", 100_000, "abc"));
    await client.readUntil("abc");
  },
  "while the handler runs": (client) => begin(client, get("/late")),
  "with requests behind the one that runs": (client) =>
    begin(client, get("/late") + get("/").repeat(20) + post("/echo", 3, "abc")),
  "the answer partly taken": async (client) => {
    client.write(get("/flood"));
    await client.readUntil("\r\n\r\n");
    client.pause();
  },
  "many answers not taken": async (client) => {
    client.pause();
    client.write(get("/long").repeat(60));
  },
  lingering: async (client) => {
    client.write(`GET / HTTP/1.1\nHost: a\r\n\r\n${"x".repeat(1000)}`);
    await client.readToEnd();
  },
  "half closed": async (client) => {
    await begin(client, get("/late"));
    client.end();
    // Node.js cannot reset a socket while it is being shut down.
    await once(client.socket, "finish");
  },
};

async function resetMany(server: TestServer, state: State): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    // Not `server.connect`, which keeps each client until the test is over.
    const client = await connectRaw({ port: server.port });
    await state(client);
    client.reset();
  }));
}

t.test("resets in every state leave nothing behind", async (t) => {
  const server = await startApp(t, APP, { workers: 2 });
  const connections = (): number => server.server.stats().listeners[0]!.connections;
  const healthy = await server.connect();
  let before = 0;
  let rss = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, state] of Object.entries(STATES)) {
      await resetMany(server, state);
      t.equal((await healthy.request(get("/"))).body, "hello", name);
      await until(`nobody to be left of ${name}`, () => connections() === 1);
    }
    if (round > 0) continue;
    before = openDescriptors();
    rss = process.memoryUsage().rss;
  }
  const inFlight = (): unknown => server.server.stats().workers.map((worker) => worker.inFlight);
  await until("no request to be in flight", () => String(inFlight()) === "0,0");
  await until("the descriptors to be as before", () => openDescriptors() <= before);
  const growth = process.memoryUsage().rss - rss;
  if (!sanitized) t.ok(growth < GROWTH_MAX, `grew by ${Math.round(growth / 1024)} KiB`);
});
