/** Tests of what keeps the receiver's costs bounded, against the receiver itself. */
import t from "tap";
import { WebSocketInput } from "../../src/worker/websocket-input.ts";
import { type Receiver, wsPackage } from "../../src/worker/ws-package.ts";
import { binary, close, frame, more, OP, text } from "../support/websocket-frames.ts";

interface Seen {
  readonly input: WebSocketInput;
  readonly messages: string[];
  readonly errors: Error[];
  /** Lengths of what the receiver was given, and the memory that each of them holds. */
  readonly writes: { length: number; held: number }[];
}

function makeInput(): Seen {
  const { Receiver } = wsPackage();
  const options = { isServer: true, maxPayload: 2 ** 24, maxFragments: 0 } as const;
  const receiver: Receiver = new Receiver({ ...options, maxBufferedChunks: 0, extensions: {} });
  const seen: Seen = { input: new WebSocketInput(receiver), messages: [], errors: [], writes: [] };
  receiver.on("message", (data: Buffer) => seen.messages.push(data.toString("latin1")));
  receiver.on("ping", (data: Buffer) => seen.messages.push(`ping ${data.toString()}`));
  receiver.on("error", (error) => seen.errors.push(error));
  const write = receiver.write.bind(receiver) as (bytes: Buffer) => boolean;
  receiver.write = ((bytes: Buffer) => {
    seen.writes.push({ length: bytes.length, held: bytes.buffer.byteLength });
    return write(bytes);
  }) as typeof receiver.write;
  return seen;
}

/** Each piece in memory of its own, as a socket gives them. */
function feed({ input }: Seen, bytes: Buffer, size: number): void {
  for (let at = 0; at < bytes.length; at += size) {
    input.take(Buffer.from(Uint8Array.from(bytes.subarray(at, at + size)).buffer));
  }
}

t.test("frames of all lengths come through whole, however they are cut", async (t) => {
  const parts = [0, 1, 125, 126, 127, 65_535, 65_536].map((length) => "x".repeat(length));
  const bytes = Buffer.concat([
    ...parts.map((part) => binary(Buffer.from(part))),
    text("a", { fin: false }), frame({ opcode: OP.ping, payload: "in between" }), more("b"),
  ]);
  for (const size of [1, 2, 3, 7, 1000, 16_383, 16_384, 65_540, bytes.length]) {
    const seen = makeInput();
    feed(seen, bytes, size);
    t.strictSame(seen.messages, [...parts, "ping in between", "ab"], `pieces of ${size}`);
    t.strictSame(seen.errors, []);
  }
});

t.test("short pieces in the middle of a frame are joined", async (t) => {
  const seen = makeInput();
  const length = 300_000;
  feed(seen, binary(Buffer.alloc(length, "y")), 1);
  t.strictSame(seen.messages.map((each) => each.length), [length]);
  t.ok(seen.writes.length < 32, `the receiver was given ${seen.writes.length} pieces`);
});

t.test("what is joined is kept in no more than it needs", async (t) => {
  const seen = makeInput();
  const bytes = binary(Buffer.alloc(200, "z"));
  feed(seen, bytes, 10);
  t.ok(seen.writes.every(({ held }) => held <= 200), "of the 200 bytes of the frame");
  t.strictSame(seen.messages, ["z".repeat(200)]);
});

t.test("a part of a message does not hold what it came with", async (t) => {
  const seen = makeInput();
  const ping = frame({ opcode: OP.ping, payload: "p".repeat(100) });
  const pings = Buffer.concat(Array.from({ length: 600 }, () => ping));
  seen.input.take(Buffer.concat([pings, text("a", { fin: false }), pings]));
  seen.input.take(Buffer.concat([pings, more("b", { fin: false }), pings]));
  seen.input.take(Buffer.concat([pings, more("c"), pings]));
  const parts = seen.writes.filter(({ length }) => length === 7);
  t.equal(parts.length, 3, "one byte each, with their heads");
  t.ok(parts.every(({ held }) => held === 7));
  t.equal(seen.messages.filter((each) => each === "abc").length, 1);
  t.equal(seen.messages.length, 3601);
});

t.test("nothing is given to a receiver that takes no more", async (t) => {
  const seen = makeInput();
  seen.input.take(close(1000));
  seen.input.isOver = true;
  const before = seen.writes.length;
  t.ok(seen.input.take(text("late")));
  t.equal(seen.writes.length, before);
  t.strictSame(seen.errors, []);
});

t.test("a length beyond all bounds is the receiver's to refuse", async (t) => {
  const seen = makeInput();
  const head = Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]);
  seen.input.take(head);
  await new Promise((resolve) => setImmediate(resolve));
  t.match(seen.errors, [{ code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH" }]);
});
