/**
 * JSON Web Tokens (RFC 7519) as bearer tokens. Loads the package `jose`, which the app installs.
 * Any thread.
 */
import type { webcrypto } from "node:crypto";
import {
  createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { HttpError } from "../shared/errors.ts";
import type { Authenticator } from "./authenticator.ts";
import { byToken, tellBadToken } from "./bearer-token.ts";
import { checkNames } from "./option-checks.ts";

export interface JwtOptions extends Pick<
  JWTVerifyOptions,
  "audience" | "clockTolerance" | "issuer" | "maxTokenAge" | "requiredClaims" | "subject" | "typ"
> {
  /** A secret of at least 32 bytes, for HS256 and its kind. Exactly one of the three is given. */
  readonly secret?: string | Uint8Array;
  /** A public key. */
  readonly key?: webcrypto.CryptoKey;
  /** Where an issuer has its keys (RFC 7517); they are kept and asked for again as need be. */
  readonly keysUrl?: string | URL;
  /** Which signatures count. Default: HS256 for a secret, else RS256, PS256, ES256 and EdDSA. */
  readonly algorithms?: readonly string[];
  /** Printable ASCII. Default "millrace". */
  readonly realm?: string;
  /** The user that the claims make; null: nobody; an error is 500. Default: the claims. */
  readonly user?: (claims: JWTPayload) => unknown;
}

const NAMES: readonly (keyof JwtOptions)[] = [
  "secret", "key", "keysUrl", "algorithms", "realm", "user", "audience", "clockTolerance", "issuer",
  "maxTokenAge", "requiredClaims", "subject", "typ",
];

/** Of the keys of an issuer: the token asks for one that the set does not have, or has twice. */
const TOKEN_FAULTS = [
  errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported,
];

const SECRET_BYTES_MIN = 32;
const SECRET_ALGORITHMS = ["HS256"];
const KEY_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/**
 * An authenticator whose user is the token's claims, once signature, times, issuer and audience are
 * right. Without `exp` a token is refused, unless `requiredClaims` says otherwise. It fails, with
 * 503, if the keys of the issuer cannot be had, and with 500 if `user` does: a 401 would have
 * clients throw good tokens away. Throws a TypeError for wrong options.
 */
export function jwt(options: JwtOptions): Authenticator {
  checkNames("jwt", options, NAMES);
  const {
    secret, key, keysUrl, algorithms, requiredClaims = ["exp"], realm = "millrace",
    user = (claims) => claims, ...rest
  } = options;
  if ([secret, key, keysUrl].filter((each) => each !== undefined).length !== 1) {
    throw new TypeError("jwt: exactly one of secret, key and keysUrl is given");
  }
  const keys = keysUrl === undefined ? null : keysOf(new URL(keysUrl));
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  if (bytes !== undefined && bytes.length < SECRET_BYTES_MIN) {
    throw new TypeError(`jwt: a secret has at least ${SECRET_BYTES_MIN} bytes`);
  }
  const rules: JWTVerifyOptions = {
    ...rest,
    requiredClaims,
    algorithms: [...(algorithms ?? (bytes === undefined ? KEY_ALGORITHMS : SECRET_ALGORITHMS))],
  };
  const verify = async (token: string): Promise<JWTPayload> => {
    const { payload } = keys === null
      ? await jwtVerify(token, (bytes ?? key)!, rules)
      : await jwtVerify(token, keys, rules);
    return payload;
  };
  return byToken(realm, async (token, context) => {
    let claims: JWTPayload;
    try {
      claims = await verify(token);
    } catch (error) {
      if (error instanceof HttpError) throw error; // of the keys: no word on the token
      tellBadToken(error, context);
      return null;
    }
    try {
      return await user(claims);
    } catch (cause) {
      if (cause instanceof HttpError) throw cause;
      throw new HttpError(500, "jwt: `user` has failed", { cause, expose: false });
    }
  });
}

function keysOf(url: URL): JWTVerifyGetKey {
  const keyOf = createRemoteJWKSet(url);
  return async (header, token) => {
    try {
      return await keyOf(header, token);
    } catch (cause) {
      if (TOKEN_FAULTS.some((fault) => cause instanceof fault)) throw cause;
      const place = url.origin + url.pathname; // what stands behind may be a secret
      const text = `jwt: the keys of ${place} cannot be had`;
      throw new HttpError(503, text, { cause, expose: false });
    }
  };
}
