/**
 * Bearer tokens (RFC 6750) in the `Authorization` field: the app says whose they are. Any thread.
 */
import type { Authenticator } from "./authenticator.ts";
import { isRecord } from "./record.ts";

export interface BearerOptions {
  /** The user of a token; false, null, whatever else is not true, or an error: it is not valid. */
  readonly verify: (token: string) => unknown;
  /** Printable ASCII. Default "millrace". */
  readonly realm?: string;
}

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Throws a TypeError for a realm or a `verify` that is none. */
export function bearer({ verify, realm = "millrace" }: BearerOptions): Authenticator {
  if (typeof verify !== "function") throw new TypeError("bearer: `verify` is a function");
  if (!TEXT.test(realm)) {
    throw new TypeError("A realm of tokens is printable ASCII without quotes and backslashes");
  }
  return {
    async authenticate({ headers }, context) {
      const token = BEARER.exec(headers.get("authorization") ?? "")?.[1];
      if (token === undefined) return null;
      try {
        const user: unknown = await verify(token);
        return isRecord(user) ? user : null;
      } catch (error) {
        // A bad token is its sender's fault, and may come at any rate.
        context.log.debug({ err: error }, "a bearer token was refused");
        return null;
      }
    },
    // RFC 6750 3: no error code where no token was sent.
    challenge: ({ headers }) => {
      const hasToken = BEARER.test(headers.get("authorization") ?? "");
      return `Bearer realm="${realm}"${hasToken ? ', error="invalid_token"' : ""}`;
    },
  };
}
