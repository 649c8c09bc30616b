/** Tests of the end of a retired worker, with a channel whose other end is this test. */
import t from "tap";
import { type Retiring, endRetired } from "../../src/primary/retirement.ts";
import { WorkerChannel } from "../../src/primary/worker-channel.ts";
import type { MillraceError } from "../../src/shared/errors.ts";
import type { ToWorker } from "../../src/shared/messages.ts";
import type { Owner } from "../support/folder.ts";

interface Setup {
  readonly retiring: Retiring;
  readonly received: string[];
  readonly killed: MillraceError[];
  /** As the pool does when the thread has ended. */
  end(): void;
  say(message: unknown): void;
  hurry(): void;
}

function setUp(t: Owner, deadlineMs: number): Setup {
  const channel = new WorkerChannel(7, 0, 1, async () => undefined);
  const received: string[] = [];
  const killed: MillraceError[] = [];
  const port = channel.workerPort;
  port.on("message", (message: ToWorker) => received.push(message.type));
  let isOver!: () => void;
  const gone = new Promise<void>((resolve) => (isOver = resolve));
  let hurry!: () => void;
  const hurried = new Promise<void>((resolve) => (hurry = resolve));
  const end = (): void => {
    channel.close(new Error("over"));
    isOver();
  };
  t.teardown(() => {
    end();
    port.close();
  });
  const kill = (error: MillraceError): void => {
    killed.push(error);
  };
  return {
    retiring: { channel, gone, deadlineMs, hurried, kill },
    received, killed, end, hurry,
    say: (message) => port.postMessage(message),
  };
}

t.test("it is asked to end when its last connection has gone", async (t) => {
  const { retiring, received, killed, say, end } = setUp(t, 60_000);
  const over = endRetired(retiring);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(received, [], "not before");
  say({ type: "retired" });
  while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.strictSame(received, ["end"]);
  end();
  await over;
  t.strictSame(killed, []);
});

t.test("at its deadline it is asked, and killed a second later", async (t) => {
  const { retiring, received, killed } = setUp(t, 20);
  await endRetired(retiring);
  t.strictSame(received, ["end"]);
  t.match(killed, [{ code: "ERR_MILLRACE_RETIRE_TIMEOUT", message: /^Worker 7 / }]);
});

t.test("the deadline can be now", async (t) => {
  const { retiring, received, killed, hurry, end } = setUp(t, 60_000);
  const over = endRetired(retiring);
  hurry();
  while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  end();
  await over;
  t.strictSame(killed, []);
});

t.test("a worker that dies meanwhile is not waited for", async (t) => {
  const { retiring, killed, end } = setUp(t, 60_000);
  const over = endRetired(retiring);
  end();
  await over;
  t.strictSame(killed, []);
});
