/** Tests of the frames that are sent. */
import t from "tap";
import {
  bytesOf, closeFrame, dataFrame, frameOf, isReasonShort, isSendableCode, OPCODE, payloadLength,
  textFrame,
} from "../../src/worker/websocket-frames.ts";
import { closeCode, OP, readFrames } from "../support/websocket-frames.ts";

const LENGTHS = [0, 1, 41, 42, 125, 126, 127, 65_535, 65_536, 70_000];

t.test("a frame has its payload behind the shortest length that says it", async (t) => {
  for (const length of LENGTHS) {
    const payload = Buffer.alloc(length, "a");
    const frame = frameOf(OPCODE.binary, payload, false);
    t.equal(frame.length - length, length < 126 ? 2 : length < 65_536 ? 4 : 10, `${length}`);
    t.equal(payloadLength(frame), length);
    const { frames, rest } = readFrames(frame);
    t.strictSame(frames, [{ opcode: OP.binary, fin: true, reserved: 0, isMasked: false, payload }]);
    t.equal(rest.length, 0);
  }
});

t.test("text is written as UTF-8, also where it is longer than its units", async (t) => {
  for (const unit of ["a", "é", "€", "😀", "\ud800"]) {
    for (const count of [0, 1, 20, 41, 42, 43, 126, 30_000]) {
      const text = unit.repeat(count);
      const { frames } = readFrames(textFrame(OPCODE.text, text));
      t.equal(frames.length, 1);
      t.ok(frames[0]!.payload.equals(Buffer.from(text)), `${count} of ${JSON.stringify(unit)}`);
    }
  }
});

t.test("a frame holds nothing of the bytes it was made of", async (t) => {
  const bytes = Buffer.from("before");
  const frame = frameOf(OPCODE.binary, bytes, true);
  bytes.fill(0);
  const [received] = readFrames(frame).frames;
  t.equal(received!.payload.toString(), "before");
  t.equal(received!.reserved, 0x40, "it is marked as compressed");
});

t.test("a Close frame has code and reason, of which whole characters fit", async (t) => {
  const [none] = readFrames(closeFrame(0, "unheard")).frames;
  t.equal(none!.payload.length, 0);
  const [plain] = readFrames(closeFrame(1001, "going")).frames;
  t.equal(closeCode(plain!), 1001);
  t.equal(plain!.payload.subarray(2).toString(), "going");
  const [cut] = readFrames(closeFrame(1011, "€".repeat(50))).frames;
  t.equal(cut!.payload.subarray(2).toString(), "€".repeat(41), "123 bytes are 41 of three");
  t.ok(isReasonShort("€".repeat(41)));
  t.notOk(isReasonShort("€".repeat(41) + "a"));
});

t.test("codes that may be sent", async (t) => {
  for (const code of [1000, 1003, 1007, 1011, 1014, 3000, 4999]) t.ok(isSendableCode(code));
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN]) {
    t.notOk(isSendableCode(code), `${code}`);
  }
});

t.test("bytes of any kind are sent, and nothing else", async (t) => {
  const { buffer } = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  t.strictSame([...bytesOf(buffer)], [0, 1, 2, 3, 4, 5, 6, 7]);
  t.strictSame([...bytesOf(new DataView(buffer, 1, 2))], [1, 2]);
  t.strictSame([...bytesOf(new Uint16Array(buffer, 2, 1))], [2, 3]);
  t.strictSame([...bytesOf(new SharedArrayBuffer(2))], [0, 0]);
  t.equal(dataFrame(OPCODE.ping, "ping").toString("latin1"), "\x89\x04ping");
  t.equal(dataFrame(OPCODE.pong, Buffer.from("x")).toString("latin1"), "\x8a\x01x");
  t.throws(() => bytesOf(new Blob(["x"]) as never), { message: /not a Blob; send what its/ });
  t.throws(() => bytesOf(null as never), { message: /not null/ });
  t.throws(() => bytesOf(7 as never), { name: "TypeError", message: /not number/ });
});
