/**
 * A lookup in an htpasswd file, which is read again when it has changed. Loads the packages
 * `bcryptjs` and `apache-md5`, which the app installs. Any thread.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import apacheMd5 from "apache-md5";
import { compare } from "bcryptjs";
import type { Lookup } from "./basic-authentication.ts";
import { Htpasswd, kindOf } from "./htpasswd.ts";
import { checkKnown, checkWhole, wrongOption } from "../shared/option-checks.ts";
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

interface ReadFile {
  readonly version: string;
  readonly users: Htpasswd;
}

/**
 * A lookup for `basic()`. Rejects, so that nobody is let in, if the file cannot be read, or a line
 * of it is none or has a hash of another kind; the error names the line, never its hash. Throws a
 * TypeError for options that are none.
 */
export function passwordFile(file: string | URL, options: PasswordFileOptions = {}): Lookup {
  const path = file instanceof URL && file.protocol === "file:" ? fileURLToPath(file) : file;
  if (typeof path !== "string" || path === "") {
    throw wrongOption("passwordFile: the path is that of a file, or a file: URL");
  }
  checkKnown("passwordFile", options, ["rememberMs"]);
  const { rememberMs = REMEMBER_MS } = options;
  checkWhole("passwordFile", "rememberMs", rememberMs, 0);
  const known = new Remembered(rememberMs);
  let read: ReadFile | null = null;
  return async (user, password): Promise<FileUser | null> => {
    const version = await versionOf(path);
    if (read?.version !== version) {
      read = { version, users: new Htpasswd(path, await readFile(path, "utf8")) };
      known.clear();
    }
    const compared = read;
    const { users } = compared;
    const key = known.keyOf(user, password);
    if (users.has(user) && known.has(key)) return { name: user };
    const hash = users.hashFor(user);
    // Who is unknown takes as long as who is known.
    if (hash === null || !(await isRight(password, hash)) || !users.has(user)) return null;
    // Who was compared with a file that has changed meanwhile has proved nothing of the new one.
    if (read === compared) known.add(key);
    return { name: user };
  };
}

async function versionOf(path: string): Promise<string> {
  const { mtimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

async function isRight(password: string, hash: string): Promise<boolean> {
  switch (kindOf(hash)) {
    case "bcrypt": return await compare(password, hash);
    case "apr1": return isSameText(md5(bytesOf(password), hash), hash);
    default: return isSameText(sha1Of(password), hash);
  }
}

/** As characters: the package takes the low byte of each, so that others would be as right. */
function bytesOf(password: string): string {
  return Buffer.from(password).toString("latin1");
}

function sha1Of(password: string): string {
  return `{SHA}${createHash("sha1").update(password).digest("base64")}`;
}
