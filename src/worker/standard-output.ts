/**
 * What an app prints with `console.log` in a worker thread goes out through the primary, a batch at
 * a time; what still waits when the thread ends is lost. Thread: the worker's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";

/** A primary that takes nothing for so long is stuck, or gone. */
const PRINTED_MS_MAX = 500;
const LOOK_MS = 1;

/** Resolves when the primary has all that was printed, or takes nothing any more. */
export async function printed(): Promise<void> {
  if (isMainThread) return; // there it is written at once
  const end = performance.now() + PRINTED_MS_MAX;
  while (isWaiting() && performance.now() < end) await sleep(LOOK_MS);
}

function isWaiting(): boolean {
  return process.stdout.writableLength > 0 || process.stderr.writableLength > 0;
}
