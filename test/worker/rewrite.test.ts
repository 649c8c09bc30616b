/** Rewriting: another path through the same table, from the top, with the same body. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  const show = (name) => async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = request.method === "POST" ? " " + await request.text() : "";
    return name + " " + pathname + search + " " + JSON.stringify(request.params) + body;
  };
  const seen = [];
  export default {
    table: [
      { path: "/seen", handler: () => seen.splice(0).join() },
      { prefix: "/old", handler: "rewrite:/new/*" },
      { path: "/data", handler: (request, context) => context.rewrite("/new/q?own=1") },
      { path: "/by-match/:x", handler: {
        match(request, context) { context.rewrite("/new/m"); return false; },
        handle: () => "never",
      } },
      { path: "/answers", handler: (request, context) => {
        context.rewrite("/new/x");
        return "own";
      } },
      { path: "/wraps", handler: async (request, context) => {
        context.rewrite("/new/w");
        const answer = await context.next();
        return "(" + await answer.text() + ") " + new URL(request.url).pathname;
      } },
      { path: "/buffered", handler: { buffered: true, bodyBytesMax: 100,
        handle: async (request, context) => {
          seen.push(await request.text());
          request.user = "u";
          return context.rewrite("/reads");
        } } },
      { path: "/reads", handler: async (request) => request.user + " " + await request.text() },
      { path: "/twice", handler: { buffered: true, handle: async (request) => {
        seen.push(request.bodyUsed, await request.text());
      } } },
      { path: "/twice", handler: { buffered: true, handle: async (request) => {
        seen.push(request.bodyUsed, await request.text());
      } } },
      { path: "/twice", handler: async (request) => request.bodyUsed + " " + await request.text() },
      { regex: /^\\/count\\/(\\d+)$/, handler: (request, context) => {
        const count = Number(request.params[1]);
        return count === 0 ? "done" : context.rewrite("/count/" + (count - 1));
      } },
      { path: "/wrong/:what", handler: (request, context) => {
        const { what } = request.params;
        return context.rewrite({ host: "http://other/", none: undefined, hash: "/a#b" }[what]);
      } },
      { path: "/to-none", handler: "rewrite:/none" },
      { path: "/up", handler: "rewrite:/a/../new/./%2e%2e/new/dots" },
      { path: "/keeps", handler: async (request, context) => {
        context.rewrite("/new/k");
        await context.next();
        return new URL(request.url).pathname + request.params.none;
      } },
    ],
    routes: { "/new/:what": show("routes"), "/new/*": show("rest") },
    error: (error) => new Response(error.code, { status: 500 }),
  };
`;

t.test("it restarts at the top, and keeps query, method and body", async (t) => {
  const { url } = await startApp(t, APP);
  const ask = async (path: string, init: RequestInit = {}): Promise<string> =>
    await (await fetch(url + path, init)).text();
  t.equal(await ask("/old/a?b=1"), 'routes /new/a?b=1 {"what":"a"}');
  t.equal(await ask("/old/a/b%20c"), 'rest /new/a/b%20c {"*":"a/b c"}');
  t.equal(await ask("/data?b=1"), 'routes /new/q?own=1 {"what":"q"}');
  t.equal(await ask("/by-match/1"), 'routes /new/m {"what":"m"}');
  t.equal(await ask("/answers"), "own", "it counts for who declines");
  t.equal(await ask("/wraps"), '(routes /new/w {"what":"w"}) /wraps');
  t.equal(await ask("/keeps"), "/keepsundefined", "who holds a Request goes on to see its URL");
  t.equal(await ask("/up"), 'routes /new/dots {"what":"dots"}', "dot segments are resolved");
  const post = { method: "POST", body: "the body" };
  t.equal(await ask("/old/a", post), 'routes /new/a {"what":"a"} the body');
  t.equal((await fetch(`${url}/to-none`)).status, 404);
});

t.test("a body that came whole is read again by who comes next, however it came", async (t) => {
  const { url, connect } = await startApp(t, APP);
  const ask = async (path: string, init: RequestInit = {}): Promise<string> =>
    await (await fetch(url + path, init)).text();
  const post = { method: "POST", body: "b".repeat(50) };
  t.equal(await ask("/buffered", post), `u ${post.body}`);
  t.equal(await ask("/twice", post), `false ${post.body}`);
  t.equal(await ask("/seen"), `${post.body},false,${post.body},false,${post.body}`);
  const client = await connect();
  client.write("POST /twice HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
  for (const byte of "slow") {
    client.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  t.equal((await client.response()).body, "false slow");
  t.equal(await ask("/seen"), "false,slow,false,slow");
  t.equal((await fetch(`${url}/buffered`, { method: "POST", body: "b".repeat(101) })).status, 413);
});

t.test("sixteen times through the routes, and no more", async (t) => {
  const { url } = await startApp(t, APP);
  t.equal(await (await fetch(`${url}/count/15`)).text(), "done");
  const tooOften = await fetch(`${url}/count/16`);
  t.strictSame([tooOften.status, await tooOften.text()], [500, "ERR_MILLRACE_REWRITE_LOOP"]);
  for (const what of ["host", "none", "hash"]) {
    const wrong = await fetch(`${url}/wrong/${what}`);
    t.strictSame([wrong.status, await wrong.text()], [500, "ERR_MILLRACE_REWRITE_INVALID"]);
  }
});

t.test("paths that clients think up are not kept for ever", async (t) => {
  const { url } = await startApp(t, APP);
  for (let batch = 0; batch < 12; batch++) {
    const texts = await Promise.all(Array.from({ length: 100 }, async (_, at) => (
      await (await fetch(`${url}/old/${batch * 100 + at}`)).text()
    )));
    t.equal(texts[7], `routes /new/${batch * 100 + 7} {"what":"${batch * 100 + 7}"}`);
  }
});

t.test("a request ends in the table that it began in", async (t) => {
  const { server, url } = await startApp(t, `
    let go;
    export default {
      handlers: {
        slow: (request, context) => new Promise((resolve) => {
          go = () => resolve(context.rewrite("/x"));
        }),
        go: () => { go(); return "went"; },
        before: () => "before", after: () => "after",
      },
      table: [{ path: "/slow", handler: "slow" }, { path: "/go", handler: "go" },
        { path: "/x", handler: "before" }],
    };
  `);
  const slow = fetch(`${url}/slow`).then((answer) => answer.text());
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.setRoutes([{ path: "/go", handler: "go" }, { path: "/x", handler: "after" }]);
  t.equal(await (await fetch(`${url}/go`)).text(), "went");
  t.equal(await slow, "before");
  t.equal(await (await fetch(`${url}/x`)).text(), "after");
});
