/** Tests of what may be published, and of the copy that crosses threads. */
import t from "tap";
import { ownData, publishedBytes, toPublished } from "../../src/shared/published.ts";

t.test("strings stay, all kinds of bytes are viewed", async (t) => {
  t.strictSame(toPublished("a", "text", true), { topic: "a", data: "text", compress: true });
  const { buffer } = Uint8Array.of(9, 1, 0, 2, 0, 9);
  const shared = new SharedArrayBuffer(2);
  const cases: [unknown, number[]][] = [
    [new Uint8Array(buffer, 1, 3), [1, 0, 2]],
    [buffer, [9, 1, 0, 2, 0, 9]],
    [new DataView(buffer, 1, 4), [1, 0, 2, 0]],
    [new Uint16Array(buffer, 2, 1), [0, 2]],
    [shared, [0, 0]],
    [Buffer.alloc(0), []],
  ];
  for (const [data, bytes] of cases) {
    const published = toPublished("", data, false);
    t.strictSame(Array.from(published.data as Uint8Array), bytes);
    t.equal(publishedBytes(published), bytes.length);
  }
  t.equal(publishedBytes({ topic: "", data: "ä€😀", compress: false }), 9);
});

t.test("what is neither is refused, with what it is", async (t) => {
  for (const data of [undefined, null, 1, {}, [1], () => {}]) {
    const error = { name: "TypeError", message: /must be a string or bytes, not (null|\w+)$/ };
    t.throws(() => toPublished("a", data, false), error);
  }
  for (const topic of [undefined, null, 1, Buffer.from("a")]) {
    const error = { name: "TypeError", message: /the topic must/ };
    t.throws(() => toPublished(topic, "a", false), error);
  }
});

t.test("a copy shows nothing but the message, and does not change with it", async (t) => {
  const bytes = Buffer.from("hello, world").subarray(0, 5);
  const copy = ownData(bytes) as Uint8Array;
  bytes.fill(0);
  t.equal(Buffer.from(copy).toString(), "hello");
  t.equal(copy.buffer.byteLength, 5);
  t.equal(ownData("text"), "text");
});
