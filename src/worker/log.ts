/**
 * The log of a thread: pino, which can also be called like a function. Each thread writes to
 * standard output by itself, not through the primary's loop. Thread: the worker's.
 */
import { type Logger, pino } from "pino";
import type { Log } from "../shared/app.ts";

const METHODS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** What stands behind a Log, for logs that are derived from it. */
const loggers = new WeakMap<Log, Logger>();

/** `bindings` are in every line. */
export function makeLog(level: string, bindings: Record<string, unknown>): Log {
  const logger = pino({ level, base: bindings });
  const log = (...rest: unknown[]): void => logger.info(...(rest as [string]));
  const made = Object.assign(
    log,
    Object.fromEntries(METHODS.map((name) => [name, logger[name].bind(logger)])),
  ) as unknown as Log;
  loggers.set(made, logger);
  return made;
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
