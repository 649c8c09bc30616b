/** Which answers are compressed, what they say of it, and how they leave. */
import zlib from "node:zlib";
import t from "tap";
import { until } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { RawResponse } from "../support/raw-response.ts";
import { startApp } from "../support/server.ts";

const APP = `
  import { Readable } from "node:stream";
  const log = [];
  const text = "some text, again and again; ".repeat(100);
  const large = text.repeat(200);
  const html = (headers, init) => new Response(text, {
    ...init, headers: { "content-type": "text/html", ...headers },
  });
  const gate = {};
  gate.opened = new Promise((resolve) => (gate.open = resolve));
  const type = { headers: { "content-type": "text/event-stream" } };
  async function* events() {
    try {
      yield "data: one\\n\\n";
      await gate.opened;
      yield "data: two\\n\\n";
    } finally {
      log.push("ended");
    }
  }
  export default {
    routes: {
      "/text": () => new Response(text),
      "/json": () => Response.json({ text }),
      "/large": () => new Response(large),
      "/blob": () => new Response(new Blob([large], { type: "text/plain" })),
      "/stream": () => new Response((async function* () { yield text; yield text; })(), type),
      "/constant": new Response(text),
      "/short-constant": new Response("short"),
      "/short": () => new Response("s".repeat(1023)),
      "/threshold": () => new Response("s".repeat(1024)),
      "/bytes": () => new Response(new Uint8Array(5000)),
      "/image": () => new Response(new Uint8Array(5000), {
        headers: { "content-type": "image/png" },
      }),
      "/random": () => new Response(crypto.getRandomValues(new Uint8Array(2000)), {
        headers: { "content-type": "text/plain" },
      }),
      "/strong": () => html({ etag: '"v1"', "accept-ranges": "bytes" }),
      "/weak": () => html({ etag: 'W/"v1"' }),
      "/vary": () => html({ vary: "Origin" }),
      "/vary-all": () => html({ vary: "*" }),
      "/encoded": () => html({ "content-encoding": "x-own" }),
      "/no-transform": () => html({ "cache-control": "public, no-transform" }),
      "/cached": () => html({ "cache-control": "public" }),
      "/partial": () => html({ "content-range": "bytes 0-2799/9000" }, { status: 206 }),
      "/304": () => new Response(null, { status: 304, headers: { etag: '"v1"' } }),
      "/declared": () => html({ "content-length": String(text.length) }),
      "/trailers": (request, context) => {
        context.addTrailers({ "x-sum": "1" });
        return new Response(text);
      },
      "/events": () => new Response(events(), type),
      "/silent": () => new Response(new Readable({
        read() {}, destroy(error, done) { log.push("destroyed"); done(error); },
      }), type),
      "/open": () => { gate.open(); return new Response("open"); },
      "/log": () => Response.json(log.splice(0)),
    },
  };
`;
const text = "some text, again and again; ".repeat(100);
const ask = (path: string, accepted: string | null, rest = "GET 1.1"): string => {
  const [method, version] = rest.split(" ");
  const field = accepted === null ? "" : `Accept-Encoding: ${accepted}\r\n`;
  return `${method} ${path} HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n${field}\r\n`;
};

function plain({ bodyBytes, header }: RawResponse): string {
  const coding = header("content-encoding");
  if (coding === "gzip") return zlib.gunzipSync(bodyBytes).toString();
  if (coding === "br") return zlib.brotliDecompressSync(bodyBytes).toString();
  return bodyBytes.toString();
}

t.test("what is compressed, and what it says", async (t) => {
  const server = await startApp(t, APP, { compression: true });
  const client = await server.connect();
  const bodies: Record<string, string> = {
    "/json": JSON.stringify({ text }), "/large": text.repeat(200), "/blob": text.repeat(200),
    "/stream": text + text, "/threshold": "s".repeat(1024),
  };
  for (const path of ["/text", "/json", "/large", "/blob", "/stream", "/constant", "/constant",
    "/threshold", "/declared"]) {
    for (const coding of ["gzip", "br"]) {
      const answer = await client.request(ask(path, coding));
      t.equal(plain(answer), bodies[path] ?? text, path);
      t.equal(answer.header("content-encoding"), coding, path);
      t.equal(answer.header("vary"), "Accept-Encoding", path);
      const isStream = ["/large", "/blob", "/stream"].includes(path);
      const length = isStream ? undefined : `${answer.bodyBytes.length}`;
      t.equal(answer.header("content-length"), length, path);
      const head = await client.request(ask(path, coding, "HEAD 1.1"));
      for (const name of ["content-type", "content-encoding", "vary"]) {
        t.equal(head.header(name), answer.header(name), `${path} ${name}`);
      }
      t.equal(head.header("content-length"), length, `${path} length`);
    }
    const identity = await client.request(ask(path, null));
    t.equal(identity.body, bodies[path] ?? text);
    t.equal(identity.header("content-encoding"), undefined);
    t.equal(identity.header("vary"), "Accept-Encoding", path);
  }
  const old = await server.connect();
  old.write(ask("/large", "gzip", "GET 1.0"));
  t.equal(plain(await old.response()), text.repeat(200), "to HTTP/1.0, until the end");
  const trailers = await client.request(ask("/trailers", "gzip"));
  t.strictSame([plain(trailers), trailers.trailers], [text, [["x-sum", "1"]]]);
  t.equal(client.pending, "");
});

