/** That an object is closed once, however many places it stands in. */
import t from "tap";
import { closedBefore, type ClosedObjects, closeOnce } from "../../src/worker/close-once.ts";
import { LightResponse } from "../../src/worker/response.ts";

const handle = (): string => "x";

t.test("an object is closed once, also if that fails, and the next time again", async (t) => {
  let count = 0;
  const object = { handle, close: () => void count++ };
  const failing = { handle, close: () => Promise.reject(new Error("mine")) };
  const closed: ClosedObjects = new Set();
  await closeOnce(object, closed);
  await closeOnce(object, closed);
  t.equal(count, 1);
  await t.rejects(closeOnce(failing, closed), { message: "mine" });
  await closeOnce(failing, closed);
  await closeOnce(object, new Set());
  t.equal(count, 2);
});

t.test("one that closes others can ask what has been closed", async (t) => {
  const told: number[] = [];
  const holder = { handle, close: () => void told.push(closedBefore(holder).size) };
  const closed: ClosedObjects = new Set();
  await closeOnce({ handle }, closed);
  await closeOnce(holder, closed);
  holder.close();
  t.strictSame(told, [2, 0], "itself too, and nothing where nobody has begun an end");
});

t.test("functions and constants have no end", async (t) => {
  const closed: ClosedObjects = new Set();
  await closeOnce(handle, closed);
  await closeOnce(new LightResponse("x"), closed);
  t.notOk(closed.size);
});
