/** The cookies of a request, and what a cookie may be told. Types only. */

export interface CookieOptions {
  /** Default "/". */
  readonly path?: string;
  /** Default: the host alone that sets it. */
  readonly domain?: string;
  /** Over TLS alone; browsers take localhost for it. Default true. */
  readonly secure?: boolean;
  /** Not to be seen by scripts. Default true. */
  readonly httpOnly?: boolean;
  /** Default "lax". `"none"` needs `secure`. */
  readonly sameSite?: "lax" | "none" | "strict";
  /** Seconds; 0 and less ends it. Default: it ends with the browser. */
  readonly maxAge?: number;
  readonly expires?: Date;
  /** Kept apart for each site that embeds this one. Default false. */
  readonly partitioned?: boolean;
}

/** A cookie as one object. */
export interface NamedCookie extends CookieOptions {
  readonly name: string;
  readonly value: string;
}

/** Where a cookie was set that is to be ended. */
export type CookiePlace = Pick<CookieOptions, "domain" | "partitioned" | "path" | "secure">;

/**
 * The cookies of a request by name, as in Bun: `get` shows what the client sent and what was set
 * since; what was set goes out with the answer, whichever handler or hook gives it, unless its head
 * has been sent. Unlike in Bun a cookie is `Secure` and `HttpOnly` unless it is told otherwise.
 */
export interface CookieMap extends Iterable<[name: string, value: string]> {
  readonly size: number;
  get(name: string): string | null;
  has(name: string): boolean;
  /** Throws a TypeError for what no browser would keep. A later one of the same place replaces. */
  set(name: string, value: string, options?: CookieOptions): void;
  set(cookie: NamedCookie): void;
  /** Ends it: with the path and the domain that it was set with. */
  delete(name: string, options?: CookiePlace): void;
  delete(cookie: CookiePlace & { readonly name: string }): void;
  entries(): IterableIterator<[name: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  forEach(callback: (value: string, name: string, map: CookieMap) => void): void;
  toJSON(): Record<string, string>;
  /** The values of `Set-Cookie` that go out. */
  toSetCookieHeaders(): string[];
}
