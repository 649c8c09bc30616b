/** The names by llhttp's numbers: each method arrives as what the client wrote. */
import { METHODS as KNOWN } from "node:http";
import t from "tap";
import {
  DEFAULT_METHODS, KNOWN_METHODS, methodBits, unknownMethod,
} from "../../src/shared/methods.ts";
import { startApp } from "../support/server.ts";

const APP = "export default { fetch: (request) => new Response(`<${request.method}>`) };";

t.test("every method of the list arrives by its name", async (t) => {
  const server = await startApp(t, APP, { methods: [...KNOWN_METHODS] });
  for (const method of KNOWN_METHODS) {
    if (method === "CONNECT") continue;
    const client = await server.connect();
    client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
    const { body } = await client.response(method);
    t.equal(body, method === "HEAD" ? "" : `<${method}>`, method);
    client.close();
  }
});

t.test("what is not in the list is refused, whether llhttp knows it or not", async (t) => {
  const server = await startApp(t, APP);
  const others = KNOWN.filter((name) => !DEFAULT_METHODS.includes(name));
  for (const method of [...others, "TRACE", "CONNECT", "DESCRIBE", "PRI", "FOO", "get"]) {
    const client = await server.connect();
    client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    t.equal((await client.response()).status, 501, method);
    client.close();
  }
});

t.test("the bits of native", async (t) => {
  t.equal(methodBits([]), 0);
  t.equal(methodBits(["DELETE", "GET", "POST"]), 0b1011);
  t.equal(methodBits(["QUERY"]), 2 ** 46);
  t.equal(methodBits(KNOWN_METHODS), 2 ** 34 - 1 + 2 ** 46);
});

t.test("a method that no request can have", (t) => {
  t.equal(unknownMethod("PATCH"), null);
  t.equal(unknownMethod("FOO"), "no request has the method FOO");
  t.match(unknownMethod("PSOT"), /PSOT, did you mean POST\?/);
  t.end();
});
