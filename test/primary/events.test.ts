/** Tests of how subscribers are told. */
import { EventEmitter, once } from "node:events";
import t from "tap";
import { tell, tellFailure } from "../../src/primary/events.ts";

t.test("subscribers are called in order, those of once only once", async (t) => {
  const events = new EventEmitter();
  const calls: unknown[] = [];
  events.on("a", (detail) => calls.push(detail));
  events.once("a", (detail) => calls.push(`once ${detail}`));
  tell(events, "a", 1);
  tell(events, "a", 2);
  t.strictSame(calls, [1, "once 1", 2]);
});

t.test("what one throws or rejects with is an error event, and the others are told", async (t) => {
  const events = new EventEmitter();
  const errors: unknown[] = [];
  let isTold = false;
  events.on("error", (error) => errors.push(error));
  events.on("a", () => { throw new Error("thrown"); });
  const rejects = async (): Promise<void> => { throw new Error("rejected"); };
  events.on("a", rejects as () => void);
  events.on("a", () => (isTold = true));
  tell(events, "a", 1);
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(isTold);
  t.match(errors, [{ message: "thrown" }, { message: "rejected" }]);
});

t.test("an error nobody wants is a warning, as is one of an error's subscriber", async (t) => {
  const events = new EventEmitter();
  const first = once(process, "warning");
  tell(events, "error", new Error("alone"));
  t.match(await first, [{ message: "alone" }]);
  events.on("error", () => { throw new Error("again"); });
  const second = once(process, "warning");
  tell(events, "error", new Error("told"));
  t.match(await second, [{ message: "again" }]);
});

t.test("what nobody awaits fails as an error event", async (t) => {
  const events = new EventEmitter();
  const failed = once(events, "error").catch((error: unknown) => [error]);
  tellFailure(events, Promise.resolve());
  tellFailure(events, Promise.reject(new Error("unheard")));
  t.match(await failed, [{ message: "unheard" }]);
});
