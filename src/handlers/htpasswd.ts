/**
 * What an htpasswd file says: users, and their passwords hashed by bcrypt (`htpasswd -B`), Apache's
 * MD5 (`apr1`) or SHA-1. Any thread.
 */
import { createHmac, randomBytes } from "node:crypto";

export type HashKind = "bcrypt" | "apr1" | "sha1";

const LINE = /^([^:#][^:]*):(\S+)$/;
const KINDS: Readonly<Record<HashKind, RegExp>> = {
  bcrypt: /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/,
  apr1: /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/,
  sha1: /^\{SHA\}[A-Za-z0-9+/]{27}=$/,
};

export class Htpasswd {
  readonly #hashes = new Map<string, string>();
  readonly #all: readonly string[];
  /** Nobody else can tell which hash stands for which name. */
  readonly #key = randomBytes(32);

  /** Throws for a line that is none; the error names the line, never its hash. */
  constructor(path: string, text: string) {
    for (const [at, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const [, user, hash] = LINE.exec(line) ?? [];
      if (user === undefined || hash === undefined) {
        throw new Error(`${path}:${at + 1}: this is no line of an htpasswd file`);
      }
      if (kindOf(hash) === null) {
        throw new Error(`${path}:${at + 1}: the password of "${user}" is hashed in no known way; ` +
          "make it with htpasswd -B");
      }
      if (!this.#hashes.has(user)) this.#hashes.set(user, hash); // the first counts, as in Apache
    }
    this.#all = [...this.#hashes.values()];
  }

  has(user: string): boolean {
    return this.#hashes.has(user);
  }

  /**
   * What a password is to be compared with. Of a name that the file does not have it is the hash of
   * somebody else, always the same one: then time tells nothing of who exists, whatever kinds and
   * costs the file has. Null: there is nobody in it.
   */
  hashFor(user: string): string | null {
    const own = this.#hashes.get(user);
    if (own !== undefined) return own;
    if (this.#all.length === 0) return null;
    const number = createHmac("sha256", this.#key).update(user).digest().readUIntBE(0, 6);
    return this.#all[number % this.#all.length]!;
  }
}

/** Null: it is none that anybody could compare. */
export function kindOf(hash: string): HashKind | null {
  const kinds = Object.keys(KINDS) as HashKind[];
  return kinds.find((kind) => KINDS[kind].test(hash)) ?? null;
}
