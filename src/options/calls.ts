/**
 * The options of the calls of a running server that end something. They are checked before the
 * call begins: halfway through nobody could take it back. Pure; used in the primary.
 */
import { MillraceError } from "../shared/errors.ts";
import { suggest } from "../shared/suggest.ts";
import { type Check, flag, milliseconds, passes, show } from "./checks.ts";

export type Fields = Readonly<Record<string, Check>>;

export const STOP_FIELDS: Fields = { force: flag, deadlineMs: milliseconds(0) };
export const DRAIN_FIELDS: Fields = { ...STOP_FIELDS, delayMs: milliseconds(0) };

/** Throws ERR_MILLRACE_OPTION_INVALID. Members of other names are not looked at. */
export function checkCall(call: string, fields: Fields, options: object | null = {}): void {
  if (options === null) throw invalid(`${call}: its options must be an object, not null`);
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const [name, check] of Object.entries(fields)) {
    const value = given[name];
    if (value === undefined || passes(check, value)) continue;
    throw invalid(`${call}: ${name} must be ${check.says}, not ${show(value)}`);
  }
}

/** Throws ERR_MILLRACE_OPTION_UNKNOWN for a member that is none of these. */
export function checkNames(call: string, known: readonly string[], options: object): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new MillraceError(
    "ERR_MILLRACE_OPTION_UNKNOWN", `${call} has no option ${unknown}${suggest(unknown, known)}`,
  );
}

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}
