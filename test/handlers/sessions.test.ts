/** Tests of what sessions are made with; how they behave: session.test.ts, form-login.test.ts. */
import t from "tap";
import { sessions, type SessionsOptions } from "../../src/handlers/sessions.ts";
import { Records } from "../../src/primary/records.ts";
import type { Context, MillraceRequest, RecordCall } from "../../src/shared/app.ts";
import { received } from "../support/received.ts";

const records = new Records();
const server = { records: async (call: RecordCall) => records.call(call) };

async function cookieOf(options: SessionsOptions): Promise<string> {
  const site = sessions(options);
  const request = received({}) as unknown as MillraceRequest;
  const context = { server } as unknown as Context;
  const session = await site.of(request, context);
  t.equal(await site.of(request, context), session, "read once for each request");
  session.set("a", 1);
  await site.saved(() => "text")(request, context, context);
  return request.cookies.toSetCookieHeaders()[0]!.replace(/=[\w-]{43};/, "=ID;");
}

t.test("the cookie is as safe as it may be", async (t) => {
  t.equal(await cookieOf({}), "__Host-session=ID; Path=/; HttpOnly; Secure; SameSite=Lax");
  t.equal(await cookieOf({ cookie: { path: "/a", sameSite: "strict" } }),
    "session=ID; Path=/a; HttpOnly; Secure; SameSite=Strict");
  t.equal(await cookieOf({ cookie: { secure: false }, cookieName: "own" }),
    "own=ID; Path=/; HttpOnly; SameSite=Lax");
});

t.test("limits that are none", (t) => {
  for (const options of [{ idleMs: 0 }, { lifetimeMs: 0.5 }, { dataBytesMax: -1 }]) {
    t.throws(() => sessions(options), TypeError);
  }
  t.end();
});
