/**
 * Waits for workers to acknowledge a control message, and names those that do not in time, with
 * the route that they are in as far as that is known. Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";
import type { ToWorker } from "../shared/messages.ts";
import { within } from "./within.ts";
import type { WorkerChannel } from "./worker-channel.ts";

type Without<T> = T extends { id: number } ? Omit<T, "id"> : never;

/** A message to a worker that it acknowledges. */
export type Message = Without<ToWorker>;

export interface AcknowledgementHost {
  /** The route whose handler the worker is in; null if it is in none. */
  routeOf(channel: WorkerChannel): string | null;
}

/**
 * Sends it to all, and resolves when each worker that serves has acknowledged it or has gone;
 * workers that start find it before anything else. Rejects with ERR_MILLRACE_CONTROL_TIMEOUT.
 */
export async function acknowledged(
  channels: Iterable<WorkerChannel>,
  message: Message,
  timeoutMs: number,
  host: AcknowledgementHost,
): Promise<void> {
  const waits = new Map<WorkerChannel, Promise<void>>();
  for (const channel of channels) {
    const sent = channel.send(message);
    if (channel.state === "serving") waits.set(channel, sent);
    else sent.catch(() => {}); // what it could not do ends it when it is to serve
  }
  await inTime(waits, message.type, timeoutMs, host);
}

/**
 * Resolves when all have settled; rejects when the time is over, naming those that have not.
 * `after`: what holds then.
 */
export async function inTime(
  waits: ReadonlyMap<WorkerChannel, Promise<unknown>>,
  type: Message["type"],
  timeoutMs: number,
  host: AcknowledgementHost,
  after: string = "",
): Promise<void> {
  const missing = new Set(waits.keys());
  const all = [...waits].map(async ([channel, wait]) => {
    await wait;
    missing.delete(channel);
  });
  const result = await within(Promise.all(all), timeoutMs, "late");
  if (result === "late") throw notAcknowledged([...missing], type, timeoutMs, host, after);
}

/** `workers` of the error has the same for programs. */
export function notAcknowledged(
  missing: readonly WorkerChannel[],
  type: string,
  timeoutMs: number,
  host: AcknowledgementHost,
  after: string = "",
): MillraceError {
  const workers = missing.map((channel) => ({ id: channel.id, route: host.routeOf(channel) }));
  const names = workers.map(({ id, route }) => `worker ${id}${placeOf(route)}`).join(", ");
  const end = after === "" ? "" : `: ${after}`;
  const message = `No acknowledgement of "${type}" within ${timeoutMs} ms by ${names}${end}`;
  return Object.assign(new MillraceError("ERR_MILLRACE_CONTROL_TIMEOUT", message), { workers });
}

function placeOf(route: string | null): string {
  if (route === null) return "";
  return route === "" ? " (in fetch)" : ` (in the route "${route}")`;
}
