/**
 * What native is told of an engine and of each of its listeners, as it takes it: apps and texts
 * made bits, numbers and bytes. Thread: the engine's.
 */
import type { App } from "../shared/app.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import type { ListenerFacts, WorkerOptions } from "../shared/messages.ts";
import { methodBits } from "../shared/methods.ts";
import type { EngineOptions, NativeListenerOptions } from "../native.ts";
import { declaredMaxOf } from "./body-rules.ts";
import { DefaultHeaders } from "./default-headers.ts";
import { hasHooks } from "./hooks.ts";
import type { RouteTable } from "./route-table.ts";

/**
 * Paths of a listener with `debug` are other ones than those of its neighbours, for native as for
 * `Targets`: it takes no short ways, and they do. Numbers of tables are below it.
 */
const DEBUG_ROUTES = 0x8000;

export function nativeOptions(
  options: WorkerOptions,
  apps: readonly App[],
  listeners: readonly (ListenerFacts | null)[],
): EngineOptions {
  return {
    reportsRefusals: isDebugging(listeners) || apps.some((app) => app.onClientError !== undefined),
    drainQuietMs: options.drainQuietMs,
    tellsDone: apps.some(hasHooks),
    memoryBytesMax: options.memoryBytesMax,
    inFlightMax: options.inFlightMax,
  };
}

/** Whether any of them tells its log what comes and goes. */
export function isDebugging(listeners: readonly (ListenerFacts | null)[]): boolean {
  return listeners.some((facts) => facts !== null && facts.settings.debug !== false);
}

export function nativeListener(
  settings: ListenerSettings,
  table: RouteTable,
): NativeListenerOptions {
  return {
    ...settings,
    routes: settings.debug === false ? table.number : table.number | DEBUG_ROUTES,
    methodBits: methodBits(settings.methods),
    trustedProxies: String(settings.trustedProxies),
    trustProxy: String(settings.trustProxy),
    // A declared length that no handler allows is refused before any is asked.
    declaredBodyBytesMax: declaredMaxOf(settings, table.registry.bodyRules),
    defaultLines: Buffer.from(new DefaultHeaders(settings.headers).lines, "latin1"),
  };
}
