/**
 * The Basic scheme (RFC 7617): user and password are looked up, and exactly one record lets in.
 * Any thread.
 */
import type { Authenticator } from "./authenticator.ts";
import { basicChallenge, basicCredentials } from "./basic-credentials.ts";
import { checkKnown, checkStrings, wrongOption } from "../shared/option-checks.ts";
import { theRecord } from "./record.ts";

/**
 * The records of a user with that password: an array, or one. Only exactly one lets in, and is the
 * user; false, null, whatever else is not true, an empty array and several do not.
 */
export type Lookup = (user: string, password: string) => unknown;

export interface BasicOptions {
  readonly lookup: Lookup;
  /** Printable ASCII. Default "millrace". */
  readonly realm?: string;
}

const TEXT = /^[\x20-\x7e]*$/;

/** Throws a TypeError for options that are none. */
export function basic(options: BasicOptions): Authenticator {
  checkKnown("basic", options, ["lookup", "realm"]);
  checkStrings("basic", options, ["realm"]);
  const { lookup, realm = "millrace" } = options;
  if (typeof lookup !== "function") throw wrongOption("basic: lookup is a function");
  if (!TEXT.test(realm)) throw wrongOption("basic: realm is printable ASCII");
  const challenge = basicChallenge(realm);
  return {
    async authenticate({ headers }) {
      const credentials = basicCredentials(headers);
      if (credentials === null) return null;
      return theRecord(await lookup(credentials.user, credentials.password));
    },
    challenge: () => challenge,
  };
}
