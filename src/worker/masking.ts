/**
 * Hides what must not be in a log: values of fields and parameters by their names, whatever belongs
 * to a path, and what the app's own function takes out. Texts may be cut anywhere, so a value that
 * has no end reaches to the end. Any thread.
 */
import { type DebugOptions, type DebugText, MASKED_FIELDS } from "../shared/debug.ts";
import { decodeSegment } from "./route-pattern.ts";

export const MASK = "[masked]";

/** As `debugMask` of an app. */
export type MaskFunction = (text: string, what: DebugText) => unknown;

/** Fields that are a target of some request. */
const LINKS = new Set(["referer", "location", "content-location"]);
/** Strings, also one that was cut, and what is between them: every byte is looked at once. */
const JSON_PARTS = /"(?:[^"\\]|\\[^])*(?:"|\\?$)|[^"]+/g;

export class Masking {
  readonly #names: ReadonlySet<string>;
  readonly #paths: readonly string[];

  constructor({ maskFields = [], maskPaths = [] }: DebugOptions) {
    this.#names = new Set([...MASKED_FIELDS, ...maskFields].map((name) => name.toLowerCase()));
    this.#paths = maskPaths;
  }

  /** Whether nothing but the path of its requests is shown. */
  hidesPath(path: string): boolean {
    return this.#ruleOf(path) !== undefined;
  }

  /** `resolved` is its path as routes see it, which may be another than what was sent. */
  target(target: string, resolved?: string): string {
    const origin = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(target)?.[0] ?? "";
    const rest = target.slice(origin.length);
    // The query, or the fragment where there is none, with its mark: both may carry secrets.
    const query = /[?#][^]*/.exec(rest)?.[0] ?? "";
    const path = rest.slice(0, rest.length - query.length);
    const place = origin.replace(/\/\/.*@/, `//${MASK}@`);
    const rule = this.#ruleOf(path) ?? this.#ruleOf(resolved ?? path);
    if (rule !== undefined) {
      const shown = rule.endsWith("*") ? `${rule.slice(0, -1)}${MASK}` : rule;
      return place + (query === "" ? shown : `${shown}${query[0]}${MASK}`);
    }
    return place + path + this.pairs(query);
  }

  field(name: string, value: string): string {
    if (this.#isMasked(name)) return MASK;
    if (LINKS.has(name.toLowerCase())) return this.target(value);
    return /[?#]/.test(value) ? this.pairs(value) : value;
  }

  /** The beginning of a body. */
  body(text: string, type: string): string {
    const start = text.trimStart();
    if (/json/i.test(type) || start.startsWith("{") || start.startsWith("[")) {
      return this.#json(text);
    }
    if (/^multipart\//i.test(type)) return this.#parts(text);
    return this.pairs(text);
  }

  /**
   * `name=value`, joined by `&`, `;`, `#`, `?` or white space. Only `&` ends what is masked: the
   * others may be part of a value.
   */
  pairs(text: string): string {
    let shown = "";
    let isHidden = false;
    for (const piece of text.split(/([&;#?\s])/)) {
      if (piece === "&") isHidden = false;
      if (isHidden) continue;
      const [name, value] = cutAt(piece, "=");
      isHidden = value !== null && this.#isMasked(decoded(name));
      shown += isHidden ? `${name}=${MASK}` : piece;
    }
    return shown;
  }

  #json(text: string): string {
    const parts = text.match(JSON_PARTS) ?? [];
    let shown = "";
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!;
      shown += part;
      const colon = /^\s*:\s*/.exec(parts[at + 1] ?? "")?.[0];
      if (part[0] !== '"' || colon === undefined || !this.#isMasked(nameOf(part))) continue;
      const rest = parts[++at]!.slice(colon.length);
      shown += `${colon}"${MASK}"`;
      if (rest === "") at++; // the value is the string behind the colon
      else if (rest[0] === "{" || rest[0] === "[") return shown;
      else shown += rest.replace(/^[^,}\]\s]*/, "");
    }
    return shown;
  }

  #parts(text: string): string {
    return text.split("\r\n--").map((part) => {
      const [head, value] = cutAt(part, "\r\n\r\n");
      const name = /\bname="?([^";\r\n]*)/i.exec(head)?.[1] ?? "";
      return value === null || !this.#isMasked(name) ? part : `${head}\r\n\r\n${MASK}`;
    }).join("\r\n--");
  }

  #isMasked(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** Of the path as it came, or as routes see it: `/%72eset` is `/reset`. */
  #ruleOf(path: string): string | undefined {
    const meant = decodedPath(path);
    return this.#paths.find((rule) => isUnder(path, rule) || isUnder(meant, decodedPath(rule)));
  }
}

function isUnder(path: string, rule: string): boolean {
  return rule.endsWith("*") ? path.startsWith(rule.slice(0, -1)) : path === rule;
}

/** What cannot be decoded stays as it is. */
function decodedPath(path: string): string {
  return path.includes("%") ? path.split("/").map(decodeSegment).join("/") : path;
}

/** What the app makes of a text; one that fails shows nothing. */
export function maskedBy(mask: MaskFunction, text: string, what: DebugText): string {
  try {
    const made = mask(text, what);
    return typeof made === "string" ? made : MASK;
  } catch {
    return MASK;
  }
}

function cutAt(text: string, mark: string): [before: string, behind: string | null] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + mark.length)];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

function nameOf(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal.slice(1);
  }
}
