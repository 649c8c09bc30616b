/**
 * What apps ask of the server through `context.server`, as calls of the server. A worker sends the
 * call and waits for its result. Thread: the primary's.
 */
import { checkCall, DRAIN_FIELDS, STOP_FIELDS } from "../options/calls.ts";
import type { Server } from "../shared/server.ts";
import type { ControlCall } from "../shared/messages.ts";
import { tellFailure } from "./events.ts";
import { Records } from "./records.ts";
import type { RouteTables } from "./route-tables.ts";
import { SharedMemory } from "./shared-memory.ts";

/** What the primary keeps for its workers. */
export class SharedState {
  readonly memory: SharedMemory = new SharedMemory();
  readonly records: Records = new Records();
}

export async function answerCall(
  server: Server,
  routes: RouteTables,
  shared: SharedState,
  request: ControlCall,
): Promise<unknown> {
  switch (request.method) {
    case "addListener":
      return await server.addListener(request.options);
    case "removeListener":
      return await server.removeListener(request.id, request.options);
    case "stopListener":
      return await server.stopListener(request.id, request.options);
    case "pauseListener":
      return await server.pauseListener(request.id);
    case "startListener":
      return await server.startListener(request.id);
    case "routes":
      return await routes.call(request.request);
    case "reopenLogs":
      return await server.reopenLogs();
    case "reload":
      return await server.reload();
    case "setApp":
      return await server.setApp(request.app);
    case "scale":
      return await server.scale(request.workers);
    case "subscriberCount":
      return await server.subscriberCount(request.topic);
    case "sharedMemory":
      return shared.memory.get(request.name, request.byteLength);
    case "records":
      return shared.records.call(request.request);
    case "metrics":
      return await server.metrics();
    // Not awaited: the worker that asks is one of those that have to end.
    case "drain":
      checkCall("drain", DRAIN_FIELDS, request.options);
      tellFailure(server.events, server.drain(request.options));
      return undefined;
    case "close":
      checkCall("close", STOP_FIELDS, request.options);
      tellFailure(server.events, server.close(request.options));
      return undefined;
  }
}
