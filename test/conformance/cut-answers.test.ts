/**
 * Answers that end before their end: no client may take what it got for all of it. With a length
 * or chunks FIN shows it; a body that ends with its connection, as HTTP/1.0 clients get, is cut
 * by a reset, which may overtake bytes that were sent before.
 */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { TestServer } from "../support/server.ts";
import { ESTABLISHED, tcpFacts } from "../support/tcp-table.ts";
import type { TcpFacts } from "../support/tcp-table.ts";

const SOURCE = `
  let release;
  const released = new Promise((resolve) => (release = resolve));
  async function* failing(request) {
    yield "first";
    if (request.url.endsWith("?wait")) await released;
    else await new Promise((resolve) => setTimeout(resolve, 5)); // it has been sent
    throw new Error("failed midway");
  }
  async function* flood() { for (;;) yield new Uint8Array(65536); }
  async function* dying() {
    yield "first";
    await released;
    setTimeout(() => { throw new Error("the worker dies"); });
    await new Promise(() => {});
  }
  export default {
    routes: {
      "/failing": (request) => new Response(failing(request)),
      "/flood": () => new Response(flood()),
      "/raw": async (request, context) => {
        const raw = context.reply().raw();
        await raw.write("HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nfirst");
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error("failed midway");
      },
      "/raw-whole": async (request, context) => {
        const raw = context.reply().raw();
        await raw.end("HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n");
      },
      "/dying": () => new Response(dying()),
      "/short": () => new Response(failing({ url: "" }), { headers: { "content-length": "9" } }),
      "/release": () => (release(), new Response("released")),
    },
  };
`;

const OLD = " HTTP/1.0\r\n\r\n";
const NEW = " HTTP/1.1\r\nHost: a.test\r\n\r\n";

/**
 * Node.js takes a reset right behind data for a FIN, so the kernel is asked: after a reset it
 * knows the client's end no more, after FIN it waits for the client to close.
 */
async function ended(server: TestServer, client: RawClient): Promise<"reset" | "ended"> {
  let facts: TcpFacts | undefined;
  await until("the end", () => {
    const { localPort } = client.socket; // undefined once Node.js has seen the reset
    facts = localPort === undefined ? undefined : tcpFacts(localPort, server.port);
    return facts === undefined || facts.state !== ESTABLISHED;
  });
  return facts === undefined ? "reset" : "ended";
}

t.test("a stream that fails", async (t) => {
  const server = await startApp(t, SOURCE);
  for (let i = 0; i < 10; i++) {
    const old = await server.connect();
    old.write(`GET /failing${OLD}`);
    t.equal(await ended(server, old), "reset");
  }
  const [old, chunked, declared] =
    await Promise.all([server.connect(), server.connect(), server.connect()]);
  old.write(`GET /failing?wait${OLD}`);
  chunked.write(`GET /failing?wait${NEW}`);
  for (const client of [old, chunked]) await client.readUntil("first");
  declared.write(`GET /release${NEW}`);
  await declared.response();
  t.equal(await ended(server, old), "reset");
  t.equal(await ended(server, chunked), "ended");
  t.notMatch(chunked.pending, /0\r\n\r\n/);
  declared.write(`GET /short${NEW}`);
  t.equal(await ended(server, declared), "ended");
  t.notMatch(declared.pending, /200 OK[^]*first[^]{4}/);
});

t.test("a peer that stalls", async (t) => {
  const server = await startApp(t, SOURCE, { writeTimeoutMs: 300 });
  const client = await server.connect();
  client.pause();
  client.write(`GET /flood${OLD}`);
  await until("its request", () => server.server.stats().listeners[0]!.requests === 1);
  await until("its end", () => server.server.stats().listeners[0]!.connections === 0);
  t.equal(await ended(server, client), "reset");
});

t.test("a worker that dies, and a stop by force", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  client.write(`GET /dying${OLD}`);
  await client.readUntil("first");
  const other = await server.connect();
  await other.request(`GET /release${NEW}`);
  t.equal(await ended(server, client), "reset");
  const last = await server.connect();
  last.write(`GET /dying${OLD}`);
  await last.readUntil("first");
  await server.server.stopListener("default", { force: true });
  t.equal(await ended(server, last), "reset");
});

t.test("a message of the app's own may end with its connection, so a cut is a reset", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  client.write(`GET /raw-whole${NEW}GET /raw${NEW}`);
  await client.readUntil("first");
  t.equal(await ended(server, client), "reset");
  const kept = await server.connect();
  kept.write(`GET /raw-whole${NEW}GET /failing?wait${NEW}`);
  await kept.readUntil("first");
  await fetch(`${server.url}/release`);
  t.equal(await ended(server, kept), "ended", "the next answer is framed again");
});
