/**
 * The options of the logs: the forms `accessLog` may have, and those that the server uses. Pure.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import type { Check } from "./checks.ts";

export type AccessLogFormat = "common" | "combined" | "json";

/** In the order of `LogFormat` in core/log-format.h. */
export const ACCESS_LOG_FORMATS: readonly AccessLogFormat[] = ["common", "combined", "json"];

/** `"stdout"`, or the path of a file. */
export type AccessLogOption =
  | false
  | string
  | { path: string; format?: AccessLogFormat | undefined; ids?: boolean | undefined };

export interface ResolvedAccessLog {
  /** `stdout`, or absolute: the file is opened again, perhaps from another folder. */
  readonly path: string;
  readonly format: AccessLogFormat;
  /** Lines of Common and Combined end in the request's id and its traceparent. */
  readonly ids: boolean;
}

const path = v.pipe(v.string(), v.nonEmpty(), v.check((text) => !text.includes("\0")));

/** Written as text it is a path, `stdout` or `false`. */
export const accessLogCheck: Check = {
  kind: "text",
  schema: v.union([
    v.literal(false),
    path,
    v.strictObject({
      path,
      format: v.optional(v.picklist(ACCESS_LOG_FORMATS)),
      ids: v.optional(v.boolean()),
    }),
  ]),
  says: "false, \"stdout\", the path of a file, or an object of a path, a format and ids",
};

/** Of `logDestination`: absolute, as the path of the access log. */
export function destinationOf(option: string): string {
  return option === "stdout" || option === "stderr" ? option : resolve(option);
}

/** Where no file is written, SIGUSR2 is left to others: it restarts what nodemon and pm2 run. */
export function logsToFile(accessLog: AccessLogOption, logDestination: string): boolean {
  const access = resolveAccessLog(accessLog, "common");
  if (access !== undefined && access.path !== "stdout") return true;
  return !["stdout", "stderr"].includes(logDestination);
}

/** Undefined: there is no access log. */
export function resolveAccessLog(
  option: AccessLogOption,
  format: AccessLogFormat,
  ids: boolean = false,
): ResolvedAccessLog | undefined {
  if (option === false || option === "false") return undefined;
  const given = typeof option === "string" ? { path: option } : option;
  return {
    path: given.path === "stdout" ? "stdout" : resolve(given.path),
    format: given.format ?? format,
    ids: given.ids ?? ids,
  };
}
