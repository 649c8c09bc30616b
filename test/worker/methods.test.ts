/** The names by llhttp's numbers: each method arrives as what the client wrote. */
import { METHODS as KNOWN } from "node:http";
import t from "tap";
import { METHODS } from "../../src/worker/methods.ts";
import { startApp } from "../support/server.ts";

const APP = "export default { fetch: (request) => new Response(`<${request.method}>`) };";

t.test("every method of the list arrives by its name", async (t) => {
  const server = await startApp(t, APP);
  for (const method of METHODS) {
    const client = await server.connect();
    client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
    const { status, body } = await client.response(method);
    if (method === "CONNECT" || method === "TRACE") t.equal(status, 501, method);
    else t.equal(body, method === "HEAD" ? "" : `<${method}>`, method);
    client.close();
  }
});

t.test("what is not in the list is refused, whether llhttp knows it or not", async (t) => {
  const server = await startApp(t, APP);
  for (const method of [...KNOWN.filter((name) => !METHODS.includes(name)), "FOO", "get"]) {
    const client = await server.connect();
    client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    t.match(String((await client.response()).status), /^(?:400|501)$/, method);
    client.close();
  }
});
