/**
 * `context.server` of an app that is called without a server: what workers share is kept here,
 * since there is one of them, and messages go to nobody. All else needs a server. Any thread.
 */
import { MillraceError } from "../shared/errors.ts";
import type { ServerControl } from "../shared/server-control.ts";
import { Records } from "../primary/records.ts";
import { SharedMemory } from "../primary/shared-memory.ts";
import type { Topics } from "../worker/topics.ts";

const CALLS = [
  "addListener", "addRoute", "close", "disableRoute", "drain", "enableRoute", "metrics",
  "pauseListener", "reload", "removeListener", "removeRoute", "reopenLogs", "routes", "scale",
  "setApp", "setRoutes", "startListener", "stopListener",
] as const satisfies readonly (keyof ServerControl)[];

/** The error of a call that only a server can carry out. */
export function needsSocket(what: string): MillraceError {
  return new MillraceError(
    "ERR_MILLRACE_NO_SOCKET",
    `${what} needs a server and its connections: createFetch calls the app without`,
  );
}

/** Its other members reject with ERR_MILLRACE_NO_SOCKET. */
export function absentServer(topics: Pick<Topics, "publish" | "count">): ServerControl {
  const records = new Records();
  const memory = new SharedMemory();
  const absent = CALLS.map((name) => [
    name, () => Promise.reject(needsSocket(`server.${name}()`)),
  ] as const);
  const here: Omit<ServerControl, (typeof CALLS)[number]> = {
    publish: (topic, data, compress = false) => topics.publish(topic, data, compress),
    subscriberCount: async (topic) => topics.count(topic),
    sharedMemory: async (name, byteLength) => memory.get(name, byteLength),
    records: async (call) => records.call(call),
  };
  return { ...Object.fromEntries(absent), ...here } as ServerControl;
}
