/**
 * An answer that is made of its request's body while that arrives: the body is read to its end,
 * whatever its length, the version, and what becomes of the connection.
 */
import { randomBytes } from "node:crypto";
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `export default {
  fetch: (request) => new Response(request.body),
};`;
/** Longer than what is read and dropped of a body that nobody wants. */
const BODY = randomBytes(1_500_000);

t.test("a long body is echoed while it arrives", async (t) => {
  const server = await startApp(t, APP);
  const length = `Host: h\r\nContent-Length: ${BODY.length}\r\n`;
  const cases: [string, string | undefined][] = [
    [`POST / HTTP/1.1\r\n${length}\r\n`, undefined],
    [`POST / HTTP/1.1\r\n${length}Connection: close\r\n\r\n`, "close"],
    [`POST / HTTP/1.0\r\n${length}\r\n`, "close"],
  ];
  for (const [head, connection] of cases) {
    const client = await server.connect();
    client.write(head);
    client.write(BODY);
    const response = await client.response();
    t.ok(BODY.equals(response.bodyBytes), JSON.stringify(head));
    t.equal(response.header("connection"), connection);
    if (connection === "close") t.equal(await client.readToEnd(), "");
    else t.equal((await client.request("GET / HTTP/1.1\r\nHost: h\r\n\r\n")).status, 200);
  }
});

t.test("100 comes before the head of the echo", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  t.equal(await client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.write("hello");
  t.equal((await client.response()).body, "hello");
});
