/**
 * The log of a thread: pino, which can also be called like a function. Each thread writes by itself
 * to its destination, not through the primary's loop. A destination that cannot be written, a full
 * disk say, loses messages and nothing else. Thread: the worker's.
 */
import { type Logger, pino, stdSerializers } from "pino";
import type { Log } from "../shared/app.ts";
import { escapedLine } from "../shared/log-line.ts";
import type { WorkerOptions } from "../shared/messages.ts";
import { describe } from "./error-page.ts";

const METHODS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** What stands behind a Log, for logs that are derived from it. */
const loggers = new WeakMap<Log, Logger>();

export interface OpenLog {
  readonly log: Log;
  /** Goes on with the file that the path names now. */
  readonly reopen: () => void;
}

/** Characters that wait for a destination that takes none; what is beyond them is lost. */
const UNWRITTEN_MAX = 1_048_576;

const DESCRIPTORS: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };

/** `bindings` are in every line. Throws when the destination is a file that cannot be opened. */
export function makeLog(
  options: Pick<WorkerOptions, "logLevel" | "logDestination">,
  bindings: Record<string, unknown>,
): OpenLog {
  const { logLevel, logDestination } = options;
  const descriptor = DESCRIPTORS[logDestination];
  const destination = pino.destination({
    dest: descriptor ?? logDestination, sync: true, maxLength: UNWRITTEN_MAX,
  });
  // Without a listener a failed write would end the worker.
  destination.on("error", () => {});
  const hooks = { streamWrite: escapedLine };
  const serializers = { err: shownError };
  const logger = pino({ level: logLevel, base: bindings, hooks, serializers }, destination);
  const log = (...rest: unknown[]): void => logger.info(...(rest as [string]));
  const made = Object.assign(
    log,
    Object.fromEntries(METHODS.map((name) => [name, logger[name].bind(logger)])),
  ) as unknown as Log;
  loggers.set(made, logger);
  return {
    log: made,
    reopen: () => {
      if (descriptor !== undefined) return;
      try {
        destination.reopen();
      } catch (error) {
        logger.error({ err: error }, "the log's file cannot be opened again");
      }
    },
  };
}

/** The same log with more in every line. `bindings` is asked when the first line is written. */
export function childLog(parent: Log, bindings: () => Record<string, unknown>): Log {
  const logger = loggers.get(parent);
  if (logger === undefined) return parent; // one that the worker has not made
  let child: Logger | null = null;
  const write = (name: (typeof METHODS)[number], rest: unknown[]): void => {
    if (!logger.isLevelEnabled(name)) return;
    child ??= logger.child(bindings());
    child[name](...(rest as [string]));
  };
  const log = (...rest: unknown[]): void => write("info", rest);
  for (const name of METHODS) {
    Object.assign(log, { [name]: (...rest: unknown[]): void => write(name, rest) });
  }
  return log as unknown as Log;
}

/**
 * As pino shows it. That marks the error while it reads all its properties, and throws if it is
 * frozen or if a getter throws: where an app's error is logged nobody would catch that.
 */
function shownError(error: unknown): unknown {
  try {
    return stdSerializers.err(error as Error);
  } catch {
    return describe(error);
  }
}
