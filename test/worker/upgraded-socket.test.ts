/** The socket of an upgraded connection, with the other side of the rings played by the test. */
import { once } from "node:events";
import t from "tap";
import {
  KIND_ABORT, KIND_FINISH, KIND_PAUSE_BODY, KIND_RESUME_BODY, KIND_SEND, REPLY_NOTIFY, REPLY_RESET,
} from "../../src/shared/layout.ts";
import { RingSocket } from "../../src/worker/upgraded-socket.ts";
import { RingSide } from "../support/ring-side.ts";

const LIMIT = 65_536;

function socketOn(side: RingSide, slot = 1): { socket: RingSocket; options: number[][] } {
  const options: number[][] = [];
  const socket = new RingSocket({
    rings: side.rings,
    slot,
    generation: 1,
    outputBytesMax: LIMIT,
    remote: { address: "192.0.2.7", port: 4711, family: "IPv4" },
    local: { address: "192.0.2.1", port: 80, family: "IPv4" },
    setOption: (option, value) => options.push([option, value]),
  });
  return { socket, options };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("small writes go to the ring at once, in one record", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  let isCalled = false;
  socket.write("one ", () => (isCalled = true));
  socket.cork();
  socket.write("two ");
  socket.write(Buffer.from("three"));
  socket.uncork();
  const replies = side.take();
  t.strictSame(replies.map(({ kind, bytes }) => [kind, bytes]), [[KIND_SEND, "one two three"]]);
  t.equal(socket.bytesWritten, 13);
  t.equal(socket.writableLength, 0);
  await turn();
  t.ok(isCalled);
});

t.test("a writer waits while the kernel does not take bytes", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  const block = "x".repeat(200_000);
  side.setUnsent(1, LIMIT + 1);
  t.equal(socket.write(block), false);
  t.equal(socket.write("tail"), false);
  let replies = side.take();
  t.equal(RingSide.sent(replies, 1), "");
  t.strictSame(replies.map(({ flags }) => flags), [REPLY_NOTIFY]);
  t.equal(socket.unsentBytes, 200_004 + LIMIT + 1);
  let drains = 0;
  socket.on("drain", () => drains++);
  side.setUnsent(1, 0);
  socket.resumeWriting();
  await turn();
  replies = side.take();
  t.equal(RingSide.sent([...side.seen, ...replies], 1), `${block}tail`);
  t.equal(drains, 1);
  t.equal(socket.writableLength, 0);
});

t.test("what comes is copied, and reading stops while nobody takes it", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  const slab = Buffer.alloc(128 * 1024, "abcdefgh");
  socket.receive(slab, 8, 5);
  socket.receive(slab, 0, 65_536);
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_PAUSE_BODY]);
  socket.receive(slab, 0, 8); // it was under way
  t.strictSame(side.take(), [], "asked once");
  const chunk = socket.read(5) as Buffer;
  t.equal(chunk.toString(), "abcde");
  t.equal(chunk.buffer.byteLength, 5, "nothing else is in its memory");
  let length = 0;
  socket.on("data", (each: Buffer) => (length += each.length));
  await turn();
  t.equal(length, 65_544);
  t.equal(socket.bytesRead, 65_549);
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_RESUME_BODY]);
});

t.test("the peer's FIN: end comes without a reader, and ends a socket nobody ends", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  socket.receiveEnd();
  await turn();
  t.ok(socket.readableEnded);
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_SEND, KIND_FINISH]);
  socket.resumeWriting();
  socket.connectionClosed(null);
  await once(socket, "close");
  t.equal(socket.errored, null);
});

t.test("who listens to end goes on writing", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  socket.on("end", () => socket.write("after"));
  socket.resume();
  socket.receiveEnd();
  await turn();
  t.equal(socket.readyState, "writeOnly");
  t.equal(RingSide.sent(side.take(), 1), "after");
  let isFinished = false;
  socket.end("last", () => (isFinished = true));
  const replies = side.take();
  t.strictSame(replies.map(({ kind }) => kind), [KIND_SEND, KIND_FINISH]);
  t.equal(replies[0]!.flags, REPLY_NOTIFY);
  await turn();
  t.equal(isFinished, false, "not before the kernel has it");
  socket.connectionClosed(null); // all at once: it was sent, and the connection was over
  await once(socket, "close");
  t.equal(isFinished, true);
});

t.test("destroying sends what was written, and closes once", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  socket.write("bye");
  socket.destroy();
  t.equal(side.flushes, 1);
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_SEND, KIND_ABORT]);
  let closes = 0;
  socket.on("close", () => closes++);
  await turn();
  t.equal(closes, 0, "it is not closed yet");
  socket.receive(Buffer.from("late"), 0, 4);
  socket.connectionClosed(null);
  await turn();
  t.equal(closes, 1);
  socket.write("never", (error) => t.match(error, { code: "ERR_STREAM_DESTROYED" }));
  await turn();
  t.strictSame(side.take(), []);
});

