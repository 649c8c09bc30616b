/**
 * The routes of `livenessPath` and `readinessPath`, for what native leaves to JavaScript of them:
 * a probe behind a request that is not answered yet, and methods other than GET and HEAD. The
 * answers are those of core/probes.cc. Thread: the engine's.
 */
import type { Context, HandlerObject, MillraceRequest } from "../shared/app.ts";
import { READINESS } from "../native.ts";
import type { OwnRoute } from "./plan.ts";

/** What decides of a listener. */
export interface ProbedListener {
  readonly id: string;
  readonly settings: { readonly livenessPath: string; readonly readinessPath: string };
}

/** One of READINESS, of the listener with this index. */
export type ReadinessOf = (listener: number) => number;

const TEXTS = { [READINESS.starting]: "starting", [READINESS.draining]: "draining" } as const;

/** By path; empty unless a listener has one. */
export function probeRoutes(
  listeners: readonly (ProbedListener | null)[],
  readinessOf: ReadinessOf,
): Map<string, OwnRoute> {
  const paths = listeners.flatMap((each) => (
    each === null ? [] : [each.settings.livenessPath, each.settings.readinessPath]
  ));
  const handler = handlerOf(listeners, readinessOf);
  return new Map(
    paths.filter((path) => path !== "").map((path) => [path, { route: path, handler }]),
  );
}

function handlerOf(
  listeners: readonly (ProbedListener | null)[],
  readinessOf: ReadinessOf,
): HandlerObject {
  const indexOf = (context: Context): number =>
    listeners.findIndex((each) => each?.id === context.listener.id);
  return {
    match(request, context) {
      const settings = listeners[indexOf(context)]?.settings;
      const { pathname } = new URL(request.url);
      return pathname === settings?.livenessPath || pathname === settings?.readinessPath;
    },
    handle(request, context) {
      const index = indexOf(context);
      const isLiveness = new URL(request.url).pathname === listeners[index]!.settings.livenessPath;
      return answer(request, isLiveness ? null : readinessOf(index));
    },
  };
}

function answer({ method }: MillraceRequest, readiness: number | null): Response {
  const headers = { "cache-control": "no-store" };
  if (method !== "GET" && method !== "HEAD") {
    const allow = { ...headers, allow: "GET, HEAD" };
    return new Response("Method Not Allowed", { status: 405, headers: allow });
  }
  if (readiness === null) return new Response("live", { headers });
  if (readiness === READINESS.ready) return new Response("ready", { headers });
  const text = TEXTS[readiness as keyof typeof TEXTS];
  return new Response(text, { status: 503, headers: { ...headers, "retry-after": "1" } });
}
