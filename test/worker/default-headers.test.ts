/** Fields that every answer has unless it has its own. */
import t from "tap";
import { DefaultHeaders } from "../../src/worker/default-headers.ts";
import { LightHeaders } from "../../src/worker/headers.ts";
import { startApp } from "../support/server.ts";

t.test("lines, whole and beside an answer's own", async (t) => {
  const headers = new DefaultHeaders({ Server: "mine", "X-Frame-Options": "DENY" });
  t.equal(headers.lines, "Server: mine\r\nX-Frame-Options: DENY\r\n");
  const own = new LightHeaders({ server: "other" });
  t.ok(headers.isIn(own));
  t.equal(headers.linesBeside(own), "X-Frame-Options: DENY\r\n");
  t.notOk(headers.isIn(new LightHeaders({ "x-a": "1" })));
  t.notOk(new DefaultHeaders({}).isIn(own));
});

const APP = `
  export default {
    routes: {
      "/text": () => new Response("text"),
      "/fields": () => new Response("text", { headers: { "x-a": "1" } }),
      "/own": () => new Response("text", { headers: { SERVER: "own" } }),
      "/cleared": () => new Response("text", { headers: { server: "" } }),
      "/none": () => new Response(null, { status: 304 }),
      "/stream": () => new Response((async function* () { yield "text"; })()),
      "/constant": new Response("text"),
      "/own-constant": new Response("text", { headers: { server: "constant" } }),
      "/throw": () => { throw new Error("on purpose"); },
      "/wrong": () => new Response("text", { headers: { "content-length": "1" } }),
    },
  };
`;
const ask = (path: string, rest = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;

t.test("on every answer of a listener, the server's own errors included", async (t) => {
  const { server, port, connect } = await startApp(t, APP, {
    headers: { Server: "mine", "X-Frame-Options": "DENY" },
    listeners: [
      { host: "127.0.0.1", port: 0 },
      { host: "127.0.0.1", port: 0, headers: { "X-Only": "2" } },
      { host: "127.0.0.1", port: 0, headers: {} },
    ],
  });
  t.ok(port);
  const client = await connect();
  const servers: Record<string, string> = {
    "/own": "own", "/cleared": "", "/own-constant": "constant",
  };
  const paths = ["/text", "/fields", "/none", "/stream", "/constant", "/constant", "/throw",
    "/wrong", "/missing", "/own", "/cleared", "/own-constant", "/own-constant"];
  for (const path of paths) {
    const answer = await client.request(ask(path));
    t.equal(answer.header("server"), servers[path] ?? "mine", path);
    t.equal(answer.header("x-frame-options"), "DENY", path);
    t.equal(answer.header("x-only"), undefined, path);
  }
  const refused = await client.request("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  t.match([refused.status, refused.header("server")], [400, "mine"]);

  const [, other, bare] = server.listeners.map(({ url }) => url);
  for (const path of paths) {
    const { headers } = await fetch(new URL(path, other));
    t.equal(headers.get("x-only"), "2", path);
    t.equal(headers.get("server"), servers[path] ?? null, path);
    t.equal((await fetch(new URL(path, bare))).headers.get("x-only"), null);
  }
});
