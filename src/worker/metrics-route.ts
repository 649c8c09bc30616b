/**
 * The route of a listener's `metricsPath`, before all routes of the app: answers GET with what the
 * primary has collected. Other listeners decline, so the path stays theirs. Thread: the engine's.
 */
import type { Context, HandlerObject, MillraceRequest } from "../shared/app.ts";
import type { OwnRoute } from "./plan.ts";

/** What decides of a listener. */
export interface MetricsListener {
  readonly id: string;
  readonly settings: { readonly metricsPath: string };
}

/** By path; empty unless a listener has one. */
export function metricsRoutes(
  listeners: readonly (MetricsListener | null)[],
): Map<string, OwnRoute> {
  const routes = new Map<string, OwnRoute>();
  const present = listeners.filter((each) => each !== null);
  for (const { settings: { metricsPath: path } } of present) {
    if (path === "" || routes.has(path)) continue;
    const ids = present.filter(({ settings }) => settings.metricsPath === path);
    routes.set(path, { route: path, handler: handlerOf(new Set(ids.map(({ id }) => id))) });
  }
  return routes;
}

function handlerOf(listeners: ReadonlySet<string>): HandlerObject {
  return {
    match: (_request, context) => listeners.has(context.listener.id),
    handle: answer,
  };
}

async function answer(request: MillraceRequest, context: Context): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Method Not Allowed", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const { text, contentType } = await context.server.metrics();
  return new Response(text, { headers: { "content-type": contentType } });
}
