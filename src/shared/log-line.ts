/**
 * A finished line of the log, JSON already. pino escapes the controls of ASCII, as JSON asks for;
 * the others, which move terminals as well, come here. Any thread.
 */

/** DEL and the controls of Latin-1, and those that reorder or break lines. */
const UNSEEN = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** They stand in strings only, so the line is JSON of the same value. */
export function escapedLine(line: string): string {
  return line.replace(UNSEEN, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
