/** Tests of what the toolbox's wrapping handlers have in common. */
import t from "tap";
import { answerWith } from "../../src/handlers/wrapping.ts";
import type { Context, FetchHandler, MillraceRequest } from "../../src/shared/app.ts";
import { FileParts } from "../../src/worker/file-parts.ts";
import { LightRequest } from "../../src/worker/request.ts";
import { LightResponse, responseParts } from "../../src/worker/response.ts";
import { startApp } from "../support/server.ts";

function module(name: string): string {
  return new URL(`../../src/${name}.js`, import.meta.url).href;
}

const request = new LightRequest("http://a/") as unknown as MillraceRequest;

/** A context in which only `next` is asked. */
function contextOf(next: () => Promise<Response>): Context {
  return { next } as Context;
}

const nowhere = contextOf(() => Promise.reject(new Error("nothing is behind it")));

async function edited(handler?: FetchHandler, context = nowhere): Promise<Response | undefined> {
  return await answerWith(handler, request, context, (headers) => headers.set("x-a", "1"));
}

t.test("a Response that is given again and again is never changed", async (t) => {
  const given = [
    new LightResponse("text", { status: 201, headers: { "x-b": "2" } }),
    new LightResponse(new Uint8Array([1, 2])),
    new LightResponse(null, { status: 204 }),
    LightResponse.json({ a: 1 }),
    new LightResponse(new FileParts([new Uint8Array([1, 2]), new Uint8Array([3])])),
  ];
  for (const response of given) {
    for (let i = 0; i < 2; i++) {
      const answer = await edited(() => response);
      t.equal(answer!.headers.get("x-a"), "1");
      t.equal(responseParts(answer as LightResponse).stream, null, "no second reader");
      t.equal(answer!.headers.get("content-type"), response.headers.get("content-type"));
      t.equal(answer!.status, response.status);
      t.equal(answer!.headers.get("x-b"), response.headers.get("x-b"));
    }
    t.equal(response.headers.has("x-a"), false);
    t.equal(response.bodyUsed, false);
  }
});

t.test("headers that refuse changes are changed in a copy", async (t) => {
  const answer = await edited(() => LightResponse.redirect("http://b/", 303));
  t.equal(answer!.status, 303);
  t.equal(answer!.headers.get("location"), "http://b/");
  t.equal(answer!.headers.get("x-a"), "1");
});

t.test("a stream goes on as it is; strings and bytes become answers", async (t) => {
  async function* pieces(): AsyncGenerator<string> {
    yield "a";
    yield "b";
  }
  const stream = await edited(() => new LightResponse(pieces()));
  t.equal(await stream!.text(), "ab");
  t.equal(await (await edited(() => "text"))!.text(), "text");
  const foreign = await edited(() => new Response("global"));
  t.equal(await foreign!.text(), "global");
  t.equal(foreign!.headers.get("x-a"), "1");
});

t.test("declining declines, and no handler goes on with the next one", async (t) => {
  t.equal(await edited(() => undefined), undefined);
  const next = await edited(undefined, contextOf(async () => new LightResponse("next")));
  t.equal(await next!.text(), "next");
  t.equal(next!.headers.get("x-a"), "1");
  await t.rejects(edited(() => { throw new Error("broken"); }), { message: "broken" });
});

t.test("a thrown Response is an answer", async (t) => {
  const thrown = new LightResponse("thrown", { status: 401 });
  const answer = await edited(() => { throw thrown; });
  t.equal(answer!.status, 401);
  t.equal(answer!.headers.get("x-a"), "1");
  t.equal(thrown.headers.get("x-a"), null);
});

t.test("answers that are made of errors are edited by all they went through", async (t) => {
  const { connect } = await startApp(t, `
    import { cors } from ${JSON.stringify(module("handlers/cors"))};
    import { securityHeaders } from ${JSON.stringify(module("handlers/security-headers"))};
    import { HttpError } from ${JSON.stringify(module("shared/errors"))};
    const hostile = new Proxy({}, { getPrototypeOf() { throw new Error("trap"); } });
    const gone = new HttpError(410, "gone", { headers: { vary: "Accept" } });
    const kept = new Response("hooked", { status: 599, headers: { "x-own": "1" } });
    const raise = ({ url }) => {
      if (url.endsWith("/http")) throw gone;
      if (url.endsWith("/hostile")) throw hostile;
      if (url.endsWith("/hooked")) throw new RangeError("hooked");
      throw new TypeError("broken");
    };
    const edit = (handler) => securityHeaders({}, cors({ origin: ["https://a.example"] }, handler));
    export default {
      table: [
        { prefix: "/around", handler: edit(raise) },
        { prefix: "/before", handler: edit() },
        { prefix: "/before", handler: raise },
        { prefix: "/caught", handler: (request, context) => context.next().catch(() => "fine") },
        { prefix: "/caught", handler: edit(raise) },
        { prefix: "/declined", handler: edit(() => undefined) },
        { prefix: "/declined", handler: raise },
      ],
      error: (error) => (error instanceof RangeError ? kept : undefined),
    };
  `);
  const client = await connect();
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await client.request(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\r\n`,
    );
    const names = ["access-control-allow-origin", "vary", "x-frame-options"];
    return [answer.status, ...names.map((name) => answer.header(name))];
  };
  const both = ["https://a.example", "Origin", "SAMEORIGIN"];
  for (let round = 0; round < 2; round++) {
    for (const place of ["/around", "/before"]) {
      const http = await ask(`${place}/http`);
      t.strictSame(http, [410, "https://a.example", "Accept, Origin", "SAMEORIGIN"]);
      t.strictSame(await ask(`${place}/hooked`), [599, ...both]);
      t.strictSame(await ask(`${place}/broken`), [500, ...both]);
      t.strictSame(await ask(`${place}/hostile`), [500, ...both]);
    }
    const none = [undefined, undefined, undefined];
    t.strictSame(await ask("/caught/broken"), [200, ...none]);
    t.strictSame(await ask("/declined/broken"), [500, ...none]);
  }
});

t.test("Response.error() stays what it is", async (t) => {
  t.equal((await edited(() => LightResponse.error()))!.status, 0);
});
