/**
 * The fields that a listener adds to every answer, from its `headers`. Native has them as one block
 * and copies it into each head; only an answer with one of these names gets the rest of them from
 * here. Thread: the engine's.
 */
import type { LightHeaders } from "./headers.ts";
import { fieldName } from "./header-syntax.ts";

export class DefaultHeaders {
  /** The lines as native copies them; to be written as latin1. */
  readonly lines: string;
  readonly #names: readonly string[];
  readonly #each: readonly string[];

  constructor(headers: Readonly<Record<string, string>>) {
    const entries = Object.entries(headers);
    this.#names = entries.map(([name]) => fieldName(name).lower);
    this.#each = entries.map(([name, value]) => `${name}: ${value}\r\n`);
    this.lines = this.#each.join("");
  }

  /** Whether these have one of the names. */
  isIn(headers: LightHeaders): boolean {
    if (this.#names.length === 0) return false;
    return this.#names.some((name) => headers.has(name));
  }

  /** The lines of those names that these do not have. */
  linesBeside(headers: LightHeaders): string {
    return this.#each.filter((_, at) => !headers.has(this.#names[at]!)).join("");
  }
}
