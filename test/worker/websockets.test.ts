/** Tests of `context.upgrade(request)` and what stands beside it, on a running server. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp, writeApp } from "../support/server.ts";
import { close, OP, text } from "../support/websocket-frames.ts";
import { handshake, openPeer, rawPeer } from "../support/websocket-peer.ts";

const ECHO = `export default {
  fetch(request, context) {
    const { pathname, searchParams } = new URL(request.url);
    const data = { path: pathname, name: searchParams.get("name") };
    if (pathname === "/status") {
      return Response.json({ count: context.pendingWebSockets, ip: context.requestIP(request) });
    }
    const headers = { "Set-Cookie": "seen=1", "X-Own": "yes" };
    if (pathname === "/late") return later(context, request, data);
    if (context.upgrade(request, { data, headers })) return;
    if (pathname === "/own") return new Response("mine", { status: 418 });
  },
  websocket: {
    open(socket) { socket.send("open " + socket.data.path + " " + socket.data.name); },
    message(socket, message) { socket.send(message); },
  },
};
async function later(context, request, data) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (context.upgrade(request, { data })) return new Response("counts for nothing");
}
`;

t.test("a request becomes a WebSocket with its data", async (t) => {
  const { url } = await startApp(t, ECHO);
  const peer = await openPeer(t, `${url}/chat?name=Ada`);
  peer.socket.send("hello");
  peer.socket.send(Buffer.from("bytes"));
  t.strictSame(await peer.received(3), ["open /chat Ada", "hello", "bytes"]);
  peer.socket.close(4001, "enough");
  t.strictSame(await peer.closed, { code: 4001, reason: "" });
});

t.test("also after await, and what the handler returns then counts for nothing", async (t) => {
  const { url } = await startApp(t, ECHO);
  const peer = await openPeer(t, `${url}/late?name=x`);
  t.strictSame(await peer.received(1), ["open /late x"]);
  peer.socket.terminate();
});

t.test("frames that come with the request are heard, in order", async (t) => {
  const { port } = await startApp(t, ECHO);
  const first = Buffer.concat([text("one"), text("two")]);
  const { peer, head } = await rawPeer(t, port, {}, first);
  t.match(head, /^HTTP\/1\.1 101 /);
  t.match(head, /\r\nupgrade: websocket\r\n/i);
  t.match(head, /\r\nconnection: upgrade\r\n/i);
  t.match(head, /\r\nset-cookie: seen=1\r\n/i);
  t.match(head, /\r\nx-own: yes\r\n/i);
  t.notMatch(head, /content-length|transfer-encoding|content-type/i);
  await until("the answers", () => peer.frames.length === 3);
  t.strictSame(peer.texts, ["open / null", "one", "two"]);
});

t.test("what cannot be a WebSocket is answered with why", async (t) => {
  const { url, connect } = await startApp(t, ECHO);
  const answers: [Record<string, string | null>, number][] = [
    [{ "Sec-WebSocket-Key": "short" }, 400],
    [{ "Sec-WebSocket-Key": null }, 400],
    [{ "Sec-WebSocket-Version": "12" }, 426],
    [{ "Sec-WebSocket-Version": null }, 426],
    [{ Connection: "keep-alive" }, 400],
    [{ "Sec-WebSocket-Protocol": "a,,b" }, 400],
  ];
  for (const [fields, status] of answers) {
    const raw = await connect();
    raw.write(handshake(fields));
    const answer = await raw.response();
    t.equal(answer.status, status, JSON.stringify(fields));
    if (status === 426) {
      t.equal(answer.header("sec-websocket-version"), "13");
      t.equal(answer.header("upgrade"), "websocket");
    }
    raw.write("GET /own HTTP/1.1\r\nHost: localhost\r\n\r\n");
    t.equal((await raw.response()).status, 418, "HTTP goes on");
  }
  const raw = await connect();
  raw.write(handshake({ "Sec-WebSocket-Key": "short" }, "/own"));
  t.equal((await raw.response()).status, 418, "unless the handler answers");
  t.equal((await fetch(`${url}/nothing`)).status, 404, "who asks for none is declined as ever");
});

t.test("the number of WebSockets and the other end are known", async (t) => {
  const { url } = await startApp(t, ECHO);
  const peers = [await openPeer(t, url), await openPeer(t, url)];
  const status = await (await fetch(`${url}/status`)).json();
  t.match(status, { count: 2, ip: { address: "127.0.0.1", port: Number, family: "IPv4" } });
  for (const { socket } of peers) socket.close();
  await Promise.all(peers.map(({ closed }) => closed));
  await until("none", async () => {
    const { count } = (await (await fetch(`${url}/status`)).json()) as { count: number };
    return count === 0;
  });
});

t.test("without a websocket the call says so, and a bad one is refused at load", async (t) => {
  const none = await startApp(t, `export default {
    fetch(request, context) {
      try { context.upgrade(request); } catch (error) { return new Response(error.code); }
    },
  };`);
  t.equal(await (await fetch(none.url)).text(), "ERR_MILLRACE_WEBSOCKET_NONE");
  const bad = "export default { fetch() {}, websocket: { mesage() {} } };";
  await t.rejects(startApp(t, bad), {
    code: "ERR_MILLRACE_WEBSOCKET_INVALID", message: /`websocket\.mesage` is unknown/,
  });
});

t.test("what waits for a slow peer is bounded, and drain tells when it has it", async (t) => {
  const { port } = await startApp(t, `export default {
    fetch(request, context) { context.upgrade(request); },
    websocket: {
      open(socket) {
        const results = [];
        do results.push(socket.send(Buffer.alloc(100_000)));
        while (results.at(-1) !== 0 && results.length < 500);
        socket.data = { results, most: socket.getBufferedAmount() };
      },
      drain(socket) { socket.send(JSON.stringify(socket.data)); },
    },
  };`);
  const { peer } = await rawPeer(t, port);
  await until("drain", () => peer.frames.at(-1)?.opcode === OP.text);
  const told = JSON.parse(peer.texts.at(-1)!) as { results: number[]; most: number };
  t.equal(told.results.at(-1), 0, "dropped");
  t.ok(told.results.includes(-1), "and said so before");
  t.ok(told.most > 1_000_000 && told.most < 3_000_000, `${told.most} bytes waited`);
  t.equal(peer.frames.length, told.results.length, "all but the dropped one, and what drain sent");
  peer.write(close(1000));
  await peer.ended();
});

t.test("on the primary's own loop, and on a listener with an app of its own", async (t) => {
  const name = (own: string): string => `export default {
    fetch(request, context) { context.upgrade(request, { data: "${own}" }); },
    websocket: { open(socket) { socket.send(socket.data); } },
  };`;
  const inline = await startApp(t, name("inline"), { workers: 0 });
  t.strictSame(await (await openPeer(t, inline.url)).received(1), ["inline"]);
  const { server } = await startApp(t, name("of the server"), {
    listeners: [
      { host: "127.0.0.1", port: 0 },
      { host: "127.0.0.1", port: 0, app: writeApp(t, name("of the listener")) },
    ],
  });
  const [one, other] = server.listeners.map(({ url }) => url) as [string, string];
  t.strictSame(await (await openPeer(t, one)).received(1), ["of the server"]);
  t.strictSame(await (await openPeer(t, other)).received(1), ["of the listener"]);
});
