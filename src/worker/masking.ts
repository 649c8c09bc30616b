/**
 * Hides what must not be in a log: values of fields and parameters by their names, whatever belongs
 * to a path, and what the app's own function takes out. Texts may be cut anywhere, so a value that
 * has no end reaches to the end. Any thread.
 */
import { type DebugOptions, type DebugText, MASKED_FIELDS } from "../shared/debug.ts";
import { maskedParts } from "./masked-parts.ts";
import { decodeSegment } from "./route-pattern.ts";

export const MASK = "[masked]";

/** As `debugMask` of an app. */
export type MaskFunction = (text: string, what: DebugText) => unknown;

/** Fields that are a target of some request. */
const LINKS = new Set(["referer", "location", "content-location"]);
/** Strings, also one that was cut, and what is between them: every byte is looked at once. */
const JSON_PARTS = /"(?:[^"\\]|\\[^])*(?:"|\\?$)|[^"]+/g;
/** A part of a part of a part: whoever goes on has another thing in mind than to be read. */
const DEPTH_MAX = 3;

export class Masking {
  readonly #names: ReadonlySet<string>;
  /** Each as it was given, and decoded. */
  readonly #paths: readonly (readonly [rule: string, meant: string])[];

  constructor({ maskFields = [], maskPaths = [] }: DebugOptions) {
    this.#names = new Set([...MASKED_FIELDS, ...maskFields].map((name) => name.toLowerCase()));
    this.#paths = maskPaths.map((rule) => [rule, decodedPath(rule)]);
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

  /** The beginning of a body. Only what says it is JSON, or multipart, is taken to be it alone. */
  body(text: string, type: string, depth = 0): string {
    const [essence = ""] = type.split(";", 1);
    if (/^\s*multipart\//i.test(essence)) {
      return depth > DEPTH_MAX ? MASK : maskedParts(text, type, {
        isMasked: (name) => this.#isMasked(name),
        shown: (value, inner) => this.body(value, inner, depth + 1),
        mask: MASK,
      });
    }
    if (/json/i.test(essence)) return this.#json(text);
    // Clients say "form" of JSON, too. A value of a form may look like JSON: pairs come first.
    return this.#json(this.pairs(text));
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

  #isMasked(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** Of the path as it came, or as routes see it: `/%72eset` is `/reset`. */
  #ruleOf(path: string): string | undefined {
    const meant = decodedPath(path);
    const isOver = ([rule, place]: readonly [string, string]): boolean => (
      isUnder(path, rule) || isUnder(meant, place)
    );
    return this.#paths.find(isOver)?.[0];
  }
}

function isUnder(path: string, rule: string): boolean {
  return rule.endsWith("*") ? path.startsWith(rule.slice(0, -1)) : path === rule;
}

/** What cannot be decoded stays as it is. */
function decodedPath(path: string): string {
  return path.includes("%") ? path.split("/").map(decodeSegment).join("/") : path;
}

/**
 * What the app makes of a text; one that fails shows nothing. A promise is no text, and what it
 * rejects with is dropped: unhandled it would end the worker.
 */
export function maskedBy(mask: MaskFunction, text: string, what: DebugText): string {
  try {
    const made = mask(text, what);
    if (typeof made === "string") return made;
    Promise.resolve(made).catch(() => {});
    return MASK;
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
