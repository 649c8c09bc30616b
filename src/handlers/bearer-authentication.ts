/**
 * Bearer tokens (RFC 6750) in the `Authorization` field: the app says whose they are. Any thread.
 */
import type { Authenticator } from "./authenticator.ts";
import { byToken, tellBadToken } from "./bearer-token.ts";

export interface BearerOptions {
  /** The user of a token; false, null, whatever else is not true, or an error: it is not valid. */
  readonly verify: (token: string) => unknown;
  /** Printable ASCII. Default "millrace". */
  readonly realm?: string;
}

/** Throws a TypeError for a realm or a `verify` that is none. */
export function bearer({ verify, realm = "millrace" }: BearerOptions): Authenticator {
  if (typeof verify !== "function") throw new TypeError("bearer: `verify` is a function");
  return byToken(realm, async (token, context) => {
    try {
      return await verify(token);
    } catch (error) {
      tellBadToken(error, context);
      return null;
    }
  });
}