t.test("what stays as it is", async (t) => {
  const client = await (await startApp(t, APP, { compression: true })).connect();
  const paths = ["/short", "/short-constant", "/bytes", "/image", "/encoded", "/no-transform",
    "/partial", "/304"];
  for (const path of paths) {
    const answer = await client.request(ask(path, "gzip, br"));
    const own = path === "/encoded" ? "x-own" : undefined;
    t.equal(answer.header("content-encoding"), own, path);
    t.equal(answer.header("vary"), undefined, `${path}: nothing was to be chosen`);
  }
  const random = await client.request(ask("/random", "gzip"));
  t.equal(random.header("content-encoding"), undefined, "what would only get longer");
  t.equal(random.header("vary"), "Accept-Encoding");
  const head = await client.request(ask("/random", "gzip", "HEAD 1.1"));
  for (const name of ["content-encoding", "content-length", "vary", "content-type"]) {
    t.equal(head.header(name), random.header(name), `HEAD: ${name}`);
  }
});

t.test("a listener's default Cache-Control: no-transform", async (t) => {
  const headers = { "cache-control": "No-Transform" };
  const client = await (await startApp(t, APP, { compression: true, headers })).connect();
  for (const path of ["/text", "/large", "/stream", "/constant"]) {
    const answer = await client.request(ask(path, "gzip"));
    t.equal(answer.header("content-encoding"), undefined, path);
    t.equal(answer.header("cache-control"), "No-Transform");
    t.equal(answer.header("vary"), undefined);
  }
  const own = await client.request(ask("/cached", "gzip"));
  t.equal(own.header("content-encoding"), "gzip", "what the handler says overrides it");
});

t.test("the client's choice", async (t) => {
  const client = await (await startApp(t, APP, {
    compression: { encodings: ["br", "gzip"] },
  })).connect();
  const choices: Record<string, string | undefined> = {
    "gzip, br": "br", "gzip;q=1, br;q=0.5": "gzip", "gzip;q=0.5": "gzip", "*": "br",
    "br;q=0, *": "gzip", "gzip;q=0": undefined, "identity;q=0, gzip": "gzip", deflate: undefined,
    "identity, gzip;q=0.9": undefined, "GZIP": "gzip", "gzip;q=x": undefined,
    "identity;q=0": undefined, "identity;q=0.5, gzip;q=0.6": "gzip",
  };
  for (const [accepted, coding] of Object.entries(choices)) {
    const answer = await client.request(ask("/text", accepted));
    t.equal(answer.header("content-encoding"), coding, accepted);
    t.equal(plain(answer), text, accepted);
  }
});

t.test("entity tags and Vary", async (t) => {
  const client = await (await startApp(t, APP, {
    compression: true, headers: { Vary: "Cookie" },
  })).connect();
  const strong = await client.request(ask("/strong", "gzip"));
  t.equal(strong.header("etag"), 'W/"v1"');
  t.equal(strong.header("accept-ranges"), undefined);
  t.equal(strong.header("vary"), "Cookie, Accept-Encoding", "the default one is kept");
  t.equal((await client.request(ask("/strong", null))).header("etag"), '"v1"');
  t.equal((await client.request(ask("/weak", "gzip"))).header("etag"), 'W/"v1"');
  t.equal((await client.request(ask("/vary", "gzip"))).header("vary"), "Origin, Accept-Encoding");
  t.equal((await client.request(ask("/vary-all", "gzip"))).header("vary"), "*");
});

t.test("types, threshold and listeners", async (t) => {
  const { server } = await startApp(t, APP, {
    compression: { types: ["application/json"], thresholdBytes: 10_000 },
    listeners: [
      { host: "127.0.0.1", port: 0, compression: { types: ["image/*"], encodings: ["gzip"] } },
      { host: "127.0.0.1", port: 0 },
      { host: "127.0.0.1", port: 0, compression: false },
    ],
  });
  const coding = async (at: number, path: string): Promise<string | null> => {
    const { headers } = await fetch(new URL(path, server.listeners[at]!.url));
    return headers.get("content-encoding");
  };
  t.strictSame([await coding(0, "/image"), await coding(0, "/text")], ["gzip", null]);
  t.strictSame([await coding(1, "/json"), await coding(1, "/text")], [null, null]);
  t.strictSame([await coding(2, "/json"), await coding(2, "/constant")], [null, null]);
});

/** The decoded text of what has come so far. */
function soFar(client: RawClient): string {
  const [, ...rest] = client.pending.split("\r\n\r\n");
  let raw = rest.join("\r\n\r\n");
  const parts: Buffer[] = [];
  for (;;) {
    const line = raw.indexOf("\r\n");
    const size = Number.parseInt(raw.slice(0, line), 16);
    if (line < 0 || !(size > 0) || raw.length < line + 2 + size) break;
    parts.push(Buffer.from(raw.slice(line + 2, line + 2 + size), "latin1"));
    raw = raw.slice(line + 4 + size);
  }
  return zlib.gunzipSync(Buffer.concat(parts), { finishFlush: 2 }).toString();
}

t.test("events are not held back, and a client that goes ends its source", async (t) => {
  const server = await startApp(t, APP, { compression: true });
  const logged = async (wanted: string): Promise<void> => {
    const all: string[] = [];
    await until(wanted, async () => {
      all.push(...await (await fetch(`${server.url}/log`)).json() as string[]);
      return all.includes(wanted);
    });
  };
  const client = await server.connect();
  client.write(ask("/events", "gzip"));
  await until("the first event", () => (
    client.pending.includes("\r\n\r\n") && soFar(client) === "data: one\n\n"
  ));
  await fetch(`${server.url}/open`);
  t.equal(plain(await client.response()), "data: one\n\ndata: two\n\n");
  await logged("ended");
  for (const accepted of ["gzip", null]) {
    const silent = await server.connect();
    silent.write(ask("/silent", accepted));
    await silent.readUntil("\r\n\r\n");
    silent.reset();
    await logged("destroyed");
  }
});
