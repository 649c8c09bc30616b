/**
 * What a client's path names below a folder, or that it names nothing: a path is judged after it
 * was decoded, once, and what could mean another place is refused and not mended. Any thread.
 */
import { decodeSegment } from "../worker/route-pattern.ts";

/** Longer names exist in no file system that is served. */
const NAME_BYTES_MAX = 255;

/** The path of a URL, without its first slash, decoded as routes decode theirs. */
export function decodedPath(pathname: string): string {
  return pathname.slice(1).split("/").map(decodeSegment).join("/");
}

/**
 * Whether it is a path below a folder: no empty segment but the last, no `.` and `..`, no NUL, no
 * backslash, no encoded slash. `dotFiles`: whether names may begin with a dot.
 */
export function isSafePath(path: string, dotFiles: boolean): boolean {
  if (/[\0\\]|%2f/i.test(path)) return false;
  const segments = path.split("/");
  const folders = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  return folders.every((name) => isSafeName(name, dotFiles));
}

function isSafeName(name: string, dotFiles: boolean): boolean {
  if (name === "" || name === "." || name === "..") return false;
  return (dotFiles || !name.startsWith(".")) && Buffer.byteLength(name) <= NAME_BYTES_MAX;
}
