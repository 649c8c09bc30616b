/**
 * The options of `serve()`: the one table of all rows, and how the layers that give values come
 * together. The flags, the variables, the checks and docs/options.md all come from this table.
 * Runs in the primary, once per server, before native code is touched.
 */
import type { AccessLogFormat, AccessLogOption } from "./options/access-log.ts";
import { resolveApp } from "./options/app.ts";
import type { AppOption, ResolvedApp } from "./options/app.ts";
import { fromText, show } from "./options/checks.ts";
import { checkLayer, environmentLayer, strongest } from "./options/layers.ts";
import type { Layer, Source } from "./options/layers.ts";
import { fitOutput, fitTarget, LISTENER_SETTING_ROWS } from "./options/listener-settings.ts";
import { portCheck } from "./options/bind.ts";
import { resolveListeners } from "./options/listeners.ts";
import type { ListenerOptions, ResolvedListener } from "./options/listeners.ts";
import type { OptionRow } from "./options/row.ts";
import { SERVER_ROWS } from "./options/server-rows.ts";
import type {
  LogLevel, ResourceLimits, ServerExtras, ServerSettings,
} from "./options/server-rows.ts";
import { MillraceError } from "./shared/errors.ts";
import type { ListenerSettings } from "./shared/listener-settings.ts";

export type {
  AccessLogFormat, AccessLogOption, AppOption, ListenerOptions, LogLevel, OptionRow, ResolvedApp,
  ResolvedListener, ResourceLimits,
  Source,
};

/** The options that have a value whatever the user says. */
interface Settings extends ServerSettings, ListenerSettings {}

type Optional<T> = { [name in keyof T]?: T[name] | undefined };

/** The argument of `serve()`. docs/options.md describes each member. */
export interface ServeOptions extends Optional<Settings>, ServerExtras {
  app: AppOption;
  listeners?: ListenerOptions[] | undefined;
  host?: string | undefined;
  port?: number | undefined;
}

export interface ResolvedOptions extends Settings, ServerExtras {
  readonly app: ResolvedApp;
  /** Each with its own limits and clocks; those beside it are what they fall back to. */
  readonly listeners: readonly ResolvedListener[];
  /** Which source won, per option. */
  readonly sources: Readonly<Record<OptionName, Source>>;
}

export type OptionName = keyof ServeOptions;

const {
  logLevel, logDestination, accessLog, accessLogFormat, accessLogIds, ...FIRST_ROWS
} = SERVER_ROWS;

/** The table. Its order is that of the help and of the documentation. */
export const OPTION_ROWS: Readonly<Record<OptionName, OptionRow>> = {
  ...FIRST_ROWS,
  ...LISTENER_SETTING_ROWS,
  logLevel,
  logDestination,
  accessLog,
  accessLogFormat,
  accessLogIds,
};

/** Checks the options and completes them from the environment and the defaults, or throws. */
export function resolveOptions(
  options: unknown,
  env: NodeJS.ProcessEnv = process.env,
): ResolvedOptions {
  if (typeof options !== "object" || options === null) {
    throw invalid(`serve() needs an object of options, not ${show(options)}`);
  }
  const values = options as Readonly<Record<string, unknown>>;
  return resolveLayers([{ source: "option", values }, environmentLayer(env, OPTION_ROWS)]);
}

/** The same from any layers, ordered from the strongest to the weakest. */
export function resolveLayers(layers: readonly Layer[]): ResolvedOptions {
  for (const layer of layers) checkLayer(layer, OPTION_ROWS);
  const chosen: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  for (const [name, row] of Object.entries(OPTION_ROWS)) {
    const layer = strongest(layers, name);
    sources[name] = layer?.source ?? "default";
    const value = layer === undefined ? row.fallback : layer.values[name];
    if (value !== undefined) chosen[name] = value;
  }
  // The rows have checked each member against the type that ServeOptions gives it.
  const all = chosen as unknown as ServeOptions & Settings;
  const { app, host: _host, port: _port, ...settings } = all;
  fitTarget(settings, sources["targetBytesMax"] !== "default", "");
  fitOutput(settings, sources["outputHardBytesMax"] !== "default", "");
  const listeners = resolveListeners(layers, OPTION_ROWS, settings);
  if (app === undefined) throw invalid("app is missing: give the path of the app's module");
  return {
    ...settings,
    app: resolveApp(app, settings.workers),
    listeners,
    sources: sources as Record<OptionName, Source>,
  };
}

/** The app's own address, as Bun has it. Known only once a worker has loaded the app. */
export interface AppDefaults {
  port?: unknown;
  hostname?: unknown;
}

/**
 * Puts the app's own `port` and `hostname` where only a default stands, and checks them. The port
 * may be text: `port: process.env.MY_PORT` is common.
 */
export function withAppDefaults(options: ResolvedOptions, app: AppDefaults): ResolvedOptions {
  const port = typeof app.port === "string" ? fromText(portCheck, app.port) : app.port;
  const values = { host: app.hostname, port };
  const layer: Layer = { source: "app", values };
  checkLayer(layer, OPTION_ROWS);
  const only = options.listeners.length === 1 ? options.listeners[0] : undefined;
  if (only === undefined) return options;
  const listener = { ...only, defaulted: { ...only.defaulted } };
  const sources = { ...options.sources };
  for (const name of ["host", "port"] as const) {
    if (!only.defaulted[name] || values[name] === undefined) continue;
    Object.assign(listener, { [name]: values[name] });
    listener.defaulted[name] = false;
    sources[name] = "app";
  }
  return { ...options, listeners: [listener], sources };
}

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}
