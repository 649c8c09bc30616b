/**
 * What apps ask of the server through `context.server`, as calls of the server. A worker sends the
 * call and waits for its result. Thread: the primary's.
 */
import type { Server } from "../shared/server.ts";
import type { ControlCall } from "../shared/messages.ts";
import type { RouteTables } from "./route-tables.ts";

export function answerCall(
  server: Server,
  routes: RouteTables,
  request: ControlCall,
): Promise<unknown> {
  switch (request.method) {
    case "addListener":
      return server.addListener(request.options);
    case "removeListener":
      return server.removeListener(request.id, request.options);
    case "stopListener":
      return server.stopListener(request.id, request.options);
    case "pauseListener":
      return server.pauseListener(request.id);
    case "startListener":
      return server.startListener(request.id);
    case "routes":
      return routes.call(request.request);
    case "reopenLogs":
      return server.reopenLogs();
    case "reload":
      return server.reload();
    case "setApp":
      return server.setApp(request.app);
    case "scale":
      return server.scale(request.workers);
    case "subscriberCount":
      return server.subscriberCount(request.topic);
    case "metrics":
      return server.metrics();
    case "drain":
    case "close":
      // Not awaited: the worker that asks is one of those that have to end.
      void server[request.method](request.options);
      return Promise.resolve();
  }
}
