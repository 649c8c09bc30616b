/** Switching over: what the checks before 101 let through, and what is answered otherwise. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import { ask, startUpgrades, switched } from "../support/upgrades.ts";

t.test("101 names the protocol, and what came behind the head is read first", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(`${ask("/up/echo", "", "echo/2, other")}\r\n\r\nfirst`);
  const head = await switched(client);
  t.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  t.match(head, /\r\nUpgrade: echo\/2\r\n/);
  t.match(head, /\r\nConnection: Upgrade\r\n/);
  t.match(head, /\r\nx-own: 1\r\n/);
  t.match(head, /\r\nDate: /);
  t.notMatch(head, /Content-Length|Transfer-Encoding|Keep-Alive|Content-Type/i);
  t.equal((await client.read(9)).toString(), "\r\n\r\nfirst");
  client.write("GET / HTTP/1.1\r\n\r\n");
  t.equal((await client.read(18)).toString(), "GET / HTTP/1.1\r\n\r\n", "nothing is HTTP any more");
  t.match(server.server.stats().listeners[0], { connections: 1, upgraded: 1, requests: 1 });
  client.end();
  t.equal(await client.readToEnd(), "");
  await server.noted("echo end web");
  t.match(server.server.stats().listeners[0], { connections: 0, upgraded: 0 });
});

t.test("whole or byte by byte", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  await client.writeSlowly(`${ask("/up/echo")}\r\nabc`);
  await switched(client);
  t.equal((await client.read(5)).toString(), "\r\nabc");
});

t.test("what cannot be switched is an ordinary answer, and HTTP goes on", async (t) => {
  const server = await startUpgrades(t);
  const get = (path: string, fields: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
  const cases: [name: string, request: string, status: number, closes: boolean][] = [
    ["no upgrade", get("/up/echo", ""), 400, false],
    ["no Connection", get("/up/echo", "Upgrade: echo\r\n"), 400, false],
    ["no Upgrade", get("/up/echo", "Connection: upgrade\r\n"), 400, false],
    ["no name", get("/up/echo", "Connection: upgrade\r\nUpgrade: a b\r\n"), 400, false],
    ["close", get("/up/echo", "Connection: upgrade, close\r\nUpgrade: x\r\n"), 400, true],
    ["HTTP/1.0", ask("/up/echo").replace("1.1", "1.0"), 400, true],
    ["another protocol", ask("/up/echo?protocol=chat"), 426, false],
    ["declined", ask("/declines"), 200, false],
    ["a copy", ask("/copies"), 500, false],
    ["of another request", ask("/keeps") + ask("/steals"), 500, false],
    ["closing itself", ask("/closes"), 500, false],
  ];
  for (const [name, request, status, closes] of cases) {
    const client = await server.connect();
    client.write(request);
    if (name === "of another request") t.equal((await client.response()).body, "kept 101");
    const answer = await client.response();
    t.equal(answer.status, status, name);
    if (status === 426) {
      t.equal(answer.header("upgrade"), "chat");
      t.equal(answer.header("connection"), "Upgrade");
    }
    if (closes) {
      t.equal(await client.readToEnd(), "", name);
      continue;
    }
    client.write(ask("/up/echo", "", "x"));
    t.match(await switched(client), /\r\nUpgrade: x\r\n/, `${name}: then it is`);
  }
  t.notOk(server.notes().some((line) => line.includes("undefined")));
  await server.noted("echo start web", 9);
});

t.test("a declined upgrade keeps the pipeline", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(`${ask("/declines")}GET / HTTP/1.1\r\nHost: a\r\n\r\n${ask("/up/echo")}abc`);
  t.equal((await client.response()).body, "not today");
  t.equal((await client.response()).body, "hello");
  await switched(client);
  t.equal((await client.read(3)).toString(), "abc");
});

t.test("it waits for the answers before it", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(`GET /wait HTTP/1.1\r\nHost: a\r\n\r\n${ask("/up/echo")}abc`);
  await server.gate.arrived();
  t.equal(client.pending, "");
  t.strictSame(server.notes(), [], "not started before its turn");
  server.gate.open();
  t.equal((await client.response()).body, "waited");
  await switched(client);
  t.equal((await client.read(3)).toString(), "abc");
});

t.test("a body comes before the switch", async (t) => {
  const server = await startUpgrades(t);
  const fields = "Content-Length: 5\r\n";
  const request = ask("/body/echo", fields).replace("GET", "POST");
  const client = await server.connect();
  client.write(`${request}helloabc`);
  await switched(client);
  t.equal((await client.read(3)).toString(), "abc");
  await server.noted("body hello");
  const late = await server.connect();
  late.write(ask("/up/echo", fields).replace("GET", "POST"));
  t.equal((await late.response()).status, 400, "its body has not come");
  late.write(`hello${ask("/up/echo")}`);
  await switched(late);
});

t.test("100 comes before 101 (RFC 9110 7.8)", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(ask("/up/echo", "Expect: 100-continue\r\n"));
  t.equal((await client.response()).status, 100);
  await switched(client);
  const body = await server.connect();
  const fields = "Expect: 100-continue\r\nContent-Length: 2\r\n";
  body.write(ask("/body/echo", fields).replace("GET", "POST"));
  t.equal((await body.response()).status, 100);
  body.write("hi");
  await switched(body);
});

t.test("CONNECT is taken the same way", async (t) => {
  const methods = ["GET", "HEAD", "POST", "CONNECT"];
  const server = await startUpgrades(t, { methods });
  const client = await server.connect();
  client.write("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\nhello");
  const head = await client.readUntil("\r\n\r\n");
  t.match(head, /^HTTP\/1\.1 200 /);
  t.notMatch(head, /upgrade|connection|content-length|transfer-encoding/i);
  t.equal((await client.read(5)).toString(), "hello");
  const refused = await server.connect();
  refused.write("CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\n");
  t.equal((await refused.response("CONNECT")).status, 501);
});

t.test("a wrapper of the handler may add to the answer", async (t) => {
  const server = await startUpgrades(t);
  const client = await server.connect();
  client.write(ask("/wraps/inner"));
  t.match(await switched(client), /\r\nx-wrapped: 1\r\n/);
});

t.test("hooks, metrics and AsyncLocalStorage see an upgrade as other answers", async (t) => {
  const server = await startApp(t, `
    import { AsyncLocalStorage } from "node:async_hooks";
    const storage = new AsyncLocalStorage();
    const told = [];
    const handler = {
      async start(socket) {
        socket.on("data", () => socket.write(JSON.stringify([storage.getStore(), ...told])));
        await new Promise((resolve) => socket.once("close", resolve));
      },
    };
    export default {
      routes: {
        "/chat/:room": (request, context) =>
          storage.run(request.params.room, () => context.upgrade(handler)),
      },
      onResponse: ({ status, route, isComplete }) => told.push([status, route, isComplete]),
    };
  `, { metrics: true });
  const clients = [await server.connect(), await server.connect()];
  for (const [at, client] of clients.entries()) {
    client.write(ask(`/chat/${at}`));
    await switched(client);
  }
  const seen = JSON.stringify([101, "/chat/:room", true]);
  for (const [at, client] of clients.entries()) {
    await until("both have been told of", async () => {
      client.write("?");
      const answer = await client.readUntil("]]");
      t.ok(answer.startsWith(`["${at}",[101,`), "the context of its own handler");
      return answer === `["${at}",${seen},${seen}]`;
    });
  }
  await until("both are counted", async () => {
    const { text } = await server.server.metrics();
    const count = /_seconds_count\{[^}]*code="101",http_route="\/chat\/:room"[^}]*\} 2$/m;
    return count.test(text);
  });
});
