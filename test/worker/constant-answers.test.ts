/** Constants of routes are answered alike by JavaScript, the first time, and by native, later. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  const headers = [["x-a", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]];
  export default {
    routes: {
      "/c": new Response("constant", { headers }),
      "/json": Response.json({ a: 1 }),
      "/bytes": new Response(new Uint8Array([1, 2, 3]), { status: 201 }),
      "/empty": new Response(null, { status: 204 }),
      "/long": new Response("x".repeat(300000)),
      "/own": new Response("own", { statusText: "Mine", headers: { date: "now" } }),
      "/get": { GET: new Response("get"), POST: () => new Response("post") },
      "/split": { GET: new Response("get"), HEAD: () => new Response(null, { status: 202 }) },
      "/c/:id": new Response("pattern"),
      "/wait": () => new Promise((done) => setTimeout(done, 50, new Response("late"))),
    },
  };
`;

t.test("the same answer each time, to GET and HEAD", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  for (const path of ["/c", "/json", "/bytes", "/long", "/own", "/get", "/c/1", "/c/2?q=1"]) {
    const answers = [];
    for (let i = 0; i < 3; i++) {
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.response();
      client.write(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const head = await client.response("HEAD");
      t.equal(head.header("content-length"), String(answer.bodyBytes.length), path);
      const fields = answer.headers.filter(([name]) => name.toLowerCase() !== "date");
      answers.push({ status: answer.status, fields, body: answer.bodyBytes.toString("base64") });
    }
    t.same(answers[1], answers[0], path);
    t.same(answers[2], answers[0], path);
  }
});

t.test("no body where there is none, and a HEAD of its own", async (t) => {
  const { url } = await startApp(t, APP);
  for (let i = 0; i < 3; i++) {
    const empty = await fetch(`${url}/empty`);
    t.equal(empty.status, 204);
    t.equal(empty.headers.get("content-length"), null);
    t.equal((await fetch(`${url}/split`)).status, 200);
    t.equal((await fetch(`${url}/split`, { method: "HEAD" })).status, 202);
    t.equal(await (await fetch(`${url}/get`, { method: "POST" })).text(), "post");
    const refused = await fetch(`${url}/c`, { method: "POST", body: "x" });
    t.equal(refused.status, 405);
    t.equal(refused.headers.get("allow"), "GET, HEAD");
  }
});

t.test("behind a late answer they wait for it", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  client.write(get("/c"));
  t.equal((await client.response()).body, "constant");
  client.write(get("/c") + get("/wait") + get("/c") + get("/c"));
  const bodies = [];
  for (let i = 0; i < 4; i++) bodies.push((await client.response()).body);
  t.same(bodies, ["constant", "late", "constant", "constant"]);
  const [stats] = server.server.stats().listeners;
  t.equal(stats?.requests, 5);
});
