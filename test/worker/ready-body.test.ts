/** A body that came with its request: read in each way, once, within its limits. */
import t from "tap";
import { ReadyBody } from "../../src/worker/ready-body.ts";

const bodyOf = (text: string, bodyBytesMax = 100, bodyStreamBytesMax = 0): ReadyBody => {
  const slab = Buffer.from(`..${text}..`);
  const owner = { bodyLimits: { bodyBytesMax, bodyStreamBytesMax }, hold: () => true };
  return new ReadyBody(slab, 2, Buffer.byteLength(text), owner, false);
};

t.test("in each way", async (t) => {
  t.equal(bodyOf("\ufeffcaf\u00e9").textNow(), "caf\u00e9");
  t.equal(await bodyOf("abc").text(), "abc");
  const bytes = await bodyOf("abc").bytes();
  t.same([bytes.length, bytes.buffer.byteLength, String(Buffer.from(bytes))], [3, 3, "abc"]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyOf("abc").stream()) chunks.push(chunk);
  t.same(chunks.map((chunk) => [chunk.length, chunk.buffer.byteLength]), [[3, 3]]);
  t.equal((await bodyOf("").bytes()).length, 0);
  t.same(await bodyOf("").stream().getReader().read(), { done: true, value: undefined });
});

t.test("once", async (t) => {
  const body = bodyOf("abc");
  t.equal(body.textNow(), "abc");
  t.throws(() => body.textNow(), TypeError);
  await t.rejects(body.bytes(), TypeError);
  await t.rejects(body.stream().getReader().read(), TypeError);
});

t.test("within its limits", async (t) => {
  await t.rejects(bodyOf("abc", 2).bytes(), { message: /longer than 2 bytes/ });
  await t.rejects(bodyOf("abc", 2).text(), { message: /longer than 2 bytes/ });
  t.throws(() => bodyOf("abc", 2).textNow(), { message: /longer than 2 bytes/ });
  const reader = bodyOf("abc", 9, 2).stream().getReader();
  await t.rejects(reader.read(), { message: /longer than 2 bytes/ });
});

t.test("its own memory instead of the slab", async (t) => {
  const slab = Buffer.from("abcx\n1\n\0rest");
  const limits = { bodyBytesMax: 10, bodyStreamBytesMax: 0 };
  const body = new ReadyBody(slab, 1, 2, { bodyLimits: limits, hold: () => true }, true);
  body.keepOwn();
  slab.fill(0);
  t.equal(body.textNow(), "bc");
  t.equal(await body.trailers(), "x\n1\n");
  t.equal(await bodyOf("abc").trailers(), "");
});
