/** Tests of the raw client, against a server of node:net that does what each test says. */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { ownFolder } from "./folder.ts";
import { connectRaw, exchange } from "./raw-client.ts";
import type { RawTarget } from "./raw-client.ts";

async function listen(t: Test, serve: (socket: Socket) => void): Promise<RawTarget> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    serve(socket);
    t.teardown(() => {
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, timeoutMs: 300 };
}

const TWO = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

t.test("bytes are sent and read exactly", async (t) => {
  const target = await listen(t, (socket) => socket.pipe(socket));
  const client = await connectRaw(target);
  t.teardown(() => client.close());
  client.write("one\r\ntwo");
  t.equal(await client.readUntil("\r\n"), "one\r\n");
  t.equal((await client.read(2)).toString(), "tw");
  await client.writeSlowly("\xff!");
  t.strictSame([...await client.read(3)], [0x6f, 0xff, 0x21]);
  client.end();
  t.equal(await client.readToEnd(), "");
});

t.test("slow bytes arrive in pieces", async (t) => {
  let pieces = 0;
  const target = await listen(t, (socket) => socket.on("data", () => pieces++));
  const client = await connectRaw(target);
  await client.writeSlowly("x".repeat(50));
  client.close();
  t.ok(pieces > 10, `${pieces} pieces`);
});

t.test("responses are taken one by one", async (t) => {
  const chunked = "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n" +
    "2\r\nhi\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
  const bare = "HTTP/1.1 204 No Content\r\n\r\n";
  const toEnd = "HTTP/1.0 200 OK\r\n\r\nuntil the end";
  const target = await listen(t, (socket) => socket.end(TWO + chunked + bare + toEnd));
  const client = await connectRaw(target);
  const first = await client.response();
  t.match(first, { status: 200, statusText: "OK", body: "hi" });
  t.equal(first.header("content-length"), "2");
  t.match(await client.response(), { body: "hi0123456789", trailers: [["X", "y"]] });
  t.match(await client.response(), { status: 204, body: "" });
  t.match(await client.response(), { body: "until the end" });
  t.equal(client.state, "ended");
  client.close();
});

t.test("the answer to HEAD has no body", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  const target = await listen(t, (socket) => socket.write(head + TWO));
  const client = await connectRaw(target);
  t.match(await client.request("HEAD / HTTP/1.1\r\n\r\n"), { body: "" });
  t.match(await client.response(), { body: "hi" });
  client.close();
});

t.test("what no server should send is an error", async (t) => {
  for (const wrong of [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n",
  ]) {
    const target = await listen(t, (socket) => socket.write(wrong));
    const client = await connectRaw(target);
    await t.rejects(client.response(), wrong);
    client.close();
  }
});

t.test("a wait that is over says what for, and what had come", async (t) => {
  const target = await listen(t, (socket) => socket.write("HTTP/1.1 2"));
  const client = await connectRaw(target);
  await t.rejects(client.response(), {
    message: 'waited 300 ms for a response; received: "HTTP/1.1 2"',
  });
  client.close();
});

t.test("an end or a reset ends the wait", async (t) => {
  const ending = await connectRaw(await listen(t, (socket) => socket.end("x")));
  await t.rejects(ending.read(2), { message: /ended before 2 bytes came; received: "x"/ });
  ending.close();
  const resetting = await connectRaw(await listen(t, (socket) => {
    setTimeout(() => socket.resetAndDestroy(), 20);
  }));
  await t.rejects(resetting.readToEnd(), { message: /failed \(.*ECONNRESET/ });
  t.equal(resetting.state, "reset");
});

t.test("a Unix socket works alike, and no server is an error", async (t) => {
  const path = join(ownFolder(t), "s");
  await t.rejects(connectRaw({ path }), { code: "ENOENT" });
  const server = createServer((socket) => socket.end("hello"));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
  });
  t.equal(await exchange({ path }, "x"), "hello");
});
