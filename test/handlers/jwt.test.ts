/** Tests of JSON Web Tokens, with keys and an issuer of their own. */
import { KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import t from "tap";
import { jwt, type JwtOptions } from "../../src/handlers/jwt.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";
import { HttpError } from "../../src/shared/errors.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const debugged: unknown[] = [];
const log = { debug: (facts: unknown) => void debugged.push(facts) };
const context = { log } as unknown as Context;

async function userOf(options: JwtOptions, token: string): Promise<unknown> {
  const headers = new Headers({ authorization: `Bearer ${token}` });
  return await jwt(options).authenticate({ headers } as MillraceRequest, context);
}

function claims(payload: JWTPayload = {}): SignJWT {
  return new SignJWT({ sub: "miller", ...payload }).setExpirationTime("1m");
}

async function signed(token: SignJWT, secret: string = SECRET, alg = "HS256"): Promise<string> {
  return await token.setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

t.test("a secret: signature, times, issuer and audience decide", async (t) => {
  const options: JwtOptions = { secret: SECRET };
  t.match(await userOf(options, await signed(claims())), { sub: "miller" });
  t.match(await userOf({ secret: new TextEncoder().encode(SECRET) }, await signed(claims())), {
    sub: "miller",
  });
  const nobody = [
    await signed(claims(), SECRET.replace("0", "1")),
    await signed(claims(), `${SECRET}${SECRET}`, "HS512"),
    await signed(new SignJWT({ sub: "miller" })),
    await signed(claims().setExpirationTime(1)),
    await signed(claims().setNotBefore("1h")),
    `${(await signed(claims())).slice(0, -2)}AA`,
    "a.b.c",
    `${Buffer.from('{"alg":"none"}').toString("base64url")}.${
      Buffer.from('{"sub":"miller","exp":99999999999}').toString("base64url")}.`,
  ];
  for (const token of nobody) t.equal(await userOf(options, token), null, token);
  t.ok(await userOf({ ...options, requiredClaims: [] }, nobody[2]!));
  // As of a setting that is not there.
  const unset = { ...options, requiredClaims: undefined, algorithms: undefined, user: undefined };
  t.equal(await userOf(unset as unknown as JwtOptions, nobody[2]!), null);
  t.match(await userOf(unset as unknown as JwtOptions, await signed(claims())), { sub: "miller" });

  const strict: JwtOptions = { ...options, issuer: "mill", audience: "flour" };
  t.equal(await userOf(strict, await signed(claims())), null);
  t.equal(await userOf(strict, await signed(claims({ iss: "mill", aud: "salt" }))), null);
  t.ok(await userOf(strict, await signed(claims({ iss: "mill", aud: ["salt", "flour"] }))));
});

t.test("the user is what the app makes of the claims", async (t) => {
  const user: JwtOptions["user"] = ({ sub }) => (sub === "miller" ? sub : null);
  const options: JwtOptions = { secret: SECRET, user };
  t.equal(await userOf(options, await signed(claims())), "miller");
  t.equal(await userOf(options, await signed(claims({ sub: "cook" }))), null);
});

t.test("a public key, and the keys of an issuer", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const token = await claims().setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey);
  t.match(await userOf({ key: publicKey }, token), { sub: "miller" });
  const object = KeyObject.from(publicKey);
  t.match(await userOf({ key: object }, token), { sub: "miller" }, "a key of node:crypto");
  t.equal(await userOf({ key: publicKey, algorithms: ["RS256"] }, token), null);
  t.equal(await userOf({ key: publicKey }, await signed(claims())), null);

  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] };
  const issuer = createServer((_, response) => {
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(keys));
  });
  issuer.listen(0, "127.0.0.1");
  await once(issuer, "listening");
  t.teardown(() => issuer.close());
  const keysUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
  t.match(await userOf({ keysUrl }, token), { sub: "miller" });
  const other = await generateKeyPair("ES256");
  const forged = claims().setProtectedHeader({ alg: "ES256", kid: "one" }).sign(other.privateKey);
  t.equal(await userOf({ keysUrl }, await forged), null);
});

