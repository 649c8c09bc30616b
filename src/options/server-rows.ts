/**
 * The rows of the options that a server has once: its app, its listeners, its workers, how it
 * starts and stops. Those that each listener can set for itself are in listener-settings.ts. Pure.
 */
import { availableParallelism } from "node:os";
import { ACCESS_LOG_FORMATS, accessLogCheck } from "./access-log.ts";
import type { AccessLogFormat, AccessLogOption } from "./access-log.ts";
import { isAppOption } from "./app.ts";
import { BALANCE_POLICIES, type BalancePolicy } from "./balance.ts";
import {
  filePath, flag, integer, members, milliseconds, oneOf, text, textList, textRecord, where,
} from "./checks.ts";
import { portCheck } from "./bind.ts";
import { HOST_DEFAULT, PORT_DEFAULT } from "./listeners.ts";
import type { OptionRow } from "./row.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** As in `node:worker_threads`. */
export interface ResourceLimits {
  maxOldGenerationSizeMb?: number | undefined;
  maxYoungGenerationSizeMb?: number | undefined;
  codeRangeSizeMb?: number | undefined;
  stackSizeMb?: number | undefined;
}

/** The options of a server that have a value whatever the user says. */
export interface ServerSettings {
  workers: number;
  signals: boolean;
  watch: boolean;
  initTimeoutMs: number;
  deadlineMs: number;
  drainDelayMs: number;
  drainQuietMs: number;
  controlTimeoutMs: number;
  protectLastListener: boolean;
  adoptTimeoutMs: number;
  control: string;
  pidFile: string;
  notify: boolean;
  stuckMs: number;
  stuckTerminateMs: number;
  balance: BalancePolicy;
  rebalanceMs: number;
  workerRequestsMax: number;
  workerMemoryBytesMax: number;
  connectionsPerAddressMax: number;
  memoryBytesMax: number;
  inFlightMax: number;
  metrics: boolean;
  metricsTimeoutMs: number;
  logLevel: LogLevel;
  development: boolean;
  logDestination: string;
  accessLog: AccessLogOption;
  accessLogFormat: AccessLogFormat;
  accessLogIds: boolean;
}

/** The options that have no default: absent means that nothing is changed. */
export interface ServerExtras {
  resourceLimits?: ResourceLimits | undefined;
  execArgv?: string[] | undefined;
  env?: Record<string, string | undefined> | undefined;
  connectionsMax?: number | undefined;
  signal?: AbortSignal | undefined;
}

type Name = keyof ServerSettings | keyof ServerExtras | "app" | "listeners" | "host" | "port";

/** As kListenersMax of core/server.h: each has its own place in shared memory. */
const LISTENERS_MAX = 128;

const LOG_LEVELS: readonly LogLevel[] =
  ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** In the order of the help and of the documentation. */
