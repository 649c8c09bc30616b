/** Tests of what sessions are made with; how they behave: session.test.ts, form-login.test.ts. */
import t from "tap";
import { sessions, type SessionsOptions } from "../../src/handlers/sessions.ts";
import { Records } from "../../src/primary/records.ts";
import type { Context, MillraceRequest, RecordCall } from "../../src/shared/app.ts";
import { received } from "../support/received.ts";
import { startApp } from "../support/server.ts";

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

t.test("limits that are none, and names", (t) => {
  for (const options of [{ idleMs: 0 }, { lifetimeMs: 0.5 }, { dataBytesMax: -1 }]) {
    t.throws(() => sessions(options), TypeError);
  }
  const secure = false;
  const wrong: unknown[] = [
    { cookieName: "a b" }, { cookieName: "" }, { cookieName: 5 }, { store: {} }, { store: null },
    { cookieName: "__Host-a", cookie: { secure } },
    { cookieName: "__Secure-a", cookie: { secure } },
    { cookieName: "__Host-a", cookie: { path: "/a" } }, { cookie: { sameSite: "none", secure } },
    { cookie: { domain: "a;b" } }, { cookie: "x" }, { cookie: { maxAge: "5" } },
  ];
  for (const options of wrong) {
    t.throws(() => sessions(options as SessionsOptions), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^sessions: /,
    }, JSON.stringify(options));
  }
  t.throws(() => sessions({ idleMS: 5 } as object), { message: "did you mean idleMs?" });
  t.throws(() => sessions({ cookie: { samesite: "strict" } as object }), {
    message: "sessions: cookie: no option \"samesite\", did you mean sameSite?",
  });
  t.end();
});

t.test("an answer whose session cannot be saved ends its producer", async (t) => {
  const site = sessions({ dataBytesMax: 100 });
  const request = received({}) as unknown as MillraceRequest;
  const context = { server } as unknown as Context;
  let reason: unknown = "none";
  const body = new ReadableStream({
    cancel(why) {
      reason = why;
      throw new Error("cannot be cancelled");
    },
  });
  const saved = site.saved(async () => {
    (await site.of(request, context)).set("a", "x".repeat(100));
    return new Response(body);
  });
  await t.rejects(async () => await saved(request, context, context), RangeError);
  t.equal(reason, undefined, "it was cancelled");
});

t.test("a handler that writes its answer is saved before the head is sent", async (t) => {
  const module = new URL("../../src/handlers/sessions.js", import.meta.url).href;
  const { url } = await startApp(t, `
    import { sessions } from ${JSON.stringify(module)};
    const site = sessions({ cookie: { secure: false } });
    const count = async (request, context) => {
      const session = await site.of(request, context);
      session.set("count", (session.get("count") ?? 0) + 1);
      return String(session.get("count"));
    };
    export default { routes: {
      "/end": site.saved(async (request, context) => {
        const reply = context.reply();
        reply.end(await count(request, context));
      }),
      "/flush": site.saved(async (request, context) => {
        const reply = context.reply();
        reply.write(await count(request, context));
        await reply.flush();
        await reply.end("!");
      }),
    } };
  `);
  const cookies: Record<string, string> = {};
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(url + path, { headers: { cookie: cookies[path] ?? "" } });
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) cookies[path] = set.split(";")[0]!;
    return await answer.text();
  };
  for (const [path, tail] of [["/end", ""], ["/flush", "!"]] as const) {
    t.equal(await ask(path), `1${tail}`);
    t.ok(cookies[path], path);
    t.equal(await ask(path), `2${tail}`);
  }
});
