/**
 * Every option of `serve()` as one row: name, check, default, sentence. The flags, the variables,
 * the checks and docs/options.md all come from this table. Runs in the primary, once per server,
 * before native code is touched.
 */
import { availableParallelism } from "node:os";
import { isAppOption, resolveApp } from "./options/app.ts";
import type { AppOption, ResolvedApp } from "./options/app.ts";
import {
  flag, fromText, integer, members, milliseconds, oneOf, show, text, textList, textRecord, where,
} from "./options/checks.ts";
import type { Check } from "./options/checks.ts";
import { checkLayer, environmentLayer, strongest } from "./options/layers.ts";
import type { Layer, Source } from "./options/layers.ts";
import { HOST_DEFAULT, PORT_DEFAULT, portCheck, resolveListeners } from "./options/listeners.ts";
import type { ListenerOptions, ResolvedListener } from "./options/listeners.ts";
import { MillraceError } from "./shared/errors.ts";

export type { AppOption, ListenerOptions, ResolvedApp, ResolvedListener, Source };

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** As in `node:worker_threads`. */
export interface ResourceLimits {
  maxOldGenerationSizeMb?: number | undefined;
  maxYoungGenerationSizeMb?: number | undefined;
  codeRangeSizeMb?: number | undefined;
  stackSizeMb?: number | undefined;
}

/** The options that have a value whatever the user says. */
interface Settings {
  workers: number;
  signals: boolean;
  initTimeoutMs: number;
  deadlineMs: number;
  drainQuietMs: number;
  adoptTimeoutMs: number;
  stuckMs: number;
  headTimeoutMs: number;
  bodyTimeoutMs: number;
  idleTimeoutMs: number;
  handlerTimeoutMs: number;
  writeTimeoutMs: number;
  headBytesMax: number;
  headersMax: number;
  targetBytesMax: number;
  bodyBytesMax: number;
  bodyStreamBytesMax: number;
  pipelineMax: number;
  outputBytesMax: number;
  logLevel: LogLevel;
}

/** The options that have no default: absent means that nothing is changed. */
interface Extras {
  resourceLimits?: ResourceLimits | undefined;
  execArgv?: string[] | undefined;
  env?: Record<string, string | undefined> | undefined;
  signal?: AbortSignal | undefined;
}

type Optional<T> = { [name in keyof T]?: T[name] | undefined };

/** The argument of `serve()`. docs/options.md describes each member. */
export interface ServeOptions extends Optional<Settings>, Extras {
  app: AppOption;
  listeners?: ListenerOptions[] | undefined;
  host?: string | undefined;
  port?: number | undefined;
}

export interface ResolvedOptions extends Settings, Extras {
  readonly app: ResolvedApp;
  readonly listeners: readonly ResolvedListener[];
  /** Which source won, per option. */
  readonly sources: Readonly<Record<OptionName, Source>>;
}

export type OptionName = keyof ServeOptions;

export interface OptionRow {
  readonly group: "App" | "Listeners" | "Workers" | "Start and stop" | "Time" | "Size" | "Log";
  readonly check: Check;
  readonly fallback?: unknown;
  /** The default in words, where a value would not tell. */
  readonly fallbackText?: string;
  /** The environment variable, where it is not the usual MILLRACE_ form. */
  readonly variable?: string;
  readonly text: string;
}

const LOG_LEVELS: readonly LogLevel[] =
  ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** The table. Its order is that of the help and of the documentation. */