export const SERVER_ROWS: Readonly<Record<Name, OptionRow>> = {
  app: {
    group: "App",
    check: where(isAppOption, "a path, a file: URL, or with workers: 0 an app"),
    text: "The app's module; an app itself is taken only with `workers: 0`.",
  },
  development: {
    group: "App",
    check: flag,
    fallback: false,
    fallbackText: "`false`, or `true` where `NODE_ENV` is `development`",
    text: "Answers to failed requests show the error, its stack, the line of the source and the " +
      "request. Never where others can ask.",
  },
  listeners: {
    group: "Listeners",
    check: where(isListenerList, `an array of 1 to ${LISTENERS_MAX} objects`),
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
  balance: {
    group: "Workers",
    check: oneOf(BALANCE_POLICIES),
    fallback: "least-connections",
    text: "Which worker gets a connection: the one with the fewest, the least busy one, the next " +
      "in turn, or the same for the same peer address.",
  },
  rebalanceMs: {
    group: "Workers",
    check: milliseconds(0),
    fallback: 1000,
    text: "How often a worker that is clearly busier than another may give it idle connections. " +
      "0: never; nor with the balance `client-address`.",
  },
  workerRequestsMax: {
    group: "Workers",
    check: integer(0, Number.MAX_SAFE_INTEGER),
    fallback: 0,
    text: "A worker that has served about as many requests is replaced, and loses no connection " +
      "by that. 0: never.",
  },
  workerMemoryBytesMax: {
    group: "Workers",
    check: integer(0, Number.MAX_SAFE_INTEGER),
    fallback: 0,
    text: "A worker whose JavaScript holds more memory than that for some seconds, buffers " +
      "included, is replaced in the same way. 0: never.",
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
    text: "Drain on SIGINT and SIGTERM, close by force on a second one, and reload on SIGHUP.",
  },
  watch: {
    group: "Start and stop",
    check: flag,
    fallback: false,
    text: "Reload when a module in the folder of the app, or below, has changed: for development.",
  },
  initTimeoutMs: {
    group: "Start and stop",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a worker may take to load the app and run its `init`, and then again to open.",
  },
  deadlineMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 10_000,
    text: "How long a stop waits for what still runs before it destroys the rest.",
  },
  drainDelayMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 0,
    text: "How long a drain, as of SIGTERM, only answers readiness probes with 503 before " +
      "listeners stop: what load balancers need to notice.",
  },
  drainQuietMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 500,
    text: "How long an idle connection must have been quiet before a stop closes it.",
  },
  controlTimeoutMs: {
    group: "Start and stop",
    check: milliseconds(1),
    fallback: 5000,
    text: "How long a worker may take to acknowledge a control message; then an error names it.",
  },
  protectLastListener: {
    group: "Listeners",
    check: flag,
    fallback: false,
    text: "Refuse to stop or remove the only listener that runs. `close()` stops it all the same.",
  },
  adoptTimeoutMs: {
    group: "Start and stop",
    check: milliseconds(0),
    fallback: 5000,
    text: "How long connections of a dead worker wait for the worker that replaces it.",
  },
  control: {
    group: "Operation",
    check: filePath,
    fallback: "",
    fallbackText: "none",
    text: "The path of a Unix socket on which `millrace ctl` asks the server and tells it what " +
      "to do. Only the user that the server runs as can use it.",
  },
  pidFile: {
    group: "Operation",
    check: filePath,
    fallback: "",
    fallbackText: "none",
    text: "A file that names the process while the server listens.",
  },
  notify: {
    group: "Operation",
    check: flag,
    fallback: false,
    fallbackText: "true for the command `millrace`, false for `serve()`",
    text: "Tell systemd how the service is, where it asks for that in `NOTIFY_SOCKET`.",
  },
  stuckMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 250,
    text: "A worker whose loop has not turned for this long gets no new connections.",
  },
  stuckTerminateMs: {
    group: "Time",
    check: milliseconds(0),
    fallback: 0,
    text: "A worker whose loop has not turned for this long is terminated and replaced, unless a " +
      "debugger is attached. 0: never.",
  },
  connectionsMax: {
    group: "Overload",
    check: integer(1, 2 ** 31 - 1),
    fallbackText: "nine tenths of the limit of open files",
    text: "Connections of the process; who comes beyond it gets 503.",
  },
  connectionsPerAddressMax: {
    group: "Overload",
    check: integer(0, 2 ** 31 - 1),
    fallback: 0,
    text: "Connections of one peer address, which of IPv6 is the /64; who comes beyond it gets " +
      "503. 0 sets no limit.",
  },
  memoryBytesMax: {
    group: "Overload",
    check: integer(0, Number.MAX_SAFE_INTEGER),
    fallback: 268_435_456,
    text: "Bytes that a worker holds for its connections: unfinished heads, unsent answers, " +
      "bodies that wait for their readers. Beyond it requests get 503. 0 sets no limit.",
  },
  inFlightMax: {
    group: "Overload",
    check: integer(0, 2 ** 31 - 1),
    fallback: 0,
    text: "Requests that one worker's handlers work on at a time; beyond it they get 503. 0 sets " +
      "no limit.",
  },
  metrics: {
    group: "Observability",
    check: flag,
    fallback: false,
    text: "Count each request for `server.metrics()`: durations, sizes, requests in work.",
  },
  metricsTimeoutMs: {
    group: "Observability",
    check: milliseconds(1),
    fallback: 1000,
    text: "How long `server.metrics()` waits for a worker before it goes on without its answer.",
  },
  logLevel: {
    group: "Log",
    check: oneOf(LOG_LEVELS),
    fallback: "info",
    text: "The least severe messages that are logged.",
  },
  logDestination: {
    group: "Log",
    check: text,
    fallback: "stdout",
    text: "Where messages are logged: stdout, stderr, or the path of a file.",
  },
  accessLog: {
    group: "Log",
    check: accessLogCheck,
    fallback: false,
    text: "Where each request is logged: stdout, the path of a file, or false for nowhere.",
  },
  accessLogFormat: {
    group: "Log",
    check: oneOf(ACCESS_LOG_FORMATS),
    fallback: "combined",
    text: "The lines of the access log: Common Log Format, Combined, or one JSON object each.",
  },
  accessLogIds: {
    group: "Log",
    check: flag,
    fallback: false,
    text: "Lines of Common and Combined end in the request's id and its `traceparent`, in " +
      "quotes; those of JSON have them anyway.",
  },
};

function isListenerList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > LISTENERS_MAX) return false;
  return value.every((each) => typeof each === "object" && each !== null && !Array.isArray(each));
}
