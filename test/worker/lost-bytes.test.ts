/** Tests of bodies whose bytes an app gives away before they are sent, and of odd iterators. */
import t from "tap";
import type { App } from "../../src/shared/app.ts";
import { createFetch } from "../../src/create-fetch.ts";
import { startApp } from "../support/server.ts";

/** The same app in a server and for `createFetch`. */
const APP = `
  const headers = { "content-type": "text/plain" };
  const give = (bytes) => void structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  const lost = (bytes) => {
    const response = new Response(bytes, { headers });
    give(bytes);
    return response;
  };
  const shrunk = (make) => {
    const buffer = new ArrayBuffer(200_000, { maxByteLength: 200_000 });
    const response = new Response(make(buffer), { headers });
    buffer.resize(10);
    return response;
  };
  const iterable = (next) => ({ [Symbol.asyncIterator]: () => ({ next }) });
  const odd = (next) => new Response(iterable(next), { headers });
  async function* yielding(...chunks) {
    for (const chunk of chunks) yield chunk;
  }
  export default {
    routes: {
      "/-/lives": () => "since " + performance.timeOrigin,
      "/small": () => lost(new Uint8Array(100)),
      "/long": () => lost(new Uint8Array(1_000_000)),
      "/later": async () => lost(new Uint8Array(5_000)),
      "/buffer": () => {
        const { buffer } = new Uint8Array(100);
        const response = new Response(buffer, { headers });
        structuredClone(buffer, { transfer: [buffer] });
        return response;
      },
      "/shrunk": () => shrunk((buffer) => new Uint8Array(buffer, 0, 200_000)),
      "/chunk": () => {
        const bytes = new Uint8Array(100);
        give(bytes);
        return new Response(yielding(bytes), { headers });
      },
      "/done": () => odd(async () => ({ get done() { throw new Error("done"); } })),
      "/value": () => odd(async () => ({ done: false, get value() { throw new Error("value"); } })),
      "/null": () => odd(async () => null),
      "/thrown-nothing": () => odd(async () => ({ get done() { throw undefined; } })),
    },
    fetch: (request) => {
      const size = Number(new URL(request.url).searchParams.get("size"));
      const bytes = new Uint8Array(size);
      setImmediate(give, bytes);
      return new Response(yielding(bytes, "the end"), { headers });
    },
  };`;
const PATHS = [
  "/small", "/long", "/later", "/buffer", "/shrunk", "/chunk", "/done", "/value", "/null",
  "/thrown-nothing",
];

for (const compression of [false, true]) {
  const how = compression ? ", compressed" : "";
  const headers = compression ? { "accept-encoding": "gzip" } : {};
  const field = compression ? "Accept-Encoding: gzip\r\n" : "";
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${field}\r\n`;

  t.test(`what is gone before it is sent is a 500, and the worker lives${how}`, async (t) => {
    const { url, connect } = await startApp(t, APP, { workers: 1, compression });
    const lives = await (await fetch(`${url}/-/lives`)).text();
    for (const path of PATHS) {
      const answer = await fetch(url + path, { headers });
      t.match([answer.status, await answer.text()], [500, "Internal Server Error"], path);
    }
    const client = await connect();
    client.write(PATHS.map(ask).join("") + ask("/-/lives"));
    for (const path of PATHS) t.equal((await client.response()).status, 500, `${path} in turn`);
    t.equal((await client.response()).body, lives, "it is the same worker");
  });

}

t.test("a chunk that goes while it is sent cuts the answer", async (t) => {
  const { url, connect } = await startApp(t, APP, { workers: 1 });
  const client = await connect();
  client.socket.pause();
  client.write("GET /sent?size=30000000 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.equal((await fetch(`${url}/-/lives`)).status, 200, "it has been given away meanwhile");
  client.socket.resume();
  t.notMatch(await client.readToEnd(), /0\r\n\r\n$/);
});

t.test("one that goes while it is compressed is sent whole", async (t) => {
  const { url } = await startApp(t, APP, { workers: 1, compression: true });
  const headers = { "accept-encoding": "gzip" };
  const answer = await fetch(`${url}/sent?size=3000000`, { headers });
  const whole = await answer.text();
  t.equal(answer.headers.get("content-encoding"), "gzip");
  t.equal(whole, `${"\0".repeat(3_000_000)}the end`);
});

t.test("the same without a server", async (t) => {
  const module = `data:text/javascript,${encodeURIComponent(APP)}`;
  const app = (await import(module) as { default: App }).default;
  const call = await createFetch(app, { logLevel: "silent" });
  for (const path of PATHS) {
    const answer = await call(new Request(`http://a.test${path}`));
    t.match([answer.status, await answer.text()], [500, "Internal Server Error"], path);
  }
});
