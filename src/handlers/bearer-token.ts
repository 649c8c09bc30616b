/**
 * The Bearer scheme (RFC 6750): the token of a request, and the challenge. What a token proves is
 * said by who makes an authenticator of it. Any thread.
 */
import type { Context } from "../shared/app.ts";
import type { Authenticator } from "./authenticator.ts";
import { wrongOption } from "../shared/option-checks.ts";
import { isRecord } from "./record.ts";

/** The user of a token. What it throws is a failure of the authenticator, no word on the token. */
export type TokenUser = (token: string, context: Context) => unknown;

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Throws a TypeError for a realm that is none. Without a token `userOf` is not asked. */
export function byToken(realm: string, userOf: TokenUser): Authenticator {
  if (!TEXT.test(realm)) {
    throw wrongOption("A realm of tokens is printable ASCII without quotes and backslashes");
  }
  return {
    async authenticate({ headers }, context) {
      const token = BEARER.exec(headers.get("authorization") ?? "")?.[1];
      if (token === undefined) return null;
      const user: unknown = await userOf(token, context);
      return isRecord(user) ? user : null;
    },
    // RFC 6750 3: no error code where no token was sent.
    challenge: ({ headers }) => {
      const hasToken = BEARER.test(headers.get("authorization") ?? "");
      return `Bearer realm="${realm}"${hasToken ? ', error="invalid_token"' : ""}`;
    },
  };
}

/** A bad token is its sender's fault, and may come at any rate: it is told at `debug` alone. */
export function tellBadToken(error: unknown, { log }: Context): void {
  log.debug({ err: error }, "a bearer token was refused");
}