t.test("what is not the token's fault is a failure, which others tell from it", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const token = await claims().setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey);
  const jwk = { ...(await exportJWK(publicKey)), alg: "ES256" };
  let answer: unknown;
  const issuer = createServer((_, response) => {
    if (answer === undefined) response.writeHead(503);
    response.end(JSON.stringify(answer));
  });
  issuer.listen(0, "127.0.0.1");
  await once(issuer, "listening");
  t.teardown(() => issuer.close());
  const keysUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys?a=secret`;
  const had = keysUrl.replace(/\?.*/, "");
  const failing = async (given: JwtOptions, message: string | RegExp, more = {}): Promise<void> => {
    debugged.length = 0;
    const facts = { name: "HttpError", message, status: 503, expose: false, ...more };
    await t.rejects(userOf(given, token), facts);
    t.equal(debugged.length, 0);
  };
  const message = `jwt: the keys of ${had} cannot be had`;
  await failing({ keysUrl: "http://127.0.0.1:1/" }, /^jwt: the keys of .* cannot be had$/);
  await failing({ keysUrl }, message);
  for (const malformed of ["no set", { keys: 1 }, { keys: [{ ...jwk, kid: "one", x: "AA" }] }]) {
    answer = malformed;
    await failing({ keysUrl }, message);
  }
  const user = (): never => {
    throw new Error("no database");
  };
  await failing({ key: publicKey, user }, "jwt: `user` has failed", {
    status: 500, cause: { message: "no database" },
  });
  const busy = new HttpError(503, "busy", { expose: true });
  await failing({ key: publicKey, user: () => Promise.reject(busy) }, "busy", { expose: true });

  const [one, two] = [{ ...jwk, kid: "one" }, { ...jwk, kid: "two" }];
  for (const keys of [[], [two], [one, one]]) {
    answer = { keys };
    debugged.length = 0;
    t.equal(await userOf({ keysUrl }, token), null, "there is no such key, or several");
    t.equal(debugged.length, 1);
  }
  const other = await generateKeyPair("RS256");
  const forged = claims().setProtectedHeader({ alg: "RS256" }).sign(other.privateKey);
  t.equal(await userOf({ key: publicKey }, await forged), null, "a signature of another kind");
});

t.test("options that are none", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const secret = SECRET;
  const wrong: unknown[] = [
    {}, { secret: SECRET, keysUrl: "http://a/" }, { secret: "short" }, { keysUrl: "no url" },
    { secret: SECRET, realm: '"' }, { secret, realm: 5 },
    { secret: 123 }, { secret: null }, { key: "-----BEGIN PUBLIC KEY-----" }, { key: privateKey },
    { key: {} }, { keysUrl: 5 }, { keysUrl: "ftp://a/" },
    { secret, algorithms: "HS256" }, { secret, algorithms: [] }, { secret, algorithms: ["XX"] },
    { secret, algorithms: ["none"] }, { secret, algorithms: ["RS256"] },
    { key: publicKey, algorithms: ["HS256"] }, { secret, clockTolerance: "abc" },
    { secret, clockTolerance: NaN }, { secret, clockTolerance: -1 }, { secret, maxTokenAge: "abc" },
    { secret, user: "x" }, { secret, requiredClaims: "sub" }, { secret, requiredClaims: null },
    { secret, issuer: 5 }, { secret, audience: [5] }, { secret, audience: [] },
    { secret, subject: null }, { secret, typ: 1 },
  ];
  for (const options of wrong) {
    t.throws(() => jwt(options as JwtOptions), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^jwt: |^A realm/,
    }, JSON.stringify(options));
  }
  for (const options of [
    { secret, clockTolerance: 5, maxTokenAge: "2 hours", algorithms: ["HS256", "HS512"] },
    { key: publicKey, clockTolerance: "30s", maxTokenAge: 1.5, algorithms: ["ES256"] },
    { keysUrl: new URL("https://a/"), issuer: ["a"], audience: "b", subject: "c", typ: "at+jwt" },
  ]) t.doesNotThrow(() => jwt(options));
  t.throws(() => jwt({ secret: SECRET, audiance: "a" } as JwtOptions), {
    name: "TypeError", message: 'jwt: no option "audiance", did you mean audience?',
  });
});
