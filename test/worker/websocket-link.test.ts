/** Tests of the protocol on a Duplex: closing, time, backpressure. */
import { once } from "node:events";
import t from "tap";
import { closeFrame, OPCODE, textFrame } from "../../src/worker/websocket-frames.ts";
import { PHASE } from "../../src/worker/websocket-link.ts";
import { until } from "../support/deadline.ts";
import { close, frame, more, OP, text } from "../support/websocket-frames.ts";
import { linkPair, pass } from "../support/websocket-pair.ts";

const PING = frame({ opcode: OP.ping, payload: "are you there" });

t.test("messages, pings and pongs are told; a ping is answered", async (t) => {
  const { peer, told, link } = linkPair();
  peer.write(text("hello"));
  peer.write(PING);
  peer.write(frame({ opcode: OP.pong, payload: "unasked" }));
  peer.write(frame({ opcode: OP.binary, payload: "bytes" }));
  await until("all of it", () => told.length === 4 && peer.frames.length === 1);
  t.strictSame(told, ["text hello", "ping are you there", "pong unasked", "binary bytes"]);
  t.match(peer.frames, [{ opcode: OP.pong, isMasked: false }]);
  t.equal(link.send(textFrame(OPCODE.text, "héllo")), 6, "bytes of the message");
  t.equal(link.send(textFrame(OPCODE.text, "")), 1, "sent, so not 0");
  await until("the messages", () => peer.frames.length === 3);
  t.strictSame(peer.texts, ["are you there", "héllo", ""]);
  link.terminate();
});

t.test("a Close frame is answered with its code, and then the side is closed", async (t) => {
  for (const [code, answered] of [[1000, 1000], [4321, 4321], [undefined, 1005]] as const) {
    const { peer, told, link } = linkPair();
    peer.write(Buffer.concat([close(code, code && "done"), text("behind it")]));
    await peer.ended();
    t.equal(peer.closeCode, answered);
    t.equal(link.send(textFrame(OPCODE.text, "late")), 0);
    peer.stream.end();
    await until("the end", () => told.length > 0);
    t.strictSame(told, [code === undefined ? "close 1005" : `close ${code} done`]);
    t.equal(link.phase, PHASE.closed);
  }
});

t.test("a close of this side ends with the peer's Close, or after some seconds", async (t) => {
  const polite = linkPair();
  polite.link.close(1000, "bye");
  polite.link.close(4000, "again");
  t.equal(polite.link.phase, PHASE.closing);
  polite.peer.write(text("sent before it was seen"));
  polite.peer.write(close(4999, "theirs"));
  await polite.peer.ended();
  t.equal(polite.peer.frames.length, 1);
  t.equal(polite.peer.closeCode, 1000);
  polite.peer.stream.end();
  await until("the end", () => polite.told.length > 0);
  t.strictSame(polite.told, ["close 1000 bye"], "nothing is heard of a closing socket");

  const silent = linkPair();
  silent.link.close(1000, "");
  pass(silent, 9);
  t.notOk(silent.stream.destroyed);
  pass(silent, 1);
  t.ok(silent.stream.destroyed);
  await until("the end", () => silent.told.length > 0);
  t.strictSame(silent.told, ["close 1000"]);
});

t.test("a peer that answers Close and never closes its side is given up", async (t) => {
  const pair = linkPair();
  pair.peer.write(close(1000));
  await pair.peer.ended();
  pass(pair, 1);
  t.notOk(pair.stream.destroyed);
  pass(pair, 1);
  t.ok(pair.stream.destroyed);
  await until("the end", () => pair.told.length > 0);
  t.strictSame(pair.told, ["close 1000"]);
});

t.test("without a Close frame it is 1006: FIN, reset, terminate", async (t) => {
  const fin = linkPair();
  fin.peer.write(text("the last"));
  fin.peer.stream.end();
  await until("the end", () => fin.told.length === 2);
  t.strictSame(fin.told, ["text the last", "close 1006"]);
  t.equal(fin.peer.closeCode, null);

  const reset = linkPair();
  reset.stream.destroy(Object.assign(new Error("gone"), { code: "ECONNRESET" }));
  await until("the end", () => reset.told.length > 0);
  t.strictSame(reset.told, ["close 1006"]);

  const ended = linkPair();
  ended.link.terminate();
  t.equal(ended.link.phase, PHASE.ending);
  t.equal(ended.link.send(textFrame(OPCODE.text, "late")), 0);
  await until("the end", () => ended.told.length > 0);
  t.strictSame(ended.told, ["close 1006"]);
  ended.link.terminate();
  ended.link.close(1000, "");
  t.equal(ended.link.phase, PHASE.closed);
});

