/**
 * Where in the app's files an error comes from, as `file:line:column`, for messages that have to
 * say it: what crosses to the primary has no stack of its own. Thread: the worker's.
 */
import { fileURLToPath } from "node:url";

/** A place in a stack or, as the first line of one, in front of the source that it shows. */
export const PLACE: RegExp = /(?:^|[\s(])((?:file:\/\/|\/)[^\s()]*?:\d+(?::\d+)?)(?=[\s)]|$)/m;

/** Of the first frame that is a file's; undefined for an error without one. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const place = PLACE.exec(error.stack ?? "")?.[1];
  return place === undefined ? undefined : asPath(place);
}

/** A place with a path in place of a URL. */
export function asPath(place: string): string {
  if (!place.startsWith("file:")) return place;
  const [, href = place, rest = ""] = /^(.*?)((?::\d+){1,2})$/.exec(place) ?? [];
  return fileURLToPath(href) + rest;
}

/** `reason` and, if it is known, where. */
export function withPlace(reason: string, place: string | undefined): string {
  return place === undefined || reason.includes(place) ? reason : `${reason} (${place})`;
}
