/** What handler objects say of bodies, over the wire: limits of a route, and whole bodies. */
import t from "tap";
import { repositoryFile } from "../support/environment.ts";
import { startServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/bodies-app.mjs");

function post(path: string, length: number, isChunked: boolean, extra = ""): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: a.test\r\n${extra}`;
  const body = "x".repeat(length);
  return isChunked
    ? `${head}Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    : `${head}Content-Length: ${length}\r\n\r\n${body}`;
}

t.test("limits of a route, both ways", async (t) => {
  const server = await startServer(t, { app, bodyBytesMax: 100, bodyStreamBytesMax: 100 });
  for (const isChunked of [false, true]) {
    const cases: [path: string, length: number, status: number][] = [
      ["/small", 10, 200], ["/small", 11, 413], ["/text", 100, 200], ["/text", 101, 413],
      ["/large", 101, 200], ["/large", 5000, 200], ["/large", 5001, 413],
      ["/stream-20", 20, 200], ["/stream-20", 21, 413], ["/declines", 5, 404],
    ];
    for (const [path, length, status] of cases) {
      const client = await server.connect();
      client.write(post(path, length, isChunked));
      const answer = await client.response();
      t.equal(answer.status, status, `${path} ${length} ${isChunked ? "chunked" : "declared"}`);
      if (status === 413) t.equal(await client.readToEnd(), "", "and the connection ends");
    }
  }
});

t.test("no 100 for a length that the route does not allow", async (t) => {
  const server = await startServer(t, { app });
  const client = await server.connect();
  client.write(post("/small", 21, false, "Expect: 100-continue\r\n").slice(0, -21));
  t.equal((await client.response()).status, 413);
});

t.test("buffered: the whole body is there when the handler runs", async (t) => {
  const server = await startServer(t, { app });
  for (const isChunked of [false, true]) {
    for (const length of [5, 70_000, 400_000]) {
      const client = await server.connect();
      client.write(post("/buffered", length, isChunked));
      t.strictSame(JSON.parse((await client.response()).body), { isSettled: true, length });
    }
    const client = await server.connect();
    client.write(post("/buffered", 600_000, isChunked));
    t.equal((await client.response()).status, 413);
  }
  const client = await server.connect();
  client.write(post("/buffered", 3, false, "Expect: 100-continue\r\n").slice(0, -3));
  await client.readUntil("HTTP/1.1 100 Continue\r\n\r\n");
  client.write("xxx");
  t.strictSame(JSON.parse((await client.response()).body), { isSettled: true, length: 3 });
});
