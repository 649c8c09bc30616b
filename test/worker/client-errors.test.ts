/** What the app's `onClientError` is told, and what it is not. */
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { escapeBytes } from "../../src/worker/client-errors.ts";

const SOURCE = `
  const told = [];
  async function* endless() {
    for (;;) { yield "x"; await new Promise((resolve) => setTimeout(resolve, 5)); }
  }
  async function* flood() { for (;;) yield new Uint8Array(65536); }
  export default {
    routes: {
      "/wait": () => new Promise(() => {}),
      "/wait-request": (request) => new Promise(() => {}),
      "/stream": () => new Response(endless()),
      "/flood": () => new Response(flood()),
      "/abort": async (request, { connection }) => { connection.abort(); await null; return "x"; },
      "/ok": () => new Response("ok"),
      "/body": async (request) => new Response(await request.text()),
      "/-/told": () => Response.json(told),
    },
    onClientError(info) {
      const { kind, status, reason, bytes, how, request, listener, remote } = info;
      const at = { listener: listener.id, remote };
      told.push(kind === "malformed" ? { kind, status, reason, bytes, ...at }
        : { kind, how, url: request.url, aborted: request.signal.aborted, ...at });
      if (bytes?.includes("throw")) throw new Error("from the hook");
      if (bytes?.includes("reject")) return Promise.reject(new Error("from the hook"));
    },
  };
`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

interface Told {
  readonly kind: string;
  readonly [name: string]: unknown;
}

async function told(server: TestServer, count: number): Promise<Told[]> {
  const control = await server.connect();
  let all: Told[] = [];
  await until(`${count} calls`, async () => {
    all = JSON.parse((await control.request(get("/-/told"))).body) as Told[];
    return all.length >= count;
  });
  control.close();
  return all;
}

const REFUSED: [bytes: string, status: number, shown: RegExp | string][] = [
  ["GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n", 400,
    /^GET \/ HTTP\/1\.1\\r\\nHost: a\\r\\n/],
  ["\x16\x03\x01\0", 400, "\\x16\\x03\\x01\\x00"],
  ["GET / HTTP/1.1\r\n\r\n", 400, /^GET \/ HTTP\/1\.1\\r\\n/],
  [`GET /${"x".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, `GET /${"x".repeat(251)}`],
  ["GET http://%zz/x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "GET http://%zz/x"],
];

for (const kind of ["TCP", "a Unix socket"]) {
  t.test(`malformed requests over ${kind}: status, reason, address, bytes`, async (t) => {
    const path = join(ownFolder(t), "socket");
    const listeners = kind === "TCP" ? undefined : [{ id: "default", path }];
    const server = await startApp(t, SOURCE, { ...(listeners && { listeners }) });
    let count = 0;
    for (const [bytes, status, shown] of REFUSED) {
      for (const before of ["", get("/ok")]) {
        const client = await server.connect();
        client.write(before + bytes);
        if (before !== "") t.equal((await client.response()).body, "ok");
        t.equal((await client.response()).status, status, escapeBytes(bytes.slice(0, 30)));
        const all = await told(server, ++count);
        t.equal(all.length, count, "once each");
        t.match(all.at(-1), { kind: "malformed", status, bytes: shown, listener: "default" });
        t.match(all.at(-1)!["remote"], kind === "TCP"
          ? { address: "127.0.0.1", port: client.socket.localPort, family: "IPv4" }
          : { address: "", family: "unix" });
      }
    }
  });
}

t.test("a head that takes too long, and a body that is no body", async (t) => {
  const server = await startApp(t, SOURCE, { headTimeoutMs: 200 });
  const slow = await server.connect();
  slow.write("GET /slow HT");
  t.equal((await slow.response()).status, 408);
  t.match(await told(server, 1), [{ status: 408, bytes: "GET /slow HT" }]);
  const broken = await server.connect();
  const head = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  broken.write(head);
  await until("its head", () => server.server.stats().listeners[0]!.requests >= 2);
  broken.write("zz\r\n");
  t.equal((await broken.response()).status, 400);
  const all = await told(server, 2);
  t.match(all[1], { kind: "malformed", status: 400, bytes: /^zz/ });
});

t.test("clients that go before their answer is complete, and how", async (t) => {
  const server = await startApp(t, SOURCE, { writeTimeoutMs: 300 });
  const waiting = async (path: string, how: "end" | "reset" | "stall"): Promise<number> => {
    const client = await server.connect();
    const port = client.socket.localPort!;
    const before = server.server.stats().listeners[0]!.requests;
    if (how === "stall") client.pause();
    client.write(get(path));
    await until("its request", () => server.server.stats().listeners[0]!.requests > before);
    await told(server, 0); // its handler has run when a later request is answered
    if (how === "end") client.end();
    if (how === "reset") client.reset();
    return port;
  };
  const cases = [
    ["/wait", "end", "fin"], ["/wait-request", "reset", "reset"], ["/stream", "reset", "reset"],
    ["/flood", "stall", "timeout"],
  ] as const;
  for (const [index, [path, act, how]] of cases.entries()) {
    const port = await waiting(path, act);
    const all = await told(server, index + 1);
    const url = `${server.url}${path}`.replace(/\/\/[^/]+/, "//a.test");
    t.match(all.at(-1), { kind: "vanished", how, url, remote: { address: "127.0.0.1", port } });
  }
});

t.test("nobody is told of ends that are no loss, or the server's own doing", async (t) => {
  const server = await startApp(t, SOURCE, { handlerTimeoutMs: 1000, idleTimeoutMs: 1000 });
  const [done, aborted, late, idle] = await Promise.all(
    Array.from({ length: 4 }, () => server.connect()),
  );
  t.equal((await done!.request(get("/ok"))).body, "ok");
  done!.reset();
  aborted!.write(get("/abort"));
  await aborted!.readToEnd();
  t.equal((await late!.request(get("/wait"))).status, 503);
  t.equal(await idle!.readToEnd(), "");
  t.strictSame(await told(server, 0), []);
});

t.test("a hook that throws or rejects changes nothing", async (t) => {
  const server = await startApp(t, SOURCE);
  for (const word of ["throw", "reject"]) {
    const client = await server.connect();
    client.write(`GET /${word} HTTP/1.1\r\n\r\n`);
    t.equal((await client.response()).status, 400);
  }
  t.equal((await told(server, 2)).length, 2);
});

t.test("bytes are shown so that no terminal and no log takes them for its own", async (t) => {
  t.equal(escapeBytes("a\\b\r\n\0\x1b[31m\x7f\xe9~"), "a\\\\b\\r\\n\\x00\\x1b[31m\\x7f\\xe9~");
});
