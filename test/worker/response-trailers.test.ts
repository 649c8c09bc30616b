/** Fields behind the body of an answer: which may stand there, and how they leave. */
import t from "tap";
import { NO_TRAILERS, ResponseTrailers } from "../../src/worker/response-trailers.ts";
import { startApp } from "../support/server.ts";

const code = "ERR_MILLRACE_TRAILER_INVALID";

t.test("only what a recipient may learn late", async (t) => {
  const trailers = new ResponseTrailers();
  trailers.add({ "X-Sum": "1", etag: '"x"' });
  for (const name of ["Content-Length", "set-cookie", "TE", "Host", "if-match", "vary"]) {
    t.throws(() => trailers.add({ [name]: "x" }), { code }, name);
  }
  t.throws(() => trailers.add({ "x y": "1" }), { name: "TypeError" });
  t.throws(() => trailers.add({ x: "a\r\nb" }), { name: "TypeError" });
  t.equal(trailers.lines, 'etag: "x"\r\nx-sum: 1\r\n');
  t.throws(() => trailers.add({ x: "v".repeat(16_384) }), { code });
});

t.test("what is known before the head is announced by it, later only what was", async (t) => {
  const trailers = new ResponseTrailers();
  trailers.add({ "x-early": "1" });
  t.equal(trailers.announce("X-Late,, x-never"), "X-Late, x-never, x-early");
  trailers.add({ "x-late": "2" });
  t.throws(() => trailers.add({ "x-other": "3" }), { code });
  t.throws(() => NO_TRAILERS.add({ "x-late": "2" }), { code });
  t.equal(trailers.lines, "x-early: 1\r\nx-late: 2\r\n");
});

const APP = `
  const tried = [];
  const attempt = (add) => {
    try { add(); tried.push("added"); } catch (error) { tried.push(error.code ?? error.name); }
  };
  const named = { headers: { trailer: "X-Sum" } };
  async function* pieces(context, name) {
    yield "a";
    yield "b";
    attempt(() => context.addTrailers({ [name]: "2" }));
  }
  export default {
    routes: {
      "/stream": (request, context) => new Response(pieces(context, "x-sum"), named),
      "/text": (request, context) => {
        context.addTrailers({ "x-sum": "2" });
        return new Response("ab");
      },
      "/null": (request, context) => {
        context.addTrailers({ "x-sum": "2" });
        return new Response(null, named);
      },
      "/unnamed": (request, context) => new Response(pieces(context, "x-sum")),
      "/sized": (request, context) => new Response(pieces(context, "x-sum"), {
        headers: { trailer: "x-sum", "content-length": "2" },
      }),
      "/after": (request, context) => {
        setTimeout(() => attempt(() => context.addTrailers({ "x-sum": "2" })), 1);
        return new Response("ab");
      },
      "/none": (request, context) => new Response("ab", named),
      "/tried": () => Response.json(tried.splice(0)),
    },
  };
`;

const ask = (path: string, method = "GET", version = "1.1"): string =>
  `${method} ${path} HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`;

t.test("on the wire", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  const tried = async (): Promise<unknown> => await (await fetch(`${server.url}/tried`)).json();
  for (const [path, body] of [["/stream", "ab"], ["/text", "ab"], ["/null", ""]] as const) {
    const answer = await client.request(ask(path));
    t.equal(answer.body, body, path);
    t.equal(answer.header("trailer")?.toLowerCase(), "x-sum", path);
    t.equal(answer.header("transfer-encoding"), "chunked", path);
    t.strictSame(answer.trailers, [["x-sum", "2"]], path);
    const head = await client.request(ask(path, "HEAD"));
    if (path !== "/null") t.equal(head.header("trailer")?.toLowerCase(), "x-sum", path);
  }
  const none = await client.request(ask("/none"));
  t.match([none.body, none.header("trailer"), none.trailers], ["ab", "X-Sum", []]);
  await tried();
  const unnamed = await client.request(ask("/unnamed"));
  t.match([unnamed.body, unnamed.trailers], ["ab", []]);
  t.strictSame(await tried(), ["ERR_MILLRACE_TRAILER_INVALID"]);
  const sized = await client.request(ask("/sized"));
  t.match([sized.body, sized.header("trailer"), sized.trailers], ["ab", undefined, []]);
  t.equal((await client.request(ask("/after"))).body, "ab");
  await tried();
  t.equal((await client.request(ask("/text", "GET", "1.0"))).header("trailer"), undefined);
  t.equal(client.pending, "");
});

t.test("an answer that is complete takes none", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  await client.request(ask("/after"));
  let seen: unknown[] = [];
  while (seen.length === 0) {
    seen = await (await fetch(`${server.url}/tried`)).json() as unknown[];
  }
  t.strictSame(seen, ["ERR_MILLRACE_RESPONSE_SENT"]);
});
