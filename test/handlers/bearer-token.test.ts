/** Tests of the scheme alone; see bearer-authentication.test.ts for whole authenticators. */
import t from "tap";
import { byToken, tellBadToken } from "../../src/handlers/bearer-token.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

function requestWith(field?: string): MillraceRequest {
  const headers = new Headers(field === undefined ? {} : { authorization: field });
  return { headers } as MillraceRequest;
}

t.test("only a token is asked for, and what its check throws is thrown", async (t) => {
  const asked: unknown[] = [];
  const context = {} as Context;
  const { authenticate, challenge } = byToken("mill", (token, given) => {
    asked.push([token, given === context]);
    if (token === "fails") throw new Error("no connection");
    return token === "good" ? "miller" : undefined;
  });
  t.equal(await authenticate(requestWith(), context), null);
  t.equal(await authenticate(requestWith("Basic good"), context), null);
  t.equal(await authenticate(requestWith("Bearer good"), context), "miller");
  t.equal(await authenticate(requestWith("Bearer other"), context), null);
  const failing = authenticate(requestWith("Bearer fails"), context) as Promise<unknown>;
  await t.rejects(failing, { message: "no connection" });
  t.strictSame(asked, [["good", true], ["other", true], ["fails", true]]);
  t.equal(challenge!(requestWith(), context), 'Bearer realm="mill"');
  t.throws(() => byToken('"', () => null), TypeError);
});

t.test("a bad token is told at debug", (t) => {
  const told: unknown[] = [];
  const log = { debug: (facts: unknown) => told.push(facts) };
  const err = new Error("bad token");
  tellBadToken(err, { log } as unknown as Context);
  t.strictSame(told, [{ err }]);
  t.end();
});
