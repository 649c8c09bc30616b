/**
 * Checks of the toolbox's options, whose failures are told when the app is loaded: TypeErrors with
 * the codes of the server's own options. A name that is ignored may be a lock that is not there.
 * Pure.
 */
import type { ErrorCode } from "./errors.ts";
import { suggest } from "./suggest.ts";

/** The longest delay that a timer of Node.js can have; a longer one would end at once. */
export const DELAY_MS_MAX: number = 2 ** 31 - 1;

/** `who` has the options. Throws for what is no object, and for a name that is none of them. */
export function checkKnown(who: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongOption(`${who}: its options are an object`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const text = `${who}: no option "${unknown}"${suggest(unknown, known)}`;
  throw codedError("ERR_MILLRACE_OPTION_UNKNOWN", text);
}

type Kind = "boolean" | "function" | "string";

/** How an error calls a value of the kind. */
const SAYS: Readonly<Record<Kind, string>> = {
  boolean: "true or false",
  function: "a function",
  string: "a string",
};

type Check = <Options extends object>(
  who: string,
  options: Options,
  names: readonly (keyof Options & string)[],
) => void;

/** Throws for those of the names that are given and are of another kind. */
function checkOf(kind: Kind): Check {
  return (who, options, names) => {
    for (const name of names) {
      const value: unknown = options[name];
      if (value === undefined || typeof value === kind) continue;
      throw wrongOption(`${who}: ${name} is ${SAYS[kind]}`);
    }
  };
}

export const checkFlags: Check = checkOf("boolean");
export const checkFunctions: Check = checkOf("function");
export const checkStrings: Check = checkOf("string");

/** Throws for what is no whole number between the two, themselves included. */
export function checkWhole(
  who: string,
  name: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw wrongOption(`${who}: ${name} is a whole number ${bounds}`);
}

/**
 * Throws for a function that cannot say at once what it is asked: its promise would
 * count as true.
 */
export function checkSyncFunctions<Options extends object>(
  who: string,
  options: Options,
  names: readonly (keyof Options & string)[],
): void {
  checkFunctions(who, options, names);
  const isAsync = (name: keyof Options & string): boolean => (
    Object.prototype.toString.call(options[name]).startsWith("[object Async")
  );
  const wrong = names.find(isAsync);
  if (wrong === undefined) return;
  throw wrongOption(`${who}: ${wrong} is async, and must say at once what it says`);
}

/** What such a function has said. Throws a TypeError for a promise. */
export function saidAtOnce<Said>(who: string, name: string, said: Said): Said {
  if (typeof (said as { then?: unknown } | null | undefined)?.then !== "function") return said;
  Promise.resolve(said).catch(() => {}); // what is wrong is told once
  throw new TypeError(`The ${name} of ${who} has returned a promise, and must say it at once`);
}

/** Throws for what is no array of strings: one string would be read by its letters. */
export function checkTexts<Options extends object>(
  who: string,
  options: Options,
  names: readonly (keyof Options & string)[],
): void {
  for (const name of names) {
    const value: unknown = options[name];
    const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
    if (value !== undefined && !isList) throw wrongOption(`${who}: ${name} is a list of texts`);
  }
}

/** What the value of a header field can be; it cannot begin another one. */
export function isFieldText(value: unknown): value is string {
  return typeof value === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/** For a value that an option does not take. */
export function wrongOption(text: string, options?: ErrorOptions): TypeError {
  return codedError("ERR_MILLRACE_OPTION_INVALID", text, options);
}

function codedError(code: ErrorCode, text: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(text, options), { code });
}
