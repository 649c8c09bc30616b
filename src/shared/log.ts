/** The logger that apps are given. Types only. */

/** A logger: pino's, which can also be called like `console.log`. */
export interface Log {
  (message: string, ...rest: unknown[]): void;
  trace(...args: unknown[]): void;
  debug(...args: unknown[]): void;
  info(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
  fatal(...args: unknown[]): void;
}
