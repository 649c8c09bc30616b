/** Options of a call: an object, and nothing in it that the call does not know. Pure. */
import { suggest } from "./suggest.ts";

/** Throws a TypeError that begins with `what`, the name of the call. */
export function checkKnown(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${what}: the options are an object`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`${what}: no option "${name}"${suggest(name, known)}`);
  }
}
