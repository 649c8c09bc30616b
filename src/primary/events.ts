/**
 * Tells the subscribers of a server what happens. What one of them throws or rejects with ends
 * nothing: it is reported, and the others hear of the event too. Thread: the primary's.
 */
import type { EventEmitter } from "node:events";

type Subscriber = (this: EventEmitter, ...args: unknown[]) => unknown;

/** An `error` that nobody listens to is a warning of the process, and does not end it. */
export function tell(events: EventEmitter, event: string, detail: unknown): void {
  if (event === "error" && events.listenerCount("error") === 0) {
    process.emitWarning(detail as Error);
    return;
  }
  const report = (error: unknown): void => {
    const reason = error instanceof Error ? error : new Error(String(error));
    if (event === "error") process.emitWarning(reason);
    else tell(events, "error", reason);
  };
  // Raw, so that those of `once` are taken off as they are called.
  for (const subscriber of events.rawListeners(event) as Subscriber[]) {
    try {
      const result = subscriber.call(events, detail);
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  }
}

/** What nobody awaits: its failure is an `error`. */
export function tellFailure(events: EventEmitter, work: Promise<unknown>): void {
  work.catch((error: unknown) => tell(events, "error", error));
}
