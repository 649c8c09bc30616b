/** Tests of messages as brokers carry them. */
import { randomUUID } from "node:crypto";
import t from "tap";
import { originOf, seal, unseal } from "../../src/worker/envelope.ts";

const HERE = originOf(randomUUID());
const THERE = originOf(randomUUID());

t.test("text, bytes and flags come as they were sent", async (t) => {
  for (const compress of [true, false]) {
    const text = { topic: "a", data: "ä😀", compress };
    t.strictSame(unseal("a", seal(text, Buffer.from("ä😀"), HERE), THERE), text);
    const data = Buffer.from([0, 255, 1]);
    const bytes = { topic: "b", data, compress };
    t.strictSame(unseal("b", seal(bytes, data, HERE), THERE), bytes);
    const none = { topic: "c", data: "", compress };
    t.strictSame(unseal("c", seal(none, Buffer.alloc(0), HERE), THERE), none);
  }
});

t.test("a server's own messages are known, and what is no message is none", async (t) => {
  const sealed = seal({ topic: "a", data: "x", compress: false }, Buffer.from("x"), HERE);
  t.equal(unseal("a", sealed, HERE), null);
  t.equal(originOf(randomUUID()).length, 16);
  for (let length = 0; length < 18; length++) {
    t.equal(unseal("a", sealed.subarray(0, length), THERE), null);
  }
  const other = Buffer.from(sealed);
  other[0] = 2;
  t.equal(unseal("a", other, THERE), null, "of a version to come");
  t.equal(unseal("a", Buffer.from("published by hand, not by a server"), THERE), null);
});

t.test("what is no UTF-8 is made text: such a frame would end a connection", async (t) => {
  const sealed = Buffer.from(seal({ topic: "a", data: "xx", compress: false },
    Buffer.from([0xff, 0x78]), HERE));
  t.equal(unseal("a", sealed, THERE)!.data, "\uFFFDx");
});
