/** The client of a request behind proxies, in the context, the URL and the access log. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { LISTENERS_MAX } from "../../src/primary/listener-counts.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";

const APP = `
  export default {
    fetch: (request, { client, connection }) => Response.json({
      client, remote: connection.remote.address, url: request.url,
    }),
  };
`;
const HOST = "Host: own.example";
const CHAIN = "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n" +
  "X-Forwarded-Host: shop.example";

interface Told {
  readonly client: { readonly address: string; readonly port?: number; readonly family: string };
  readonly remote: string;
  readonly url: string;
}

async function ask(port: number, lines: string): Promise<Told> {
  const client = await connectRaw({ port });
  const answer = await client.request(`GET /a?b HTTP/1.1\r\n${HOST}\r\n${lines}\r\n\r\n`);
  client.close();
  return JSON.parse(answer.body) as Told;
}

t.test("nobody is believed unless it is said whom", async (t) => {
  const { port } = await startApp(t, APP, { forwardedUrl: "origin" });
  const told = await ask(port, CHAIN);
  t.match(told, { client: { address: "127.0.0.1", port: Number }, url: "http://own.example/a?b" });
  const other = await startApp(t, APP, { trustProxy: "10.0.0.0/8", forwardedUrl: "origin" });
  t.match(await ask(other.port, CHAIN), {
    client: { address: "127.0.0.1" }, url: "http://own.example/a?b",
  });
});

t.test("the last address that is no proxy's is the client", async (t) => {
  const trusted = { trustProxy: ["127.0.0.1", "10.0.0.0/8"] };
  const { port } = await startApp(t, APP, trusted);
  const told = await ask(port, `${CHAIN}\r\nX-Forwarded-For: 10.1.1.1`);
  t.strictSame(told.client, { address: "192.0.2.1", family: "IPv4" }, "of repeated fields too");
  t.equal(told.remote, "127.0.0.1", "the connection is what it is");
  t.equal(told.url, "http://own.example/a?b");
  const ported = await ask(port, "X-Forwarded-For: [2001:db8::1]:4711");
  t.strictSame(ported.client, { address: "2001:db8::1", port: 4711, family: "IPv6" });
  t.match(await ask(port, "Forwarded: for=6.6.6.6"), { client: { address: "127.0.0.1" } });
  t.match(await ask(port, "X-Forwarded-For: _gone"), { client: { address: "127.0.0.1" } });
});

t.test("proxies can be counted, as text and as a number", async (t) => {
  for (const trustProxy of [1, "1"]) {
    const { port } = await startApp(t, APP, { trustProxy });
    t.equal((await ask(port, CHAIN)).client.address, "192.0.2.1");
    t.equal((await ask(port, "X-Forwarded-For: a")).client.address, "127.0.0.1");
  }
});

t.test("Forwarded has all in one field", async (t) => {
  const { port } = await startApp(t, APP, {
    trustProxy: 1, forwardedFields: "forwarded", forwardedUrl: "origin",
  });
  const forwarded = `Forwarded: for="[2001:db8::1]";proto=https;host=b.example`;
  const told = await ask(port, `${CHAIN}\r\n${forwarded}`);
  t.match(told, { client: { address: "2001:db8::1" }, url: "https://b.example/a?b" });
  t.match(await ask(port, CHAIN), {
    client: { address: "127.0.0.1" }, url: "http://own.example/a?b",
  });
});

t.test("the URL has from the proxy what it may have", async (t) => {
  const scheme = await startApp(t, APP, { trustProxy: 1, forwardedUrl: "scheme" });
  t.equal((await ask(scheme.port, CHAIN)).url, "https://own.example/a?b");
  const origin = await startApp(t, APP, { trustProxy: 1, forwardedUrl: "origin" });
  const urlOf = async (lines: string): Promise<string> => (await ask(origin.port, lines)).url;
  t.equal(await urlOf(CHAIN), "https://shop.example/a?b");
  t.equal(await urlOf("X-Forwarded-Host: shop.example:8443"), "http://shop.example:8443/a?b");
  t.equal(await urlOf("X-Forwarded-Proto: HTTPS"), "https://own.example/a?b");
  for (const host of ["a/b", "a b", "u@a", "a?", "a#", "", "a\\b", "1.2.3.4.5", ":80"]) {
    t.equal(await urlOf(`X-Forwarded-Host: ${host}`), "http://own.example/a?b", host);
  }
  for (const proto of ["gopher", "", "https:", "javascript", "http s"]) {
    t.equal(await urlOf(`X-Forwarded-Proto: ${proto}`), "http://own.example/a?b", proto);
  }
});

t.test("a target of https is a trusted proxy's to send", async (t) => {
  const answerOf = async (port: number): Promise<string> => {
    const client = await connectRaw({ port });
    client.write(`GET https://a.example/b HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`);
    return await client.readToEnd();
  };
  for (const trustProxy of [1, "127.0.0.0/8"]) {
    const { port } = await startApp(t, APP, { trustProxy });
    t.match(await answerOf(port), /^HTTP\/1\.1 200 [^]*"url":"https:\/\/a\.example\/b"/);
  }
  const { port } = await startApp(t, APP, { trustProxy: "192.0.2.0/24" });
  t.match(await answerOf(port), /^HTTP\/1\.1 421 /);
});

t.test("the access log names the same client, also behind a PROXY header", async (t) => {
  const accessLog = join(ownFolder(t), "access.log");
  const { server } = await startApp(t, APP, {
    accessLog,
    trustedProxies: "127.0.0.1",
    trustProxy: "127.0.0.1,10.0.0.9",
    listeners: [
      { id: "fields", host: "127.0.0.1", port: 0 },
      { id: "both", host: "127.0.0.1", port: 0, proxyProtocol: "required" },
      { id: "none", host: "127.0.0.1", port: 0, trustProxy: 0 },
    ],
  });
  const [fields, both, none] = server.listeners.map(({ port }) => port!);
  await ask(fields!, CHAIN);
  await ask(none!, CHAIN);
  const head = `GET / HTTP/1.1\r\n${HOST}\r\n${CHAIN}\r\n\r\n`;
  for (const from of ["10.0.0.9", "198.51.100.7"]) {
    const client = await connectRaw({ port: both! });
    client.write(`PROXY TCP4 ${from} 10.0.0.1 1 2\r\n${head}`);
    const { client: told } = JSON.parse((await client.response()).body) as Told;
    t.equal(told.address, from === "10.0.0.9" ? "192.0.2.1" : from);
    client.close();
  }
  await server.close();
  const clients = readFileSync(accessLog, "utf8").trimEnd().split("\n").map((line) =>
    line.split(" ")[0]);
  const expected = ["127.0.0.1", "192.0.2.1", "192.0.2.1", "198.51.100.7"];
  t.same(clients.toSorted((a, b) => (a! < b! ? -1 : 1)), expected);
});

t.test("a request that outlives its listener believes whom its listener did", async (t) => {
  const { server, port } = await startApp(t, `
    let late;
    const kept = (request, context) => {
      late = context;
      void context.connection.remote.address; // as long as it is known
      return new Promise(() => {});
    };
    export default {
      routes: { "/late": kept, "/client": () => Response.json(late.client) },
    };
  `);
  const added = await server.addListener({
    id: "trusting", host: "127.0.0.1", port: 0, trustProxy: "127.0.0.1",
  });
  const client = await connectRaw({ port: added.port! });
  t.teardown(() => client.close());
  client.write(`GET /late HTTP/1.1\r\n${HOST}\r\n${CHAIN}\r\n\r\n`);
  const asked = await connectRaw({ port });
  t.teardown(() => asked.close());
  const late = async (): Promise<{ address?: string }> => {
    const { body } = await asked.request(`GET /client HTTP/1.1\r\n${HOST}\r\n\r\n`);
    return JSON.parse(body) as { address?: string };
  };
  await until("the request to be held", async () => server.stats().listeners[1]!.requests === 1);
  t.equal((await late()).address, "192.0.2.1");
  await server.removeListener("trusting", { force: true });
  t.equal((await late()).address, "192.0.2.1", "with nobody at its index");
  // The index that was free the longest comes first: all of them come by.
  for (let i = 0; i < LISTENERS_MAX; i++) {
    const { id } = await server.addListener({
      host: "127.0.0.1", port: 0, autoStart: false, trustProxy: "10.0.0.0/8",
    });
    if (i % 2 === 0) await server.removeListener(id);
    if (i % 16 === 0) t.equal((await late()).address, "192.0.2.1");
  }
});