t.test("a stream that closed before it was started is told of, too", async (t) => {
  const { stream } = linkPair();
  stream.destroy();
  await once(stream, "close");
  const pair = linkPair();
  pair.stream.destroy();
  await until("the end", () => pair.told.length > 0);
  t.strictSame(pair.told, ["close 1006"]);
});

t.test("after a broken rule the peer gets its code and is heard no more", async (t) => {
  const pair = linkPair();
  pair.peer.write(Buffer.concat([
    text("good"), frame({ opcode: OP.text, payload: "bare", mask: null }), text("never heard"),
  ]));
  await pair.peer.ended();
  pair.peer.write(Buffer.concat([text("never heard"), PING]));
  pair.peer.stream.end();
  await until("the end", () => pair.told.length === 2);
  t.strictSame(pair.told, ["text good", "close 1002 MASK must be set"]);
  t.equal(pair.peer.frames.length, 1);
});

t.test("an unknown kind of frame is 1003, one out of place 1002", async (t) => {
  for (const [bytes, code] of [
    [frame({ opcode: 3 }), 1003], [frame({ opcode: 15 }), 1003],
    [more("of nothing"), 1002], [Buffer.concat([text("a", { fin: false }), text("b")]), 1002],
  ] as const) {
    const { peer } = linkPair();
    peer.write(bytes);
    await peer.ended();
    t.equal(peer.closeCode, code);
  }
});

t.test("the peer is pinged when it is silent, and given up when it stays so", async (t) => {
  const pair = linkPair({ idleTimeout: 120, sendPings: true });
  pass(pair, 19);
  t.equal(pair.stream.writableLength + pair.peer.frames.length, 0);
  pass(pair, 1);
  await until("the ping", () => pair.peer.frames.length === 1);
  pair.peer.write(frame({ opcode: OP.pong }));
  await until("its answer", () => pair.told.length === 1);
  pass(pair, 20);
  await until("the next", () => pair.peer.frames.length === 2);
  pass(pair, 100);
  await until("one each 20 seconds", () => pair.peer.frames.length === 7);
  t.equal(pair.link.phase, PHASE.open, "120 seconds of silence are allowed");
  pass(pair, 1);
  await pair.peer.ended();
  t.equal(pair.peer.closeCode, 1001);
  pass(pair, 2);
  await until("the end", () => pair.told.length === 2);
  t.strictSame(pair.told, ["pong ", "close 1001 idle"]);
});

t.test("a short time-out is pinged half way; without pings sending counts as life", async (t) => {
  const quick = linkPair({ idleTimeout: 1, sendPings: true });
  pass(quick, 1);
  await until("the ping", () => quick.peer.frames.length === 1);
  t.equal(quick.peer.frames[0]!.opcode, OP.ping);
  quick.link.terminate();

  const mute = linkPair({ idleTimeout: 10, sendPings: false });
  for (let i = 0; i < 5; i++) {
    pass(mute, 8);
    mute.link.send(textFrame(OPCODE.text, "news"));
  }
  pass(mute, 10);
  t.equal(mute.link.phase, PHASE.open);
  pass(mute, 1);
  t.not(mute.link.phase, PHASE.open);
  await mute.peer.ended();
  t.strictSame(mute.peer.texts, ["news", "news", "news", "news", "news"]);
  mute.link.terminate();

  const pinged = linkPair({ idleTimeout: 10, sendPings: true });
  for (let i = 0; i < 11; i++) {
    pinged.link.send(textFrame(OPCODE.text, "news"));
    pass(pinged, 1);
  }
  t.not(pinged.link.phase, PHASE.open, "a peer that answers no ping is given up all the same");
  pinged.link.terminate();
});

t.test("send tells of backpressure and drops beyond the limit; drain follows", async (t) => {
  const pair = linkPair({ backpressureLimit: 4000, highWaterMark: 1000 });
  pair.peer.stream.pause();
  const message = textFrame(OPCODE.text, "x".repeat(990));
  const results: number[] = [];
  for (let i = 0; i < 10; i++) results.push(pair.link.send(message));
  t.strictSame(results, [990, 990, -1, -1, -1, -1, 0, 0, 0, 0]);
  t.ok(pair.link.bufferedBytes > 4000 && pair.link.bufferedBytes <= 5000);
  t.notOk(pair.link.isIdle);
  t.strictSame(pair.told, []);
  pair.peer.stream.resume();
  await until("drain", () => pair.told.length > 0);
  t.strictSame(pair.told, ["drain"]);
  await until("all that was taken", () => pair.peer.frames.length === 6);
  t.ok(pair.link.isIdle);
  pair.link.terminate();
});

