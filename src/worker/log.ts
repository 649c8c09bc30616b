/**
 * The log of a thread: pino, which can also be called like a function. Each thread writes to
 * standard output by itself, not through the primary's loop. Thread: the worker's.
 */
import { pino } from "pino";
import type { Log } from "../shared/app.ts";

/** `bindings` are in every line. */
export function makeLog(level: string, bindings: Record<string, unknown>): Log {
  const logger = pino({ level, base: bindings });
  const log = (...rest: unknown[]): void => logger.info(...(rest as [string]));
  const methods = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
  return Object.assign(
    log,
    Object.fromEntries(methods.map((name) => [name, logger[name].bind(logger)])),
  ) as unknown as Log;
}
