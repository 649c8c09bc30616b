/**
 * Bearer tokens (RFC 6750) in the `Authorization` field: the app says whose they are. Any thread.
 */
import type { Authenticator } from "./authenticator.ts";
import { byToken, tellBadToken } from "./bearer-token.ts";
import { checkKnown, checkStrings, wrongOption } from "../shared/option-checks.ts";

export interface BearerOptions {
  /** The user of a token; false, null, whatever else is not true, or an error: it is not valid. */
  readonly verify: (token: string) => unknown;
  /** Printable ASCII. Default "millrace". */
  readonly realm?: string;
}

/** Throws a TypeError for options that are none. */
export function bearer(options: BearerOptions): Authenticator {
  checkKnown("bearer", options, ["verify", "realm"]);
  checkStrings("bearer", options, ["realm"]);
  const { verify, realm = "millrace" } = options;
  if (typeof verify !== "function") throw wrongOption("bearer: verify is a function");
  return byToken(realm, async (token, context) => {
    try {
      return await verify(token);
    } catch (error) {
      tellBadToken(error, context);
      return null;
    }
  });
}
