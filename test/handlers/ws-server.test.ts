/** Tests of a `WebSocketServer` of `ws` on upgraded connections, against the peer of `ws`. */
import { once } from "node:events";
import t from "tap";
import { WebSocket } from "ws";
import { startApp } from "../support/server.ts";
import { text } from "../support/websocket-frames.ts";
import { handshake, openPeer, rawPeer } from "../support/websocket-peer.ts";
import { until } from "../support/deadline.ts";

const OURS = import.meta.resolve("../../src/handlers/ws-server.js");

const APP = `
import { WebSocketServer } from ${JSON.stringify(import.meta.resolve("ws"))};
import { upgradeWith } from ${JSON.stringify(OURS)};

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: { threshold: 0 },
  handleProtocols: (protocols) => (protocols.has("second") ? "second" : false),
  verifyClient: ({ req }, done) => {
    setTimeout(() => done(!req.url.includes("refused"), 403, "not you"), 1);
  },
});
server.on("connection", (socket, request) => {
  socket.send("of ws " + request.url + " " + request.headers["x-mine"]);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
export default { fetch: (request, context) => upgradeWith(server, request, context) };
`;

t.test("its sockets work, with what it negotiates", async (t) => {
  const { url, server } = await startApp(t, APP);
  const headers = { "X-Mine": "yes" };
  const peer = await openPeer(t, `${url}/chat?a=b`, { headers }, ["first", "second"]);
  t.equal(peer.socket.protocol, "second");
  t.match(peer.socket.extensions, /^permessage-deflate/);
  const long = "long ".repeat(60_000);
  peer.socket.send("hello");
  peer.socket.send(long);
  t.strictSame(await peer.received(3), ["of ws /chat?a=b yes", "hello", long]);
  peer.socket.close(4000, "done");
  t.strictSame(await peer.closed, { code: 4000, reason: "done" });

  const stopped = await openPeer(t, url);
  await stopped.received(1);
  const result = await server.stopListener(server.listeners[0]!.id);
  t.strictSame(result, { graceful: true, destroyed: 0 });
  t.equal((await stopped.closed).code, 1001);
});

t.test("what it refuses is an ordinary answer", async (t) => {
  const { url, connect } = await startApp(t, APP);
  t.equal((await fetch(url)).status, 400);
  const refused = new WebSocket(`${url.replace("http", "ws")}/refused`);
  const [error] = await once(refused, "error");
  t.match(error, { message: "Unexpected server response: 403" });
  const raw = await connect();
  const answer = await raw.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  t.match(answer.body, "Invalid Upgrade header");
});

const THROWING = `
import { WebSocketServer } from ${JSON.stringify(import.meta.resolve("ws"))};
import { upgradeWith } from ${JSON.stringify(OURS)};

const raise = () => { throw new Error("on purpose"); };
const listened = new WebSocketServer({ noServer: true });
listened.on("headers", raise);
const late = new WebSocketServer({ noServer: true });
late.on("wsClientError", (error, socket) => {
  socket.write("HTTP/1.1 400 Bad Request\\r\\n\\r\\n");
  raise();
});
const servers = {
  "/verify": new WebSocketServer({ noServer: true, verifyClient: raise }),
  "/protocols": new WebSocketServer({ noServer: true, handleProtocols: raise }),
  "/headers": listened,
  "/late": late,
};
const told = [];
export default {
  routes: { "/told": () => Response.json(told) },
  fetch(request, context) {
    return upgradeWith(servers[new URL(request.url).pathname], request, context);
  },
  error: ({ message }) => void told.push(message),
};
`;

t.test("what a function of the app's throws within it is a failure as all others", async (t) => {
  const { connect, url } = await startApp(t, THROWING);
  const client = await connect();
  const ask = handshake({ "Sec-WebSocket-Protocol": "first" });
  for (const path of ["/verify", "/protocols", "/headers"]) {
    const answer = await client.request(ask.replace("/", path));
    t.equal(answer.status, 500, path);
  }
  const late = await client.request("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  t.equal(late.status, 500, "also behind an answer of its own");
  t.strictSame(await (await fetch(`${url}/told`)).json(), Array(4).fill("on purpose"));
});

t.test("frames that come with the request are heard; who goes is noticed", async (t) => {
  const { port, url, server } = await startApp(t, APP);
  const { peer, head } = await rawPeer(t, port, {}, text("early"));
  t.match(head, /^HTTP\/1\.1 101 /);
  t.equal(head.match(/sec-websocket-accept/gi)?.length, 1);
  await until("both", () => peer.frames.length === 2);
  t.strictSame(peer.texts, ["of ws / undefined", "early"]);
  peer.stream.destroy();
  await until("its end", () => server.stats().listeners[0]!.upgraded === 0);
  t.ok(url);
});
