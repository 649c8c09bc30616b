/**
 * Hides values of a multipart body (RFC 2046 5.1): those of parts by their names, and what stands
 * in the others by their types. Readers do not agree on what a name is, so whatever one of them may
 * take for it counts. Texts may be cut anywhere. Any thread.
 */

/** What is hidden, and by what it is replaced. */
export interface PartRules {
  readonly isMasked: (name: string) => boolean;
  /** What is shown of the value of a part that is not masked as a whole. */
  readonly shown: (value: string, type: string) => string;
  readonly mask: string;
}

/** Of a type, with quotes or without. */
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/gi;
/** Looks ahead: what seems to be a value may have another name in it. No name is over 256 long. */
const NAMES =
  /\bname(\*\d{0,4}\*?)?\s*=\s*(?=("(?:[^"\\]|\\[^]){0,256}|[^;\r\n]{0,256}))/gi;
const TYPE = /^content-type[ \t]*:([^\r\n]*)/im;
/** Codings that hide the text from who looks through it (RFC 2045 6). */
const CODED = /^content-transfer-encoding[ \t]*:(?![ \t]*(?:7bit|8bit|binary)\b)/im;

/** The boundary in `type` alone ends a part: `--` may stand at the beginning of any line of it. */
export function maskedParts(text: string, type: string, rules: PartRules): string {
  const boundary = boundaryOf(type);
  const shown: string[] = [];
  for (const part of partsOf(text, boundary)) {
    const made = maskedPart(part, rules);
    shown.push(made);
    if (boundary === null && made !== part) break; // nobody knows where it ends
  }
  return shown.join("\r\n--");
}

/** With no boundary each line that begins with `--` may begin one. */
function partsOf(text: string, boundary: string | null): string[] {
  const pieces = text.split("\r\n--");
  if (boundary === null) return pieces;
  const parts: string[][] = [];
  for (const piece of pieces) {
    if (parts.length === 0 || isDelimiter(piece, boundary)) parts.push([piece]);
    else parts.at(-1)!.push(piece);
  }
  return parts.map((part) => part.join("\r\n--"));
}

function maskedPart(part: string, { isMasked, shown, mask }: PartRules): string {
  const at = part.indexOf("\r\n\r\n");
  if (at < 0) return part;
  const head = part.slice(0, at);
  const value = part.slice(at + 4);
  const isHidden = CODED.test(head) || namesOf(head).some(isMasked);
  const made = isHidden ? mask : shown(value, TYPE.exec(head)?.[1]?.trim() ?? "");
  return `${head}\r\n\r\n${made}`;
}

/** All that may be the name: as it stands, decoded, or put together of its pieces (RFC 2231 3). */
function namesOf(head: string): string[] {
  const found = [...head.matchAll(NAMES)];
  const pieces = found.filter(([, star]) => /\d/.test(star ?? ""));
  const texts = found.map(([, , text]) => text!);
  const joined = pieces.map(([, , text]) => bare(text!)).join("");
  return [...texts, joined].flatMap((text) => {
    const plain = bare(text);
    const words = plain.replace(/^[^']*'[^']*'/, ""); // of name*: behind charset and language
    return [plain, words].flatMap((each) => [
      each, each.replace(/\\([^])/g, "$1"), each.replaceAll("\\", ""), decoded(each),
    ]).map((each) => each.trim());
  });
}

function bare(text: string): string {
  return text.replace(/^"/, "").replace(/"$/, "").trim();
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Null if the type says none, or several: nobody knows then which one counts. */
function boundaryOf(type: string): string | null {
  const found = [...type.matchAll(BOUNDARY)];
  return found.length === 1 ? found[0]![1] ?? found[0]![2]! : null;
}

/** RFC 2046 5.1.1. `part`: what is behind the `--`, which may have been cut. */
function isDelimiter(part: string, boundary: string): boolean {
  if (!part.startsWith(boundary)) return false;
  return /^(?:--)?[ \t]*(?:\r\n|\r?$)/.test(part.slice(boundary.length));
}
