/** Tests of bearer tokens. */
import t from "tap";
import { bearer, type BearerOptions } from "../../src/handlers/bearer-authentication.ts";
import { isSameText } from "../../src/handlers/same-text.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

function requestWith(field?: string): MillraceRequest {
  const headers = new Headers(field === undefined ? {} : { authorization: field });
  return { headers } as MillraceRequest;
}

const logged: unknown[] = [];
const log = { debug: (facts: unknown) => void logged.push(facts) };
const context = { log } as unknown as Context;

t.test("the token is verified; what fails is nobody", async (t) => {
  const { authenticate } = bearer({
    verify: async (token) => {
      if (token === "throws") throw new Error("bad token");
      return token === "good-._~+/==" ? { name: "miller" } : undefined;
    },
  });
  t.strictSame(await authenticate(requestWith("Bearer good-._~+/=="), context), { name: "miller" });
  t.strictSame(await authenticate(requestWith("bearer  good-._~+/== "), context), {
    name: "miller",
  });
  const none = ["Bearer other", "Bearer throws", "Bearer", "Bearer a b", "Basic YTpi", undefined];
  for (const field of none) {
    t.equal(await authenticate(requestWith(field), context), null);
  }
  t.equal(logged.length, 1);
});

t.test("a comparison is a verification", async (t) => {
  const { authenticate } = bearer({ verify: (token) => isSameText(token, "good") });
  t.equal(await authenticate(requestWith("Bearer good"), context), true);
  t.equal(await authenticate(requestWith("Bearer wrong"), context), null);
});

t.test("the challenge says whether a token was sent", (t) => {
  const { challenge } = bearer({ verify: () => null, realm: "the mill" });
  t.equal(challenge!(requestWith(), context), 'Bearer realm="the mill"');
  t.equal(
    challenge!(requestWith("Bearer x"), context),
    'Bearer realm="the mill", error="invalid_token"',
  );
  t.throws(() => bearer({ verify: () => null, realm: 'a"b' }), TypeError);
  t.throws(() => bearer({} as BearerOptions), TypeError);
  t.throws(() => bearer({ verify: () => null, realm: 5 } as unknown as BearerOptions), TypeError);
  const misspelt = { verify: () => null, relm: "a" };
  t.throws(() => bearer(misspelt), { message: "did you mean realm?" });
  t.end();
});
