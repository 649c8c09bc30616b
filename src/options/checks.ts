/**
 * The checks that rows of options are made of: a schema, and the words a refusal uses for it, which
 * must say exactly what the schema takes. Pure; used in the primary, before native code is touched.
 */
import * as v from "valibot";

/** How a value can be written as text, in a flag or in the environment. `value`: it cannot. */
export type Kind = "integer" | "boolean" | "text" | "value";

export interface Check {
  readonly kind: Kind;
  readonly schema: v.GenericSchema;
  /** Completes "must be ...". */
  readonly says: string;
}

/** The longest delay a timer of Node.js can have; a longer one would end at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export function integer(min: number, max: number): Check {
  return {
    kind: "integer",
    schema: v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max)),
    says: `an integer from ${min} to ${max}`,
  };
}

/** A span of time. `min` is 0 where 0 has a meaning, else 1. */
export function milliseconds(min: 0 | 1): Check {
  return integer(min, DELAY_MS_MAX);
}

export function oneOf(names: readonly string[]): Check {
  return { kind: "text", schema: v.picklist(names), says: `one of ${names.join(", ")}` };
}

export const text: Check = {
  kind: "text",
  schema: v.pipe(v.string(), v.nonEmpty()),
  says: "a string that is not empty",
};

export const filePath: Check = {
  kind: "text",
  schema: v.pipe(v.string(), v.check((path) => !path.includes("\0"))),
  says: "a path, or empty for none",
};

export const fieldName: Check = {
  kind: "text",
  schema: v.pipe(v.string(), v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,64}$/)),
  says: "the name of a header field, of at most 64 characters, or empty for none",
};

export const urlPath: Check = {
  kind: "text",
  schema: v.pipe(v.string(), v.regex(/^(?:\/[\w\-.~/]*)?$/), v.maxLength(1024), v.check((path) =>
    path === "" || new URL(path, "http://host").pathname === path)),
  says: "a path of letters, digits and -._~/ that begins with a slash, or empty for none",
};

export const flag: Check = { kind: "boolean", schema: v.boolean(), says: "true or false" };

export const textList: Check = {
  kind: "value",
  schema: v.array(v.string()),
  says: "an array of strings",
};

export const textRecord: Check = {
  kind: "value",
  schema: v.record(v.string(), v.optional(v.string())),
  says: "an object whose values are strings",
};

/** An object with the given members and no others, each of them optional. */
export function members(of: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(of).map(([name, check]) => [name, v.optional(check.schema)]);
  const list = Object.entries(of).map(([name, check]) => `${name} (${check.says})`);
  return {
    kind: "value",
    schema: v.strictObject(Object.fromEntries(entries) as v.ObjectEntries),
    says: `an object with no members but ${list.join(", ")}`,
  };
}

/** Anything for which `test` holds. */
export function where(test: (value: unknown) => boolean, says: string): Check {
  return { kind: "value", schema: v.custom(test), says };
}

export function passes(check: Check, value: unknown): boolean {
  return v.is(check.schema, value);
}

/** The value that a text stands for, or the text itself, which the check then refuses. */
export function fromText(check: Check, written: string): unknown {
  switch (check.kind) {
    case "integer":
      return /^\d+$/.test(written) ? Number(written) : written;
    case "boolean":
      if (written === "true" || written === "1") return true;
      return written === "false" || written === "0" ? false : written;
    case "text":
    case "value":
      return written;
  }
}

/** A value as a refusal shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(clip(value));
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return clip(JSON.stringify(value) ?? "an object");
  } catch {
    return "an object";
  }
}

function clip(long: string): string {
  return long.length > 60 ? `${long.slice(0, 57)}...` : long;
}
