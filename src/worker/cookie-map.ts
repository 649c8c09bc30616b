/**
 * The cookies of one request: what came, and what is to be set with its answer. The engine's answer
 * writer asks for the latter when it writes the head. Any thread.
 */
import { parseCookie } from "cookie";
import type { CookieMap, CookieOptions, CookiePlace, NamedCookie } from "../shared/cookies.ts";
import { endCookieText, setCookieText } from "../shared/set-cookie.ts";

export class RequestCookies implements CookieMap {
  readonly #values = new Map<string, string>();
  /** The fields to be sent, by what tells browsers one cookie from another. */
  readonly #fields = new Map<string, string>();

  /** `text`: the value of `Cookie`. Of two with one name the first counts: its path is longer. */
  constructor(text: string | null) {
    if (text === null) return;
    for (const [name, value] of Object.entries(parseCookie(text))) {
      if (value !== undefined) this.#values.set(name, value);
    }
  }

  get size(): number {
    return this.#values.size;
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  set(name: string, value: string, options?: CookieOptions): void;
  set(cookie: NamedCookie): void;
  set(what: string | NamedCookie, value?: string, options: CookieOptions = {}): void {
    if (typeof what === "object") {
      const { name, value: its, ...rest } = what;
      this.set(name, its, rest);
      return;
    }
    this.#fields.set(keyOf(what, options), setCookieText(what, value!, options));
    this.#values.set(what, String(value));
  }

  delete(name: string, options?: CookiePlace): void;
  delete(cookie: CookiePlace & { readonly name: string }): void;
  delete(what: string | (CookiePlace & { readonly name: string }), given?: CookiePlace): void {
    if (typeof what === "object") {
      const { name, ...rest } = what;
      this.delete(name, rest);
      return;
    }
    const options = given ?? {};
    this.#fields.set(keyOf(what, options), endCookieText(what, options));
    this.#values.delete(what);
  }

  entries(): IterableIterator<[name: string, value: string]> {
    return this.#values.entries();
  }

  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  values(): IterableIterator<string> {
    return this.#values.values();
  }

  forEach(callback: (value: string, name: string, map: CookieMap) => void): void {
    for (const [name, value] of this.#values) callback(value, name, this);
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.#values.entries();
  }

  toJSON(): Record<string, string> {
    const shown = Object.create(null) as Record<string, string>;
    for (const [name, value] of this.#values) shown[name] = value;
    return shown;
  }

  toSetCookieHeaders(): string[] {
    return [...this.#fields.values()];
  }

  /** The same as lines of a head. */
  get lines(): string {
    let lines = "";
    for (const text of this.#fields.values()) lines += `Set-Cookie: ${text}\r\n`;
    return lines;
  }
}

function keyOf(name: string, { domain, path, partitioned }: CookiePlace): string {
  return JSON.stringify([name, domain?.toLowerCase() ?? "", path ?? "/", partitioned === true]);
}
