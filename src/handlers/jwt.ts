/**
 * JSON Web Tokens (RFC 7519) as bearer tokens. Loads the package `jose`, which the app installs.
 * Any thread.
 */
import type { KeyObject, webcrypto } from "node:crypto";
import { types } from "node:util";
import {
  createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { HttpError } from "../shared/errors.ts";
import type { Authenticator } from "./authenticator.ts";
import { byToken, tellBadToken } from "./bearer-token.ts";
import { checkFunctions, checkKnown, checkStrings, wrongOption } from "../shared/option-checks.ts";

export interface JwtOptions extends Pick<
  JWTVerifyOptions,
  "audience" | "clockTolerance" | "issuer" | "maxTokenAge" | "requiredClaims" | "subject" | "typ"
> {
  /** A secret of at least 32 bytes, for HS256 and its kind. Exactly one of the three is given. */
  readonly secret?: string | Uint8Array;
  /** A public key. */
  readonly key?: webcrypto.CryptoKey | KeyObject;
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

/** RFC 7518 3.1, RFC 8037 and later ones: what `jose` verifies with a secret, and with a key. */
const SECRET_SIGNATURES = /^HS(?:256|384|512)$/;
const SIGNATURES = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;
/** As `jose` reads times. */
const DURATION = new RegExp(
  "^\\d+(?:\\.\\d+)? ?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|" +
  "y|yrs?|years?)$", "i",
);
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
  check(options);
  const {
    secret, key, keysUrl, algorithms, requiredClaims = ["exp"], realm = "millrace",
    user = (claims) => claims, ...rest
  } = options;
  const keys = keysUrl === undefined ? null : keysOf(new URL(keysUrl));
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  if (bytes !== undefined && bytes.length < SECRET_BYTES_MIN) {
    throw wrongOption(`jwt: a secret has at least ${SECRET_BYTES_MIN} bytes`);
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

function check(options: JwtOptions): void {
  checkKnown("jwt", options, NAMES);
  checkFunctions("jwt", options, ["user"]);
  checkStrings("jwt", options, ["realm", "subject", "typ"]);
  const { secret, key, keysUrl, algorithms, requiredClaims } = options;
  if ([secret, key, keysUrl].filter((each) => each !== undefined).length !== 1) {
    throw wrongOption("jwt: exactly one of secret, key and keysUrl is given");
  }
  if (secret !== undefined && typeof secret !== "string" && !(types.isUint8Array(secret))) {
    throw wrongOption("jwt: secret is a string, or bytes");
  }
  if (key !== undefined && !isPublicKey(key)) {
    throw wrongOption("jwt: key is a public KeyObject or CryptoKey, such as createPublicKey " +
      "makes of a PEM");
  }
  if (keysUrl !== undefined && !isWebUrl(keysUrl)) {
    throw wrongOption("jwt: keysUrl is a URL of http or https");
  }
  const known = secret === undefined ? SIGNATURES : SECRET_SIGNATURES;
  if (algorithms !== undefined && !isListOf(algorithms, (each) => known.test(each))) {
    const kind = secret === undefined ? "public keys" : "secrets";
    throw wrongOption(`jwt: algorithms is a list of those of ${kind}, such as ` +
      (secret === undefined ? "RS256" : "HS256"));
  }
  if (requiredClaims !== undefined && requiredClaims?.length !== 0 && !isListOf(requiredClaims)) {
    throw wrongOption("jwt: requiredClaims is a list of names");
  }
  for (const name of ["issuer", "audience"] as const) {
    const value = options[name];
    if (value === undefined || typeof value === "string" || isListOf(value)) continue;
    throw wrongOption(`jwt: ${name} is a string, or a list of some`);
  }
  for (const name of ["clockTolerance", "maxTokenAge"] as const) {
    const value = options[name];
    if (value === undefined || isDuration(value)) continue;
    throw wrongOption(`jwt: ${name} is a number of seconds, or a time such as "2 hours"`);
  }
}

/** One that is not empty. */
function isListOf(value: unknown, isOne: (text: string) => boolean = () => true): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((each) => typeof each === "string" && isOne(each));
}

function isPublicKey(key: unknown): boolean {
  if (types.isKeyObject(key)) return key.type === "public";
  if (!types.isCryptoKey(key)) return false;
  const { type, usages } = key;
  return type === "public" && usages.includes("verify");
}

function isWebUrl(url: unknown): boolean {
  if (typeof url !== "string" && !(url instanceof URL)) return false;
  return URL.canParse(String(url)) && /^https?:$/.test(new URL(url).protocol);
}

function isDuration(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0;
  return typeof value === "string" && DURATION.test(value);
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