t.test("who waits for a write is told when the connection goes", async (t) => {
  const goes: Record<string, (socket: RingSocket) => string> = {
    reset(socket) {
      socket.connectionClosed(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
      return "ECONNRESET";
    },
    closed(socket) {
      socket.connectionClosed(null);
      return "ERR_STREAM_DESTROYED";
    },
    destroyed(socket) {
      socket.destroy();
      socket.connectionClosed(null);
      return "ERR_STREAM_DESTROYED";
    },
    destroyedWithError(socket) {
      socket.destroy(Object.assign(new Error("own"), { code: "OWN" }));
      socket.connectionClosed(null);
      return "OWN";
    },
  };
  for (const [name, go] of Object.entries(goes)) {
    const side = new RingSide();
    const { socket } = socketOn(side);
    side.setUnsent(1, LIMIT + 1);
    const told: string[] = [];
    const tell = (what: string) => (error?: Error | null): void => {
      told.push(`${what} ${(error as NodeJS.ErrnoException | null)?.code}`);
    };
    socket.write("waits", tell("write"));
    socket.write("behind it", tell("next"));
    socket.end(tell("end"));
    const code = go(socket);
    if (!socket.closed) await once(socket, "close").catch(() => {});
    await turn();
    t.strictSame(told, [`write ${code}`, `next ${code}`, `end ${code}`], name);
    t.equal(socket.writableFinished, false);
  }
});

t.test("so is who waits for the end", async (t) => {
  const { socket } = socketOn(new RingSide());
  let told: Error | null | undefined;
  socket.end("last", (error?: Error | null) => (told = error));
  await turn();
  socket.destroy();
  socket.connectionClosed(null);
  await once(socket, "close");
  t.match(told, { code: "ERR_STREAM_DESTROYED" });
});

t.test("destroySoon and resetAndDestroy", async (t) => {
  const side = new RingSide();
  const { socket } = socketOn(side);
  socket.write("x");
  socket.destroySoon();
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_SEND, KIND_FINISH]);
  socket.resumeWriting();
  await turn();
  t.strictSame(side.take().map(({ kind }) => kind), [KIND_ABORT]);
  const { socket: other } = socketOn(side, 2);
  other.resetAndDestroy();
  t.match(side.take()[0], { kind: KIND_ABORT, slot: 2, flags: REPLY_RESET });
});

t.test("a reset is an error that needs no listener", async (t) => {
  const { socket } = socketOn(new RingSide());
  socket.connectionClosed(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  await new Promise((resolve) => socket.once("close", resolve));
  t.match(socket.errored, { code: "ECONNRESET" });
});

t.test("addresses, options and time-outs as a net.Socket has them", async (t) => {
  const { socket, options } = socketOn(new RingSide());
  t.match(socket, {
    remoteAddress: "192.0.2.7", remotePort: 4711, remoteFamily: "IPv4", localAddress: "192.0.2.1",
    localPort: 80, localFamily: "IPv4", pending: false, connecting: false, readyState: "open",
  });
  t.notOk("encrypted" in socket);
  t.strictSame(socket.address(), { address: "192.0.2.1", family: "IPv4", port: 80 });
  t.equal(socket.setNoDelay().setNoDelay(false).setKeepAlive(true, 5000).setKeepAlive(), socket);
  t.strictSame(options, [[0, 1], [0, 0], [1, 5], [1, 0]]);
  t.equal(socket.ref().unref(), socket);
  const timedOut = once(socket, "timeout");
  socket.setTimeout(5);
  t.equal(socket.timeout, 5);
  const alive = setTimeout(() => {}, 60_000); // the time-out does not keep a loop alive
  await timedOut;
  clearTimeout(alive);
  const never = (): void => void t.fail("it was taken back");
  socket.setTimeout(5, never).setTimeout(0, never);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

t.test("one message for many sockets lies in the arena once", async (t) => {
  const side = new RingSide();
  const sockets = [1, 2, 3].map((slot) => socketOn(side, slot).socket);
  const message = Buffer.from("to all");
  side.setUnsent(2, LIMIT + 1);
  t.strictSame(sockets.map((socket) => socket.sendShared(message)), [true, false, true]);
  sockets[0]!.endShared();
  message.fill("!");
  t.ok(sockets[0]!.sendShared(message));
  const replies = side.take();
  t.equal(RingSide.sent(replies, 1), "to all!!!!!!");
  t.equal(RingSide.sent(replies, 2), "");
  t.equal(RingSide.sent(replies, 3), "to all");
  sockets[2]!.cork();
  sockets[2]!.write("first");
  t.notOk(sockets[2]!.sendShared(message), "what was written before goes first");
});
