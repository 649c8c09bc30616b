/**
 * The runtime's own fetch classes, taken before anything replaces the globals, and the touches that
 * make a class of ours look like one that Web IDL made. Any thread.
 */

import { inspect, type InspectOptions } from "node:util";

export const StandardHeaders: typeof globalThis.Headers = globalThis.Headers;
export const StandardRequest: typeof globalThis.Request = globalThis.Request;
export const StandardResponse: typeof globalThis.Response = globalThis.Response;

interface Class {
  readonly name: string;
  readonly length: number;
  readonly prototype: object;
}

/**
 * Makes `light` stand for `standard`: same name, length and tag, enumerable members, and a
 * prototype below the standard one, so that a reference to the standard class taken earlier still
 * recognises ours. `shown` gives what `util.inspect` shows.
 */
export function standFor<T>(
  light: Class & { readonly prototype: T },
  standard: Class,
  shown: (object: T) => object,
): void {
  Object.defineProperty(light, "name", { value: standard.name });
  Object.defineProperty(light, "length", { value: standard.length });
  Object.setPrototypeOf(light.prototype, standard.prototype);
  Object.defineProperty(light.prototype, Symbol.toStringTag, {
    value: standard.name,
    configurable: true,
  });
  Object.defineProperty(light.prototype, inspect.custom, {
    value: function custom(this: T, depth: number, options: InspectOptions): string {
      return `${standard.name} ${inspect(shown(this), { ...options, depth })}`;
    },
    writable: true,
    configurable: true,
  });
  takeLengths(light, standard);
  takeLengths(light.prototype, standard.prototype);
  makeEnumerable(light, ["length", "name", "prototype"]);
  makeEnumerable(light.prototype, ["constructor"]);
}

/** Parameters that are optional count in ours, since TypeScript drops their mark. */
function takeLengths(light: object, standard: object): void {
  for (const name of Object.getOwnPropertyNames(light)) {
    const ours: unknown = Object.getOwnPropertyDescriptor(light, name)?.value;
    const theirs: unknown = Object.getOwnPropertyDescriptor(standard, name)?.value;
    if (name === "constructor" || typeof ours !== "function") continue;
    if (typeof theirs !== "function") continue;
    Object.defineProperty(ours, "length", { value: theirs.length, configurable: true });
  }
}

function makeEnumerable(object: object, except: string[]): void {
  for (const name of Object.getOwnPropertyNames(object)) {
    if (!except.includes(name)) Object.defineProperty(object, name, { enumerable: true });
  }
}

/** `instanceof` for a light class: also true for objects of the class it stands for. */
export function isInstance(light: Class, standard: Class, asked: unknown, value: unknown): boolean {
  const klass = asked === light ? standard : asked;
  return Function.prototype[Symbol.hasInstance].call(klass, value);
}

/** The conversion of Web IDL to a string: unlike `String`, it refuses symbols. */
export function toText(value: unknown): string {
  if (typeof value === "symbol") throw new TypeError("A symbol cannot be made a string");
  return String(value);
}

/** Web IDL's check that enough arguments were given. */
export function needArguments(given: number, needed: number, where: string): void {
  if (given >= needed) return;
  const what = needed > 1 ? "arguments" : "argument";
  throw new TypeError(`${where}: ${needed} ${what} required, got ${given}`);
}
