/** What a lookup of the app has found. Pure. */

/**
 * The one record; null: none, or several. Only what is true lets somebody in, as the app has
 * written it: a comparison gives `false`, and a count 0.
 */
export function theRecord(found: unknown): unknown {
  if (!Array.isArray(found)) return isRecord(found) ? found : null;
  return found.length === 1 && isRecord(found[0]) ? (found[0] as unknown) : null;
}

/** Whether it is somebody. */
export function isRecord(found: unknown): boolean {
  return Boolean(found);
}