t.test("a limit of 0 is none; a socket beyond its limit can be ended", async (t) => {
  const free = linkPair({ backpressureLimit: 0, highWaterMark: 1000 });
  free.peer.stream.pause();
  const message = textFrame(OPCODE.text, "x".repeat(100_000));
  for (let i = 0; i < 50; i++) t.equal(free.link.send(message), -1);
  free.link.terminate();

  const strict = linkPair({
    backpressureLimit: 4000, highWaterMark: 1000, closeOnBackpressureLimit: true,
  });
  strict.peer.stream.pause();
  t.equal(strict.link.send(message), -1, "one message may be longer than the limit");
  t.equal(strict.link.send(message), 0);
  await until("the end", () => strict.told.length > 0);
  t.strictSame(strict.told, ["close 1006"]);
});

t.test("answers to pings are not kept without bound for a peer that reads nothing", async (t) => {
  const pair = linkPair({ backpressureLimit: 4000, highWaterMark: 1000 });
  pair.peer.stream.pause();
  const ping = frame({ opcode: OP.ping, payload: "p".repeat(125) });
  for (let i = 0; i < 500; i++) pair.peer.write(ping);
  await until("all pings", () => pair.told.length === 500);
  t.ok(pair.link.bufferedBytes < 4200, `${pair.link.bufferedBytes} bytes wait`);
  pair.link.terminate();
});

t.test("a peer's Close while the other side cannot be written ends all the same", async (t) => {
  const pair = linkPair({ highWaterMark: 1000 });
  pair.peer.stream.pause();
  for (let i = 0; i < 20; i++) pair.link.send(textFrame(OPCODE.text, "x".repeat(900)));
  pair.peer.write(close(1000));
  await until("it", () => pair.link.phase === PHASE.ending);
  pass(pair, 2);
  await until("the end", () => pair.told.length > 0);
  t.strictSame(pair.told, ["close 1000"]);
});

t.test("what a message does to its socket counts for the next one of the same read", async (t) => {
  const ended = linkPair({ onMessage: (link) => link.terminate() });
  ended.peer.write(Buffer.concat([text("one"), text("two")]));
  await until("the end", () => ended.told.length === 2);
  t.strictSame(ended.told, ["text one", "close 1006"]);

  const failed = linkPair({ onMessage: (link) => link.fail(1011, "internal error") });
  failed.peer.write(Buffer.concat([text("one"), text("two")]));
  await failed.peer.ended();
  t.equal(failed.peer.closeCode, 1011);
  t.strictSame(failed.told, ["text one"]);
  failed.link.terminate();
});

t.test("a Close frame of our own is what the peer would read", async (t) => {
  t.equal(closeFrame(1001, "x").toString("latin1"), "\x88\x03\x03\xe9x");
});

t.test("4 MiB may come in parts of 64 bytes, and no message in more than 131,072", async (t) => {
  const part = Buffer.alloc(64, "f");
  const first = frame({ opcode: OP.binary, payload: part, fin: false });
  const middle = frame({ opcode: OP.continuation, payload: part, fin: false });
  const count = 65_536;
  let received = 0;
  const pair = linkPair({ onMessage: (_, data) => (received = data.length) });
  const middles = Buffer.concat(Array.from({ length: 1024 }, () => middle));
  pair.peer.write(first);
  for (let i = 0; i < count / 1024 - 1; i++) pair.peer.write(middles);
  pair.peer.write(middles.subarray(0, middle.length * 1022));
  pair.peer.write(more(part));
  await until("the message", () => received > 0);
  t.equal(received, 64 * count);
  pair.link.terminate();

  const empty = linkPair();
  const nothing = frame({ opcode: OP.continuation, fin: false });
  const nothings = Buffer.concat(Array.from({ length: 1024 }, () => nothing));
  empty.peer.write(frame({ opcode: OP.text, fin: false }));
  for (let i = 0; i < 128; i++) empty.peer.write(nothings);
  await empty.peer.ended();
  t.equal(empty.peer.closeCode, 1008);
  empty.link.terminate();
});
