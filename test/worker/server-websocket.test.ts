/** Tests of Bun's interface on a socket in memory. */
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import type { ServerWebSocket, WebSocketHandler } from "../../src/shared/websockets.ts";
import { ServerSocket, type SocketTopics } from "../../src/worker/server-websocket.ts";
import { WebSocketClock } from "../../src/worker/websocket-clock.ts";
import { negotiateDeflate } from "../../src/worker/websocket-deflate.ts";
import { readWebSocketMember } from "../../src/worker/websocket-options.ts";
import { until } from "../support/deadline.ts";
import { duplexPair } from "../support/duplex-pair.ts";
import { binary, close, frame, OP, text } from "../support/websocket-frames.ts";
import { WirePeer } from "../support/websocket-pair.ts";

interface Opened {
  readonly socket: ServerSocket;
  readonly peer: WirePeer;
  readonly logged: unknown[];
  readonly closed: Promise<void>;
  /** What was asked of the topics. */
  readonly asked: unknown[][];
}

function open(given: WebSocketHandler<unknown>, data?: unknown): Opened {
  const member = readWebSocketMember(given)!;
  const [stream, far] = duplexPair();
  const logged: unknown[] = [];
  const asked: unknown[][] = [];
  const topics: SocketTopics = {
    subscribe: (socket, topic) => void socket.topics.add(topic),
    unsubscribe: (socket, topic) => void socket.topics.delete(topic),
    leave: (socket) => socket.topics.clear(),
    publish: (topic, sent, compress, except) => asked.push([topic, sent, compress, except]),
  };
  const log = { error: (facts: unknown) => logged.push(facts) } as unknown as Log;
  const { deflate } = member.options;
  const site = { member, clock: new WebSocketClock(), topics, log };
  const offer = "permessage-deflate; server_max_window_bits=12";
  const negotiated = deflate === null ? null : negotiateDeflate(offer, deflate, 1000);
  const socket = new ServerSocket(site, stream, "192.0.2.7", data, negotiated);
  const closed = socket.run();
  t.teardown(() => socket.terminate());
  return { socket, peer: new WirePeer(far), logged, closed, asked };
}

t.test("open comes first, and can send", async (t) => {
  const told: string[] = [];
  const { socket, peer } = open({
    open: (socket) => {
      told.push(`open ${String(socket.data)} ${socket.readyState} ${socket.remoteAddress}`);
      socket.send("welcome");
    },
    message: (_, message) => void told.push(`message ${message.toString()}`),
  }, "my data");
  peer.write(text("hi"));
  await until("both", () => told.length === 2 && peer.frames.length === 1);
  t.strictSame(told, ["open my data 1 192.0.2.7", "message hi"]);
  t.strictSame(peer.texts, ["welcome"]);
  socket.data = { changed: true };
  t.strictSame(socket.data, { changed: true });
});

t.test("bytes come as binaryType says, in memory of their own", async (t) => {
  const got: unknown[] = [];
  const { socket, peer } = open({
    message: (_, data) => void got.push(data),
    ping: (_, data) => void got.push(data),
    pong: (_, data) => void got.push(data),
  });
  for (const type of ["nodebuffer", "arraybuffer", "uint8array", "blob"] as const) {
    socket.binaryType = type;
    got.length = 0;
    peer.write(Buffer.concat([
      binary(Buffer.from("abc")), frame({ opcode: OP.ping, payload: "abc" }),
      frame({ opcode: OP.pong, payload: "abc" }), text("text is text"),
    ]));
    await until("all four", () => got.length === 4);
    t.equal(got[3], "text is text");
    for (const data of got.slice(0, 3)) {
      if (type === "blob") t.equal(await (data as Blob).text(), "abc");
      else if (type === "arraybuffer") t.equal(Buffer.from(data as ArrayBuffer).toString(), "abc");
      else {
        t.equal(Buffer.isBuffer(data), type === "nodebuffer");
        t.equal((data as Uint8Array).buffer.byteLength, 3, "nothing else is in its memory");
      }
    }
  }
});

t.test("send, sendText and sendBinary take what they say", async (t) => {
  const { socket, peer } = open({});
  t.equal(socket.send("é"), 2);
  t.equal(socket.sendText("text"), 4);
  t.equal(socket.sendBinary(Buffer.from("bytes")), 5);
  t.equal(socket.send(new ArrayBuffer(3)), 3);
  t.equal(socket.ping("?"), 1);
  t.equal(socket.pong(), 1);
  t.equal(socket.ping("x".repeat(125)), 125);
  for (const wrong of [7, null, undefined, {}, new Blob([])]) {
    t.throws(() => socket.send(wrong as never), TypeError);
    t.throws(() => socket.sendText(wrong as never), TypeError);
    t.throws(() => socket.sendBinary(wrong as never), TypeError);
    t.throws(() => socket.publishText("topic", wrong as never), TypeError);
    t.throws(() => socket.publish("topic", wrong as never), TypeError);
  }
  t.throws(() => socket.sendBinary("text" as never), TypeError);
  t.throws(() => socket.ping("x".repeat(126)), RangeError);
  await until("the frames", () => peer.frames.length === 7);
  t.strictSame(peer.frames.map(({ opcode }) => opcode), [1, 1, 2, 2, 9, 10, 9]);
  const changed = Buffer.from("before");
  socket.cork((same) => {
    t.equal(same, socket);
    same.send(changed);
    changed.fill(0);
    return "result";
  });
  await until("the corked one", () => peer.frames.length === 8);
  t.equal(peer.texts.at(-1), "before");
  t.throws(() => socket.cork(() => { throw new Error("mine"); }), { message: "mine" });
  socket.send("still uncorked");
  await until("it", () => peer.frames.length === 9);
});

