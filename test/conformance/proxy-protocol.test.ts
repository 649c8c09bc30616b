/** Listeners that require a PROXY header: what it changes, and what happens without a valid one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startApp, type TestServer } from "../support/server.ts";
import { ask, switched } from "../support/upgrades.ts";

const APP = `
  const seen = [];
  export default {
    onRequest: ({ request, remote }) => void seen.push([request === null, remote.address]),
    routes: {
      "/": (request, { connection }) => Response.json({
        remote: connection.remote, local: connection.local, id: connection.id,
        url: request.url,
      }),
      "/seen": () => Response.json(seen),
      "/exit": () => process.exit(0),
      "/up": (request, context) => context.upgrade({
        start: async (socket, { connection }) => {
          const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = socket;
          const ends = { remoteAddress, remotePort, remoteFamily, localAddress, localPort };
          socket.write(JSON.stringify({ ...ends, remote: connection.remote }) + "\\n");
        },
      }),
    },
  };
`;
const PROXY = { proxyProtocol: "required", trustedProxies: "127.0.0.0/8" } as const;
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const V1 = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
const CLIENT = { address: "192.0.2.1", port: 56_324, family: "IPv4" };
const SERVED = { address: "198.51.100.2", port: 443, family: "IPv4" };
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function binary(command: number, family: number, body: string): string {
  const length = String.fromCharCode(body.length >> 8, body.length & 255);
  return SIGNATURE + String.fromCharCode(command, family) + length + body;
}

const V6_ENDS = `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(15)}\x01\x01\x02\0\x50`;

t.test("the announced ends are those of the connection, for all its requests", async (t) => {
  const { connect, port } = await startApp(t, APP, PROXY);
  const own = { address: "127.0.0.1", family: "IPv4" };
  const cases: [name: string, header: string, remote: object, local: object][] = [
    ["TCP4", V1, CLIENT, SERVED],
    ["TCP6", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", { address: "2001:db8::1", port: 1 },
      { address: "::1", port: 2, family: "IPv6" }],
    ["UNKNOWN", "PROXY UNKNOWN\r\n", own, { ...own, port }],
    ["version 2", binary(0x21, 0x11, "\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"), CLIENT,
      SERVED],
    ["version 2, IPv6 and extensions", binary(0x21, 0x21, `${V6_ENDS}\x04\0\x01x`),
      { address: "2001:db8::1", port: 258, family: "IPv6" }, { address: "::1", port: 80 }],
    ["LOCAL", binary(0x20, 0, ""), own, { ...own, port }],
    ["Unix paths", binary(0x21, 0x31, "p".repeat(216)), { address: "", family: "unix" },
      { address: "", family: "unix" }],
  ];
  for (const [name, header, remote, local] of cases) {
    for (const how of ["at once", "slowly", "apart"]) {
      const client = await connect();
      if (how === "at once") client.write(header + GET);
      else if (how === "slowly") await client.writeSlowly(header + GET);
      else {
        client.write(header);
        await new Promise((resolve) => setTimeout(resolve, 20));
        client.write(GET);
      }
      const first = await client.response();
      t.match(JSON.parse(first.body), { remote, local, url: "http://h/" }, `${name} ${how}`);
      client.write(GET + GET);
      for (let i = 0; i < 2; i++) t.equal((await client.response()).body, first.body);
      client.close();
    }
  }
});

t.test("logs and hooks see the announced address", async (t) => {
  const accessLog = join(ownFolder(t), "access.log");
  const { connect, server } = await startApp(t, APP, { ...PROXY, accessLog });
  const client = await connect();
  client.write(`${V1}${GET}`);
  await client.response();
  const told = await client.request("GET /seen HTTP/1.1\r\nHost: h\r\n\r\n");
  t.same(JSON.parse(told.body), [[false, "192.0.2.1"], [false, "192.0.2.1"]]);
  t.equal((await client.request("BROKEN\r\n\r\n")).status, 400);
  client.close();
  await server.close();
  const lines = readFileSync(accessLog, "utf8").trimEnd().split("\n");
  t.equal(lines.length, 3);
  for (const line of lines) t.match(line, /^192\.0\.2\.1 - - \[/);
});

t.test("what is no valid header is closed without a byte, counted and logged", async (t) => {
  const logDestination = join(ownFolder(t), "worker.log");
  const { connect, server } = await startApp(t, APP, {
    ...PROXY, headTimeoutMs: 300, logDestination, logLevel: "warn",
  });
  const malformed = [
    GET, "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n", `PROXY UNKNOWN ${"x".repeat(200)}`,
    binary(0x22, 0x11, "x".repeat(12)), binary(0x21, 0x11, "x"), `${SIGNATURE}\x21\x11\xff\xff`,
    "X",
  ];
  for (const bytes of malformed) {
    const client = await connect();
    client.write(bytes + GET);
    await until("the close", () => client.state !== "open");
    t.equal(client.pending, "", JSON.stringify(bytes));
  }
  const late = await connect();
  late.write("PROXY TCP4");
  const silent = await connect();
  const cut = await connect();
  cut.write("PROXY TCP4 ");
  cut.end();
  for (const client of [late, silent, cut]) {
    await until("the close", () => client.state !== "open");
    t.equal(client.pending, "");
  }
  const looks = await connect();
  looks.end();
  await until("its end", () => looks.state !== "open");
  const counted = malformed.length + 3;
  t.match(server.stats().listeners, [{ unannounced: counted, requests: 0 }]);
  const good = await connect();
  good.write(V1 + GET);
  t.equal((await good.response()).status, 200);
  t.match(server.stats().listeners, [{ unannounced: counted }]);
  await until("the log", () => readFileSync(logDestination, "utf8").includes("\n"));
  const [line] = readFileSync(logDestination, "utf8").split("\n");
  t.match(JSON.parse(line!), {
    listener: "default",
    remote: { address: "127.0.0.1", family: "IPv4" },
    msg: "closed a connection: malformed PROXY header",
  });
});

t.test("who is not trusted is closed, whatever is sent", async (t) => {
  const path = join(ownFolder(t), "s");
  const { server } = await startApp(t, APP, {
    proxyProtocol: "required",
    listeners: [
      { id: "other", host: "127.0.0.1", port: 0, trustedProxies: "10.0.0.0/8,unix" },
      { id: "unix", path, trustedProxies: ["unix"] },
      { id: "tcp", host: "127.0.0.1", port: 0, trustedProxies: "127.0.0.1" },
      { id: "plain", host: "127.0.0.1", port: 0, proxyProtocol: "off" },
    ],
  });
  const [other, , tcp, plain] = server.listeners;
  const stranger = await connectRaw({ port: other!.port });
  stranger.write(V1 + GET);
  await until("the close", () => stranger.state !== "open");
  t.equal(stranger.pending, "");
  t.match(server.stats().listeners, [{ unannounced: 1 }, { unannounced: 0 }]);
  for (const target of [{ path }, { port: tcp!.port }]) {
    const client = await connectRaw(target);
    client.write(V1 + GET);
    t.match(JSON.parse((await client.response()).body), { remote: CLIENT });
    client.close();
  }
  const client = await connectRaw({ port: plain!.port });
  t.equal((await client.request(V1.trimEnd() + GET)).status, 501, "it is never guessed");
  client.close();
});

/** One connection whose header has come, and one that waits for the rest of it. */
async function connectBoth({ server, connect }: TestServer) {
  const known = await connect();
  known.write(V1 + GET);
  const before = JSON.parse((await known.response()).body);
  const waiting = await connect();
  waiting.write(V1.slice(0, 20));
  await until("both", () => server.stats().workers[0]!.connections === 2);
  /** Both are what they were before they moved. */
  return async (t: Test): Promise<void> => {
    t.match(JSON.parse((await known.request(GET)).body), before, "id and ends are the same");
    waiting.write(V1.slice(20) + GET);
    t.match(JSON.parse((await waiting.response()).body), { remote: CLIENT });
  };
}

