/**
 * Users and passwords of an htpasswd file: bcrypt (`htpasswd -B`), Apache's MD5 (`apr1`) and SHA-1.
 * The file is read again when it has changed. Loads the packages `bcryptjs` and `apache-md5`, which
 * the app installs. Any thread.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import apacheMd5 from "apache-md5";
import { compare } from "bcryptjs";
import type { Lookup } from "./basic-authentication.ts";
import { Remembered } from "./remembered.ts";
import { isSameText } from "./same-text.ts";

/** The user of an htpasswd file. */
export interface FileUser {
  readonly name: string;
}

export interface PasswordFileOptions {
  /**
   * Milliseconds for which a password that was right is known without hashing it again: bcrypt is
   * slow on purpose, and clients send the password with each request. 0: never. Default 60,000.
   */
  readonly rememberMs?: number;
}

// Its types say that it has a default export; the module is the function itself.
const md5 = apacheMd5 as unknown as (password: string, hash: string) => string;

const REMEMBER_MS = 60_000;
const LINE = /^([^:#][^:]*):(\S+)$/;
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/;
const SHA1 = /^\{SHA\}[A-Za-z0-9+/]{27}=$/;
/** Who is unknown takes as long as who is known: whatever is compared with it is not let in. */
const NOBODY = `$2b$10$${".".repeat(53)}`;

interface ReadFile {
  readonly version: string;
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * A lookup for `basic()`. Rejects, so that nobody is let in, if the file cannot be read, or a line
 * of it is none or has a hash of another kind; the error names the line, never its hash.
 */
export function passwordFile(path: string, options: PasswordFileOptions = {}): Lookup {
  const { rememberMs = REMEMBER_MS } = options;
  if (!(Number.isInteger(rememberMs) && rememberMs >= 0)) {
    throw new TypeError("passwordFile: rememberMs is a whole number of milliseconds");
  }
  const known = new Remembered(rememberMs);
  let read: ReadFile | null = null;
  return async (user, password): Promise<FileUser | null> => {
    const version = await versionOf(path);
    if (read?.version !== version) {
      read = { version, hashes: parse(path, await readFile(path, "utf8")) };
      known.clear();
    }
    const hash = read.hashes.get(user);
    const key = known.keyOf(user, password);
    if (hash !== undefined && known.has(key)) return { name: user };
    if (!(await isRight(password, hash))) return null;
    known.add(key);
    return { name: user };
  };
}

async function versionOf(path: string): Promise<string> {
  const { mtimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

function parse(path: string, text: string): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, user, hash] = LINE.exec(line) ?? [];
    if (user === undefined || hash === undefined) {
      throw new Error(`${path}:${at + 1}: this is no line of an htpasswd file`);
    }
    if (!(BCRYPT.test(hash) || APR1.test(hash) || SHA1.test(hash))) {
      throw new Error(`${path}:${at + 1}: the password of "${user}" is hashed in no known way; ` +
        "make it with htpasswd -B");
    }
    hashes.set(user, hash);
  }
  return hashes;
}

async function isRight(password: string, hash: string | undefined): Promise<boolean> {
  if (hash === undefined) {
    await compare(password, NOBODY);
    return false;
  }
  if (BCRYPT.test(hash)) return await compare(password, hash);
  if (APR1.test(hash)) return isSameText(md5(password, hash), hash);
  return isSameText(sha1Of(password), hash);
}

function sha1Of(password: string): string {
  return `{SHA}${createHash("sha1").update(password).digest("base64")}`;
}
