/**
 * The end of handler objects: one that stands in several places, in routes and in name spaces, is
 * closed once, also if a wrapper stands around it in some. Any thread.
 */
import type { Handler, HandlerObject } from "../shared/app.ts";
import { innermost } from "./wrapped-handler.ts";

/** What one end of an app has closed, or has begun to. */
export type ClosedObjects = Set<HandlerObject>;

/** Of objects whose `close` runs: those that close others ask for it. */
const running = new WeakMap<HandlerObject, ClosedObjects>();

/** Throws what `close` throws. */
export async function closeOnce(
  entry: Handler | Response,
  closed: ClosedObjects,
): Promise<void> {
  const object = innermost(entry);
  if (!("handle" in object) || closed.has(object)) return;
  closed.add(object);
  running.set(object, closed);
  try {
    await object.close?.();
  } finally {
    running.delete(object);
  }
}

/** What has been closed when the `close` of the object runs; nothing if the app has called it. */
export function closedBefore(object: HandlerObject): ClosedObjects {
  return running.get(object) ?? new Set();
}