export const OPTION_ROWS: Readonly<Record<OptionName, OptionRow>> = {
  app: {
    group: "App",
    check: where(isAppOption, "a path, a file: URL, or with workers: 0 an app"),
    text: "The app's module; an app itself is taken only with `workers: 0`.",
  },
  listeners: {
    group: "Listeners",
    check: where(isListenerList, "an array of at least one object"),
    fallbackText: "one, with the id `default`",
    text: "Where the server listens; see the options of a listener.",
  },
  host: {
    group: "Listeners",
    check: text,
    fallback: HOST_DEFAULT,
    variable: "HOST",
    text: "The address of the one listener; 0.0.0.0 or :: takes every network interface.",
  },
  port: {
    group: "Listeners",
    check: portCheck,
    fallback: PORT_DEFAULT,
    variable: "PORT",
    text: "The port of the one listener; 0 takes any free one.",
  },
  workers: {
    group: "Workers",
    check: integer(0, 256),
    fallback: availableParallelism(),
    fallbackText: "one per available core",
    text: "Worker threads; 0 runs the handlers in the primary thread, for a debugger or profiler.",
  },
  resourceLimits: {
    group: "Workers",
    check: members({
      maxOldGenerationSizeMb: integer(1, 1_048_576),
      maxYoungGenerationSizeMb: integer(1, 1_048_576),
      codeRangeSizeMb: integer(0, 1_048_576),
      stackSizeMb: integer(1, 1024),
    }),
    fallbackText: "those of Node.js",
    text: "Memory limits of each worker, with the names of `node:worker_threads`.",
  },
  execArgv: {
    group: "Workers",
    check: textList,
    fallbackText: "those of the process",
    text: "Flags of Node.js for the workers.",
  },
  env: {
    group: "Workers",
    check: textRecord,
    fallbackText: "a copy of the process's",
    text: "The environment variables the workers see.",
  },
  signal: {
    group: "Start and stop",
    check: where((value) => value instanceof AbortSignal, "an AbortSignal"),
    fallbackText: "none",
    text: "Aborting it closes the server.",
  },
  signals: {
    group: "Start and stop",
    check: flag,
    fallback: false,
    text: "Drain on SIGINT and SIGTERM, and close by force on a second one.",
  },
  initTimeoutMs: {
    group: "Start and stop",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a worker may take to load the app and run its `init`.",
  },
  deadlineMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 10_000,
    text: "How long a stop waits for what still runs before it destroys the rest.",
  },
  drainQuietMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 500,
    text: "How long an idle connection must have been quiet before a stop closes it.",
  },
  adoptTimeoutMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 5000,
    text: "How long connections of a dead worker wait for the worker that replaces it.",
  },
  stuckMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 250,
    text: "A worker whose loop has not turned for this long gets no new connections.",
  },
  headTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 10_000,
    text: "From the first byte of a request to the end of its head; then 408.",
  },
  bodyTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a request's body may make no progress while it is awaited; then 408.",
  },
  idleTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 75_000,
    text: "How long a connection may be idle between requests. Keep it above your proxy's.",
  },
  handlerTimeoutMs: {
    group: "Time",
    check: milliseconds(0),
    fallback: 0,
    text: "How long a handler may take to return its answer; then 503. 0 sets no limit.",
  },
  writeTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a peer may take nothing of what waits to be written to it.",
  },
  headBytesMax: {
    group: "Size",
    check: integer(256, 65_535),
    fallback: 16_384,
    text: "Bytes of a request's head, its request line included; beyond it 431.",
  },
  headersMax: {
    group: "Size",
    check: integer(1, 4096),
    fallback: 100,
    text: "Header fields of a request; beyond it 431.",
  },
  targetBytesMax: {
    group: "Size",
    check: integer(1, 65_535),
    fallback: 8192,
    fallbackText: "8192, or `headBytesMax` if that is less",
    text: "Bytes of a request's target; beyond it 414.",
  },
  bodyBytesMax: {
    group: "Size",
    check: integer(0, 2 ** 31 - 1),
    fallback: 1_048_576,
    text: "Bytes of a body that is read as a whole, as by `json()`; beyond it 413.",
  },
  bodyStreamBytesMax: {
    group: "Size",
    check: integer(0, Number.MAX_SAFE_INTEGER),
    fallback: 0,
    text: "Bytes of a body that is read as a stream; beyond it 413. 0 sets no limit.",
  },
  pipelineMax: {
    group: "Size",
    // Half of a batch: a read may add this many requests and must find room in the event ring.
    check: integer(1, 1024),
    fallback: 64,
    text: "Unanswered requests of one connection; beyond it the connection is not read on.",
  },
  outputBytesMax: {
    group: "Size",
    check: integer(1024, 2 ** 30),
    fallback: 65_536,
    text: "Bytes that wait to be sent to one connection before its producer has to wait.",
  },
  logLevel: {
    group: "Log",
    check: oneOf(LOG_LEVELS),
    fallback: "info",
    text: "The least severe messages that are logged.",
  },
};

function isListenerList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((each) => typeof each === "object" && each !== null && !Array.isArray(each));
}

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
  const listeners = resolveListeners(layers, OPTION_ROWS);
  // The rows have checked each member against the type that ServeOptions gives it.
  const all = chosen as unknown as ServeOptions & Settings;
  const { app, host: _host, port: _port, ...settings } = all;
  fitTarget(settings, sources["targetBytesMax"] !== "default");
  if (app === undefined) throw invalid("app is missing: give the path of the app's module");
  return {
    ...settings,
    app: resolveApp(app, settings.workers),
    listeners,
    sources: sources as Record<OptionName, Source>,
  };
}

/** A target is part of a head, so a limit above the head's could never take effect. */
function fitTarget(settings: Settings, isGiven: boolean): void {
  if (settings.targetBytesMax <= settings.headBytesMax) return;
  if (isGiven) {
    throw invalid(`targetBytesMax must be at most headBytesMax, which is ${settings.headBytesMax}`);
  }
  settings.targetBytesMax = settings.headBytesMax;
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