t.test("close checks what it sends, and close is told once at the end", async (t) => {
  const told: unknown[] = [];
  const { socket, peer, closed } = open({
    close: (socket, code, reason) => {
      told.push([code, reason, socket.readyState, socket.send("late"), socket.subscriptions]);
    },
  });
  for (const code of [999, 1005, 1006, 1015, 5000, 1.5]) {
    t.throws(() => socket.close(code), RangeError, `${code}`);
  }
  t.throws(() => socket.close(1000, "x".repeat(124)), RangeError);
  socket.subscribe("news");
  t.equal(socket.readyState, 1);
  socket.close(4000, "enough");
  t.equal(socket.readyState, 2);
  socket.close();
  t.equal(socket.publish("news", "late"), 0);
  t.equal(socket.subscribe("more"), false);
  peer.write(close(4000));
  await peer.ended();
  peer.stream.end();
  await closed;
  t.strictSame(told, [[4000, "enough", 3, 0, []]]);
  t.equal(peer.closeCode, 4000);
});

t.test("what a handler throws ends its socket with 1011 and is logged", async (t) => {
  const mine = new Error("mine");
  const thrown: [WebSocketHandler<unknown>, Buffer][] = [
    [{ open: () => { throw mine; } }, Buffer.alloc(0)],
    [{ message: () => { throw mine; } }, text("x")],
    [{ message: async () => { await Promise.resolve(); throw mine; } }, text("x")],
    [{ ping: () => { throw mine; } }, frame({ opcode: OP.ping })],
    [{ pong: async () => await Promise.reject(mine) }, frame({ opcode: OP.pong })],
  ];
  for (const [handlers, bytes] of thrown) {
    const { peer, logged } = open(handlers);
    peer.write(bytes);
    await peer.ended();
    t.equal(peer.closeCode, 1011);
    t.strictSame(logged, [{ err: mine }]);
  }
  const last = open({ close: () => { throw mine; } });
  last.socket.terminate();
  await last.closed;
  t.strictSame(last.logged, [{ err: mine }], "also of close, which is the last");
});

t.test("error is told instead of the log, and its own failure is logged", async (t) => {
  const errors: unknown[] = [];
  const mine = new Error("mine");
  const { peer, logged } = open({
    message: () => { throw mine; },
    error: (socket, error) => void errors.push([error, socket.readyState]),
  });
  peer.write(text("x"));
  await peer.ended();
  t.strictSame(errors, [[mine, 1]], "it can still send");
  t.strictSame(logged, []);
  const another = new Error("another");
  const bad = open({ message: () => { throw mine; }, error: () => { throw another; } });
  bad.peer.write(text("x"));
  await bad.peer.ended();
  await until("the log", () => bad.logged.length > 0);
  t.strictSame(bad.logged, [{ err: another }]);
});

t.test("compression is used where it is asked for and negotiated", async (t) => {
  const news = "news ".repeat(100);
  const { socket, peer } = open({ perMessageDeflate: true });
  t.equal(socket.send(news, true), 500, "bytes of the message");
  socket.send(news);
  socket.send("x", true);
  await until("all", () => peer.frames.length === 3);
  t.strictSame(peer.frames.map(({ reserved }) => reserved), [0x40, 0, 0]);
  t.ok(peer.frames[0]!.payload.length < 50);
  t.equal(socket.frameKind(true), 12);
  t.equal(socket.frameKind(false), 0);
  const plain = open({});
  plain.socket.send(news, true);
  await until("it", () => plain.peer.frames.length === 1);
  t.equal(plain.peer.frames[0]!.reserved, 0);
  t.equal(plain.socket.frameKind(true), 0);
  plain.socket.terminate();
  t.equal(plain.socket.frameKind(false), -1);
});

t.test("topics are asked, and left at the end", async (t) => {
  const { socket, asked, closed } = open({});
  t.equal(socket.subscribe("news"), true);
  t.equal(socket.subscribe("news"), true, "as in Bun");
  t.ok(socket.isSubscribed("news"));
  t.strictSame(socket.subscriptions, ["news"]);
  t.equal(socket.unsubscribe("other"), false);
  t.equal(socket.unsubscribe("news"), true);
  t.throws(() => socket.subscribe(7 as never), TypeError);
  socket.subscribe("again");
  socket.publish("news", "text");
  socket.publishText("news", "text", true);
  socket.publishBinary("news", Buffer.from("x"));
  socket.sendPublished("to this one", false);
  t.strictSame(asked, [
    ["news", "text", false, socket], ["news", "text", true, socket],
    ["news", Buffer.from("x"), false, socket],
  ]);
  socket.terminate();
  await closed;
  t.strictSame(socket.subscriptions, []);
  const self = open({ publishToSelf: true });
  self.socket.publish("news", "text");
  t.strictSame(self.asked, [["news", "text", false, undefined]]);
});

t.test("drain is told, and what waits is known", async (t) => {
  let drained = 0;
  const { socket, peer } = open({ drain: () => void drained++, backpressureLimit: 300_000 });
  peer.stream.pause();
  const results = Array.from({ length: 10 }, () => socket.send(Buffer.alloc(70_000)));
  t.strictSame(results.slice(5), [0, 0, 0, 0, 0].slice(0, 5));
  t.ok(results.includes(-1));
  t.ok(socket.getBufferedAmount() > 300_000);
  t.equal(socket.frameKind(false), -1);
  peer.stream.resume();
  await until("drain", () => drained === 1);
  t.equal(socket.getBufferedAmount(), 0);
  const asPublic: ServerWebSocket<unknown> = socket;
  t.equal(asPublic.send("again"), 5);
});