t.test("a connection that moves keeps what was announced, or goes on waiting", async (t) => {
  const started = await startApp(t, APP, { ...PROXY, workers: 1 });
  const { server, connect } = started;
  const areSame = await connectBoth(started);
  const dying = await connect();
  dying.write(`${V1}GET /exit HTTP/1.1\r\nHost: h\r\n\r\n`);
  await until("the next worker", () => server.stats().workers[0]?.id === 2);
  await areSame(t);
});

t.test("a reload moves both kinds, and waits for neither", async (t) => {
  const started = await startApp(t, APP, PROXY);
  const { server } = started;
  const areSame = await connectBoth(started);
  await server.reload();
  await until("the end of the old worker", () => server.stats().workers.length === 1);
  t.match(server.stats().workers, [{ generation: 2, connections: 2 }]);
  await areSame(t);
  t.match(server.stats().listeners, [{ unannounced: 0 }]);
});

t.test("a stop ends connections that wait for their header", async (t) => {
  const { server, connect } = await startApp(t, APP, { ...PROXY, drainQuietMs: 50 });
  const waiting = await connect();
  waiting.write("PROXY");
  await until("it", () => server.stats().workers[0]!.connections === 1);
  const { graceful, destroyed } = await server.stopListener("default", { deadlineMs: 20_000 });
  t.same({ graceful, destroyed }, { graceful: true, destroyed: 0 });
  await until("the close", () => waiting.state !== "open");
});

t.test("it is required of somebody", async (t) => {
  await t.rejects(startApp(t, APP, { proxyProtocol: "required" }), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: /proxyProtocol: required needs trustedProxies/,
  });
});

t.test("a socket of an app has the announced ends", async (t) => {
  const { connect } = await startApp(t, APP, PROXY);
  const client = await connect();
  client.write(V1 + ask("/up"));
  await switched(client);
  t.match(JSON.parse(await client.readUntil("\n")), {
    remoteAddress: CLIENT.address, remotePort: CLIENT.port, remoteFamily: CLIENT.family,
    localAddress: SERVED.address, localPort: SERVED.port, remote: CLIENT,
  });
});
