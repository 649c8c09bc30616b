/**
 * The end of a worker that is well: it is asked to end when its last connection has gone, or when
 * its time is up, and then it has a little longer for its app's `close` before its thread is ended.
 * Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";
import { within } from "./within.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** What a worker may still take for its app's `close` when its time is up. */
const END_GRACE_MS = 1000;

export interface Retiring {
  readonly channel: WorkerChannel;
  /** Its thread has ended, whatever ended it. */
  readonly gone: Promise<void>;
  /** How long its requests and `waitUntil` promises may take. */
  readonly deadlineMs: number;
  /** The deadline is now. */
  readonly hurried: Promise<void>;
  kill(error: MillraceError): void;
}

/** Resolves when the worker has ended or is being killed. */
export async function endRetired(retiring: Retiring): Promise<void> {
  const { channel, gone, deadlineMs, hurried } = retiring;
  const deadline = new Deadline(deadlineMs, hurried);
  await Promise.race([channel.retired, deadline.passed]);
  void channel.send({ type: "end" });
  await Promise.race([gone, deadline.passed]);
  deadline.cancel();
  if ((await within(gone, END_GRACE_MS, "late")) !== "late") return;
  const message = `Worker ${channel.id} had not ended ${END_GRACE_MS} ms after its deadline`;
  retiring.kill(new MillraceError("ERR_MILLRACE_RETIRE_TIMEOUT", message));
}

class Deadline {
  readonly passed: Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, sooner: Promise<void>) {
    this.passed = new Promise((resolve) => {
      this.#timer = setTimeout(resolve, milliseconds);
      void sooner.then(resolve);
    });
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
