/** Tests of listening to bodies that go by. */
import t from "tap";
import { BodyTap, TappedBody, type TappedBytes } from "../../src/worker/body-tap.ts";

function tapOf(bytesMax: number): { tap: BodyTap; told: TappedBytes[] } {
  const told: TappedBytes[] = [];
  return { tap: new BodyTap(bytesMax, (tapped) => told.push(tapped)), told };
}

t.test("keeps how it begins, counts all, tells once", async (t) => {
  const { tap, told } = tapOf(4);
  const piece = Buffer.from("abc");
  tap.piece(piece);
  piece.fill("x");
  tap.piece(Buffer.from("def"));
  tap.piece(Buffer.from("ghi"));
  t.same(told, []);
  tap.end(true);
  tap.end(false);
  t.same(told, [{ text: "abcd", bytes: 9, isComplete: true }]);
});

t.test("a stream goes by as it is", async (t) => {
  const { tap, told } = tapOf(100);
  const source = (async function* pieces() {
    yield "one ";
    yield Buffer.from("two");
  })();
  const seen: unknown[] = [];
  for await (const piece of new TappedBody(source, tap)) seen.push(piece);
  t.same(seen, ["one ", Buffer.from("two")]);
  t.same(told, [{ text: "one two", bytes: 7, isComplete: true }]);
});

t.test("who stops early ends the source; one that fails has failed", async (t) => {
  const first = tapOf(100);
  let isEnded = false;
  const endless = (async function* pieces() {
    try {
      for (;;) yield "x";
    } finally {
      isEnded = true;
    }
  })();
  for await (const piece of new TappedBody(endless, first.tap)) if (piece === "x") break;
  t.ok(isEnded);
  t.match(first.told, [{ bytes: 1, isComplete: false }]);

  const second = tapOf(100);
  let reason = false;
  const stream = new ReadableStream({ cancel: () => void (reason = true) });
  new TappedBody(stream, second.tap).destroy();
  t.ok(reason, "nobody wanted it");
  t.match(second.told, [{ isComplete: false }]);

  const third = tapOf(100);
  const failing = (async function* pieces() {
    yield "x";
    throw new Error("mine");
  })();
  const read = async (): Promise<void> => {
    for await (const piece of new TappedBody(failing, third.tap)) void piece;
  };
  await t.rejects(read(), { message: "mine" });
  t.match(third.told, [{ text: "x", isComplete: false }]);
});
