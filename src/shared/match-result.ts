/**
 * What a `match` has said. It says so at once: a promise is truthy whatever comes of it, so a check
 * that is async would let everybody through. Any thread.
 */
import { MillraceError } from "./errors.ts";

/** Where a `match` stands, made into text only for a message. */
export interface MatchPlace {
  readonly routeName: string;
}

/** Throws ERR_MILLRACE_MATCH_INVALID, which names the place, for a promise. */
export function isMatch(said: unknown, place: MatchPlace): boolean {
  if (typeof said === "boolean") return said;
  const isThenable = typeof (said as { then?: unknown } | null | undefined)?.then === "function";
  if (!isThenable) return Boolean(said);
  Promise.resolve(said).catch(() => {}); // what is wrong is told once
  throw new MillraceError(
    "ERR_MILLRACE_MATCH_INVALID",
    `The match of ${place.routeName} has returned a promise, and must return true or false`,
  );
}

/** Why the `match` of a row or a handler object can be none; null: it can. */
export function wrongMatch({ match }: { readonly match?: unknown }): string | null {
  if (match === undefined) return null;
  if (typeof match !== "function") return "match is no function";
  const isAsync = Object.prototype.toString.call(match).startsWith("[object Async");
  return isAsync ? "match is async, and must say true or false at once" : null;
}
