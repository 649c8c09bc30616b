/**
 * Checks of the toolbox's options, whose failures are told when the app is loaded: TypeErrors with
 * the codes of the server's own options. A name that is ignored may be a lock that is not there.
 * Pure.
 */
import type { ErrorCode } from "../shared/errors.ts";
import { suggest } from "../shared/suggest.ts";

/** `who` has the options. Throws for what is no object, and for a name that is none of them. */
export function checkNames(who: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongOption(`${who}: its options are an object`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const text = `${who}: no option "${unknown}"${suggest(unknown, known)}`;
  throw codedError("ERR_MILLRACE_OPTION_UNKNOWN", text);
}

/** For a value that an option does not take. */
export function wrongOption(text: string, options?: ErrorOptions): TypeError {
  return codedError("ERR_MILLRACE_OPTION_INVALID", text, options);
}

function codedError(code: ErrorCode, text: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(text, options), { code });
}
