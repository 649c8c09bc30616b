/**
 * What native is told of an engine and of each of its listeners, as it takes it: apps and texts
 * made bits, numbers and bytes. Thread: the engine's.
 */
import type { App } from "../shared/app.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import type { WorkerOptions } from "../shared/messages.ts";
import { methodBits } from "../shared/methods.ts";
import type { EngineOptions, NativeListenerOptions } from "../native.ts";
import { declaredMaxOf } from "./body-rules.ts";
import { DefaultHeaders } from "./default-headers.ts";
import { hasHooks } from "./hooks.ts";
import type { RouteTable } from "./route-table.ts";

export function nativeOptions(options: WorkerOptions, apps: readonly App[]): EngineOptions {
  return {
    reportsRefusals: apps.some((app) => app.onClientError !== undefined),
    drainQuietMs: options.drainQuietMs,
    tellsDone: apps.some(hasHooks),
    memoryBytesMax: options.memoryBytesMax,
    inFlightMax: options.inFlightMax,
  };
}

export function nativeListener(
  settings: ListenerSettings,
  table: RouteTable,
): NativeListenerOptions {
  return {
    ...settings,
    routes: table.number,
    methodBits: methodBits(settings.methods),
    trustedProxies: String(settings.trustedProxies),
    trustProxy: String(settings.trustProxy),
    // A declared length that no handler allows is refused before any is asked.
    declaredBodyBytesMax: declaredMaxOf(settings, table.registry.bodyRules),
    defaultLines: Buffer.from(new DefaultHeaders(settings.headers).lines, "latin1"),
  };
}
