/**
 * Patterns of routes: how one is written, and how paths are cut into segments and decoded. Paths
 * and patterns are decoded in the same way, segment by segment, once; an encoded slash stays as it
 * is, for decoded it would be a border of segments. Any thread.
 */
import { MillraceError } from "../shared/errors.ts";

export type Segment =
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "rest" };

const PARAM = /^:([A-Za-z0-9_$-]+)$/;

/** The segments of a pattern; throws ERR_MILLRACE_ROUTE_INVALID, naming the pattern. */
export function parsePattern(pattern: string): Segment[] {
  if (!pattern.startsWith("/")) throw invalidRoute(pattern, "a pattern begins with a slash");
  if (/[?#]/.test(pattern)) throw invalidRoute(pattern, "a pattern has no query and no fragment");
  const texts = pattern.slice(1).split("/");
  const segments = texts.map((text, at) => parseSegment(pattern, text, at === texts.length - 1));
  const names = paramNames(segments);
  if (new Set(names).size < names.length) {
    throw invalidRoute(pattern, "two of its parameters have the same name");
  }
  return segments;
}

export function paramNames(segments: readonly Segment[]): string[] {
  const names: string[] = [];
  for (const segment of segments) {
    if (segment.kind === "param") names.push(segment.name);
    else if (segment.kind === "rest") names.push("*");
  }
  return names;
}

function parseSegment(pattern: string, text: string, isLast: boolean): Segment {
  if (text === "*") {
    if (!isLast) throw invalidRoute(pattern, "a wildcard can only be at the end");
    return { kind: "rest" };
  }
  if (text.includes("*")) throw invalidRoute(pattern, "a wildcard is a whole segment");
  if (text.startsWith(":")) {
    const name = PARAM.exec(text)?.[1];
    if (name === undefined) {
      throw invalidRoute(pattern, `"${text}" is no colon with a name of letters, digits, _ $ -`);
    }
    return { kind: "param", name: keyOf(name) };
  }
  const decoded = decodeSegment(text);
  if (decoded === "." || decoded === "..") {
    throw invalidRoute(pattern, "paths are matched without dot segments");
  }
  return { kind: "exact", text: decoded };
}

/** The same text as V8 keeps the names of properties: to set one of another kind is slower. */
function keyOf(name: string): string {
  return Object.keys({ [name]: 0 })[0]!;
}

export function invalidRoute(pattern: string, why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_ROUTE_INVALID", `The route "${pattern}": ${why}.`);
}

const ENCODED_SLASH = /(%2f)/i;

/** Percent-decoded, but for `%2F`; what is no valid encoding stays as it is. */
export function decodeSegment(text: string): string {
  if (!text.includes("%")) return text;
  // The group keeps each encoded slash as an item of its own, in its spelling.
  return text.split(ENCODED_SLASH).map(decodePiece).join("");
}

function decodePiece(piece: string): string {
  if (ENCODED_SLASH.test(piece)) return piece;
  try {
    return decodeURIComponent(piece);
  } catch {
    return piece;
  }
}
