/** Tests of JSON Web Tokens, with keys and an issuer of their own. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import t from "tap";
import { jwt, type JwtOptions } from "../../src/handlers/jwt.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const context = { log: { debug: () => {} } } as unknown as Context;

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
  t.equal(await userOf({ keysUrl: "http://127.0.0.1:1/" }, token), null, "nobody answers");
});

t.test("options that are none", (t) => {
  const wrong: unknown[] = [
    {}, { secret: SECRET, keysUrl: "http://a/" }, { secret: "short" }, { keysUrl: "no url" },
    { secret: SECRET, realm: '"' },
  ];
  for (const options of wrong) t.throws(() => jwt(options as JwtOptions), TypeError);
  t.end();
});
