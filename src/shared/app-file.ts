/** The file that an app has come from, for errors that are found in it. Pure; on any thread. */
import { fileURLToPath } from "node:url";
import { MillraceError } from "./errors.ts";
import type { ServeTask } from "./messages.ts";

/** Undefined: it was given as a value. */
export function fileOf(app: ServeTask["app"]): string | undefined {
  if (app.kind === "value") return undefined;
  return app.href.startsWith("file:") ? fileURLToPath(app.href) : app.href;
}

/** The error with the file in front of its message, unless that names it. */
export function inFile(file: string | undefined, error: unknown): unknown {
  if (file === undefined || !(error instanceof MillraceError)) return error;
  const { code, message, cause } = error;
  if (message.includes(file)) return error;
  const options = cause === undefined ? {} : { cause };
  return new MillraceError(code, `The app ${file}: ${message}`, options);
}
