/** Response constants as routes: answered to GET and HEAD, from native once a path is known. */
import t from "tap";
import { startApp } from "../support/server.ts";

const SOURCE = `
  const large = "l".repeat(300_000);
  export default {
    routes: {
      "/text": new Response("constant"),
      "/json": Response.json({ a: 1 }, { status: 201, headers: { "x-a": "caf\\u00e9" } }),
      "/bytes": new Response(new Uint8Array([0, 255])),
      "/large": new Response(large),
      "/none": new Response(null, { status: 204 }),
      "/reason": new Response("r", { status: 299, statusText: "Odd" }),
      "/dated": new Response("d", { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } }),
      "/closing": new Response("c", { headers: { connection: "close" } }),
      "/any/*": new Response("any"),
      "/get-only": { GET: new Response("get"), HEAD: () => new Response("other head") },
      "/wait": async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return new Response("w");
      },
    },
  };
`;

const ask = (path: string, method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

t.test("GET and HEAD, the first time and from then on", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const cases: [string, number, string, string | undefined][] = [
    ["/text", 200, "constant", "text/plain;charset=UTF-8"],
    ["/json", 201, '{"a":1}', "application/json"],
    ["/bytes", 200, "\0\ufffd", undefined],
    ["/large", 200, "l".repeat(300_000), "text/plain;charset=UTF-8"],
    ["/none", 204, "", undefined],
    ["/reason", 299, "r", "text/plain;charset=UTF-8"],
    ["/any/x/y", 200, "any", "text/plain;charset=UTF-8"],
    ["/text?query", 200, "constant", "text/plain;charset=UTF-8"],
    ["/get-only", 200, "get", "text/plain;charset=UTF-8"],
  ];
  for (let round = 0; round < 3; round++) {
    for (const [path, status, body, type] of cases) {
      const answer = await client.request(ask(path));
      t.equal(answer.status, status, path);
      t.equal(answer.body, body, path);
      t.equal(answer.header("content-type"), type, path);
      const head = await client.request(ask(path, "HEAD"));
      t.equal(head.status, status, path);
      const isOther = path === "/get-only";
      const length = isOther ? "10" : answer.header("content-length");
      t.equal(head.header("content-length"), length, path);
    }
  }
  t.equal((await client.request(ask("/json"))).header("x-a"), "caf\u00e9");
  t.equal((await client.request(ask("/reason"))).statusText, "Odd");
  t.equal((await client.request(ask("/dated"))).header("date"), "Thu, 01 Jan 1970 00:00:00 GMT");
  t.equal((await client.request(ask("/dated"))).header("date"), "Thu, 01 Jan 1970 00:00:00 GMT");
});

t.test("other methods are 405", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  for (let round = 0; round < 2; round++) {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await client.request(ask("/text", method));
      t.equal(answer.status, 405, method);
      t.match(answer.header("allow"), /GET, HEAD/);
    }
    t.equal((await client.request(ask("/text", "OPTIONS"))).status, 204);
    t.equal((await client.request(ask("/text"))).body, "constant");
  }
});

t.test("in a pipeline, behind an async handler and with bodies", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const posted = "GET /text HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
  for (let round = 0; round < 3; round++) {
    const paths = ["/text", "/wait", "/text", "/large"];
    client.write(paths.map((path) => ask(path)).join("") + posted + ask("/text"));
    const found = [];
    for (let i = 0; i < 6; i++) found.push((await client.response()).body.length);
    t.strictSame(found, [8, 1, 8, 300_000, 8, 8]);
  }
  client.write(ask("/text").repeat(2000));
  for (let i = 0; i < 2000; i++) await client.response();
  client.write(ask("/large").repeat(30));
  for (let i = 0; i < 30; i++) t.equal((await client.response()).body.length, 300_000);
});

t.test("a constant that closes", async (t) => {
  const server = await startApp(t, SOURCE);
  for (let round = 0; round < 3; round++) {
    const client = await server.connect();
    const answer = await client.request(ask("/closing"));
    t.equal(answer.body, "c");
    t.equal(answer.header("connection"), "close");
    t.equal(await client.readToEnd(), "");
  }
});

t.test("a stream as a constant is refused at load", async (t) => {
  const app = "export default { routes: { '/s': new Response(new ReadableStream()) } };";
  await t.rejects(startApp(t, app), { code: "ERR_MILLRACE_ROUTE_STREAM" });
});
