/** What apps go on with behind their answers. */
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import { Background } from "../../src/worker/background.ts";

function logInto(lines: unknown[]): Log {
  return { error: (...line: unknown[]) => void lines.push(line) } as unknown as Log;
}

t.test("done waits for all, also for what is added meanwhile", async (t) => {
  const background = new Background(logInto([]));
  await background.done();
  const first = resolvers();
  const second = resolvers();
  background.add(first.promise);
  let isDone = false;
  const done = background.done().then(() => (isDone = true));
  background.add(second.promise);
  first.resolve(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(isDone);
  second.resolve(undefined);
  await done;
});

t.test("a rejection is logged, once, and ends nothing else", async (t) => {
  const lines: unknown[] = [];
  const background = new Background(logInto(lines));
  const error = new Error("lost");
  background.add(Promise.reject(error));
  background.add(Promise.resolve(1));
  background.add(2 as unknown as Promise<unknown>); // no promise, as plain JavaScript may give
  await background.done();
  t.strictSame(lines, [[{ err: error }, "a waitUntil promise rejected"]]);
});

function resolvers(): { promise: Promise<undefined>; resolve(value: undefined): void } {
  let resolve!: (value: undefined) => void;
  const promise = new Promise<undefined>((settle) => (resolve = settle));
  return { promise, resolve };
}
