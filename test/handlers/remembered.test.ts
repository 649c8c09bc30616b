/** Tests of who is remembered. */
import t from "tap";
import { Remembered } from "../../src/handlers/remembered.ts";

t.test("the same user with the same password, and nobody else", (t) => {
  const known = new Remembered(60_000);
  known.add(known.keyOf("a", "b"));
  t.equal(known.has(known.keyOf("a", "b")), true);
  for (const [user, password] of [["a", "c"], ["ab", ""], ["", "ab"], ["a\",\"b", ""]] as const) {
    t.equal(known.has(known.keyOf(user, password)), false);
  }
  t.not(known.keyOf("a", "b"), new Remembered(1).keyOf("a", "b"), "each has a key of its own");
  known.clear();
  t.equal(known.has(known.keyOf("a", "b")), false);
  t.end();
});

t.test("for its time", async (t) => {
  const known = new Remembered(20);
  known.add("a");
  t.equal(known.has("a"), true);
  await new Promise((resolve) => setTimeout(resolve, 40));
  t.equal(known.has("a"), false);
  const never = new Remembered(0);
  never.add("a");
  t.equal(never.has("a"), false);
});

t.test("the oldest is forgotten when there are too many", (t) => {
  const known = new Remembered(60_000);
  for (let i = 0; i < 10_000; i++) known.add(String(i));
  known.add("0"); // anew: it is the youngest now
  known.add("more");
  t.equal(known.has("1"), false);
  for (const key of ["0", "2", "9999", "more"]) t.equal(known.has(key), true);
  t.end();
});
