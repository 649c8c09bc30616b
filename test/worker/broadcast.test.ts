/** One message to many sockets. */
import t from "tap";
import { broadcastTo, type Receiver } from "../../src/worker/broadcast.ts";
import { RingSocket } from "../../src/worker/upgraded-socket.ts";
import { RingSide } from "../support/ring-side.ts";

const wrap = (sockets: readonly RingSocket[]): { stream: RingSocket }[] =>
  sockets.map((stream) => ({ stream }));
const ENDPOINT = { address: "192.0.2.1", family: "IPv4" } as const;

function socketsOn(side: RingSide, count: number): RingSocket[] {
  return Array.from({ length: count }, (_, at) => new RingSocket({
    rings: side.rings,
    slot: at + 1,
    generation: 1,
    outputBytesMax: 1000,
    remote: ENDPOINT,
    local: ENDPOINT,
    setOption: () => {},
  }));
}

t.test("each gets it once, behind what waits, and the bytes may change afterwards", async (t) => {
  const side = new RingSide();
  const sockets = socketsOn(side, 5);
  side.setUnsent(2, 1001);
  sockets[2]!.cork();
  sockets[2]!.write("before ");
  sockets[3]!.end();
  const bytes = Buffer.from("news");
  const late: Receiver[] = [];
  broadcastTo(wrap(sockets), bytes, (receiver) => late.push(receiver));
  t.strictSame(late.map(({ stream }) => stream), sockets.slice(1, 4), "theirs is not written");
  for (const { stream } of late) if (stream.writable) stream.write("news");
  bytes.fill("?");
  const first = side.take();
  t.strictSame([1, 2, 3, 4, 5].map((slot) => RingSide.sent(first, slot)), [
    "news", "", "", "", "news",
  ]);
  side.setUnsent(2, 0);
  sockets[1]!.resumeWriting();
  sockets[2]!.uncork();
  const second = side.take();
  t.equal(RingSide.sent(second, 2), "news");
  t.equal(RingSide.sent(second, 3), "before news");
  t.equal(sockets[0]!.bytesWritten, 4);
});

t.test("more sockets than the ring has room for, and messages of any length", async (t) => {
  const side = new RingSide();
  const sockets = socketsOn(side, 60);
  for (const length of [0, 1, 100_000, 300_000]) {
    const bytes = Buffer.alloc(length, "x");
    broadcastTo(wrap(sockets), bytes, ({ stream }) => stream.write(bytes));
    const replies = side.take();
    const lengths = sockets.map((_, at) => RingSide.sent(replies, at + 1).length);
    t.strictSame(new Set(lengths), new Set([length]));
  }
  const all = wrap(sockets);
  for (let i = 0; i < 100; i++) broadcastTo(all, Buffer.from([i]), () => t.fail("it is idle"));
  const replies = side.take();
  const expected = String.fromCharCode(...Array.from({ length: 100 }, (_, i) => i));
  t.ok(sockets.every((_, at) => RingSide.sent(replies, at + 1) === expected));
});
