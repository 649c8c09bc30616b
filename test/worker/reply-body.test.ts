/** The queue between who writes a reply and the pump. */
import t from "tap";
import { ReplyBody } from "../../src/worker/reply-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const silent = (): void => undefined;

/** Whether a promise has settled, and with what. */
function watch(promise: Promise<boolean>): { value: boolean | "pending" } {
  const watched: { value: boolean | "pending" } = { value: "pending" };
  void promise.then((value) => (watched.value = value));
  return watched;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("a piece is taken when the pump asks for the one behind it", async (t) => {
  let wanted = 0;
  const body = new ReplyBody(false, 1000, () => wanted++);
  const first = watch(body.push(bytes("one")));
  const second = watch(body.push(bytes("two")));
  t.equal(String((await body.next()).value), String(bytes("one")));
  await turn();
  t.match([first.value, second.value, wanted], ["pending", "pending", 0]);
  await body.next();
  await turn();
  t.match([first.value, second.value], [true, "pending"]);
  const next = body.next();
  t.equal(wanted, 1);
  t.ok(body.isWanted);
  const ended = watch(body.end());
  t.equal((await next).done, true);
  await turn();
  t.match([second.value, ended.value], [true, true]);
  t.equal(await body.push(bytes("late")), false);
});

t.test("an empty piece would be the end of a chunked body: it is none", async (t) => {
  const body = new ReplyBody(false, 1000, silent);
  t.equal(await body.push(new Uint8Array(0)), true);
  void body.end();
  t.equal((await body.next()).done, true);
});

t.test("who reads is gone: all promises are false", async (t) => {
  for (const leave of [
    (body: ReplyBody): void => body.destroy(),
    (body: ReplyBody): void => void body.return(),
    (body: ReplyBody): void => body.fail(new Error("cut")),
  ]) {
    const body = new ReplyBody(false, 1000, silent);
    const writes = [body.push(bytes("one")), body.push(bytes("two"))];
    await body.next();
    const end = body.end();
    leave(body);
    t.strictSame(await Promise.all([...writes, end]), [false, false, false]);
    t.ok(body.isGone);
    t.equal(await body.push(bytes("x")), false);
    t.equal(await body.end(), false);
  }
});

t.test("a failure reaches the reader, waiting or not", async (t) => {
  const waiting = new ReplyBody(false, 1000, silent);
  const next = waiting.next();
  waiting.fail(new Error("cut"));
  await t.rejects(next, { message: "cut" });
  const later = new ReplyBody(false, 1000, silent);
  void later.push(bytes("dropped"));
  later.fail(new Error("cut"));
  await t.rejects(later.next(), { message: "cut" });
});

t.test("what nobody waits for is bounded, also in pieces of one byte", async (t) => {
  const body = new ReplyBody(false, 10_000, silent);
  let count = 0;
  while (!body.isGone && count < 10_000) {
    count++;
    void body.push(bytes("x"));
  }
  t.ok(count > 100 && count < 200, `${count} pieces`);
  await t.rejects(body.next(), { code: "ERR_MILLRACE_REPLY_OVERFLOW" });
});

t.test("a queue that is never empty is in order, and lets go of what it gave", async (t) => {
  const body = new ReplyBody(false, 1_000_000, silent);
  for (let i = 0; i < 300; i++) void body.push(bytes(String(i)));
  for (let i = 0; i < 5000; i++) {
    void body.push(bytes(String(i + 300)));
    const { value } = await body.next() as { value: Uint8Array };
    if (new TextDecoder().decode(value) !== String(i)) t.fail(`not ${i}`);
  }
  t.pass("in order");
});
