/** The wrapped fetch, against a real server. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { installGlobals, removeGlobals } from "../../src/worker/globals.ts";
import { headerLines } from "../../src/worker/headers.ts";
import { LightRequest } from "../../src/worker/request.ts";
import { LightResponse, toParts } from "../../src/worker/response.ts";
import { StandardRequest, StandardResponse } from "../../src/worker/standard.ts";
import { type Received, received } from "../support/received.ts";

/** A server that says what it got. */
const server: Server = createServer((request, response) => void serve(request, response));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const { method, url, headers } = request;
  const text = JSON.stringify({ method, url, headers, body });
  if (url === "/gzip") answer("gzip", gzipSync(text));
  else if (url === "/br") answer("br", brotliCompressSync(text));
  else if (url === "/odd") answer("odd", Buffer.from(text));
  else if (url === "/stall") return;
  else response.setHeader("Keep-Alive", "timeout=5").setHeader("X-Seen", "1").end(text);

  function answer(coding: string, bytes: Buffer): void {
    response.writeHead(200, { "content-encoding": coding, "content-length": bytes.byteLength });
    response.end(bytes);
  }
}

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
const base = `http://127.0.0.1:${port}`;
installGlobals();
t.teardown(() => {
  removeGlobals();
  server.close();
  server.closeAllConnections();
});

interface Echo {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const CLIENT: Received = {
  method: "POST",
  url: "http://front.test/in?q",
  body: "the body",
  headers: [
    ["Host", "front.test"],
    ["Connection", "keep-alive, X-Hop"],
    ["Keep-Alive", "timeout=1"],
    ["X-Hop", "1"],
    ["Content-Length", "8"],
    ["Expect", "100-continue"],
    ["TE", "trailers"],
    ["Accept-Encoding", "gzip, br;q=0.5, odd, identity"],
    ["X-Client", "yes"],
    ["Cookie", "a=1"],
    ["Cookie", "b=2"],
  ],
};

function checkProxied(t: Test, echo: Echo, path = "/up"): void {
  t.match(echo, { method: "POST", url: path, body: "the body" });
  const { headers } = echo;
  t.match(headers, { host: `127.0.0.1:${port}`, "x-client": "yes", cookie: "a=1; b=2" });
  for (const name of ["x-hop", "keep-alive", "expect", "te"]) t.notOk(name in headers, name);
  t.match(headers["accept-encoding"], /^gzip, br;q=0\.5, identity$/);
}

t.test("a client's request goes upstream, in each way that apps write it", async (t) => {
  const up = `${base}/up`;
  const ways: Record<string, (request: Request) => Promise<Response>> = {
    "fetch(url, request)": (r) => fetch(up, r),
    "fetch(new Request(url, request))": (r) => fetch(new Request(up, r)),
    "fetch(clone)": (r) => fetch(new Request(up, r).clone()),
    "fetch of parts": ({ method, headers, body }) =>
      // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- the method is any of them
      fetch(up, { method, headers, body, duplex: "half" }),
    "fetch of copied headers": ({ method, headers, body }) =>
      // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- the method is any of them
      fetch(up, { method, headers: new Headers(headers), body, duplex: "half" }),
    "fetch(request, init)": (r) => fetch(new Request(up, r), { redirect: "manual" }),
  };
  for (const [name, way] of Object.entries(ways)) {
    const request = received(CLIENT);
    const response = await way(request);
    t.comment(name);
    checkProxied(t, (await response.json()) as Echo);
    t.ok(request.bodyUsed, "the body was taken");
    t.equal(request.headers.get("host"), "front.test", "the request itself stays as it is");
    t.equal(request.headers.get("expect"), "100-continue");
  }
});

t.test("the declared length goes along with the body, and only with it", async (t) => {
  const whole = (await (await fetch(base, received(CLIENT))).json()) as Echo;
  t.equal(whole.headers["content-length"], "8");
  const request = received(CLIENT);
  const { method, headers } = request;
  const other = (await (await fetch(base, { method, headers, body: "new" })).json()) as Echo;
  t.match(other, { body: "new", headers: { "content-length": "3" } });
});

t.test("fetch(request) sends it to where it says", async (t) => {
  const response = await fetch(received({ ...CLIENT, url: `${base}/up` }));
  checkProxied(t, (await response.json()) as Echo);
  const made = new LightRequest(`${base}/made`, { method: "PUT", body: "x" });
  const echo = (await (await fetch(made)).json()) as Echo;
  t.match(echo, { method: "PUT", url: "/made", body: "x" });
  t.ok(made.bodyUsed);
});

t.test("only codings are asked for that the runtime decodes", async (t) => {
  const request = received({ headers: [["Accept-Encoding", "odd"]] });
  const echo = (await (await fetch(base, request)).json()) as Echo;
  t.equal(echo.headers["accept-encoding"], "identity");
});

t.test("what is not light goes through untouched", async (t) => {
  t.equal((await fetch(`${base}/plain`)).status, 200);
  t.equal((await fetch(new URL(base), { method: "POST", body: "a" })).status, 200);
  t.equal((await fetch(new StandardRequest(base))).status, 200);
  t.equal((await fetch(base, { headers: new Headers({ a: "1" }) })).status, 200);
  await t.rejects(fetch("http://"), TypeError);
  await t.rejects((fetch as () => Promise<unknown>)(), TypeError);
  const used = received(CLIENT);
  await used.text();
  await t.rejects(fetch(used as never), TypeError);
});

t.test("a client that goes away ends the fetch made with its request", async (t) => {
  const controller = new AbortController();
  const request = received({ signal: controller.signal });
  const answer = fetch(`${base}/stall`, request);
  setTimeout(() => controller.abort(), 20);
  await t.rejects(answer, { name: "AbortError" });
});

t.test("answers are instances, and go to the client as they are", async (t) => {
  const response = await fetch(`${base}/x`);
  t.ok(response instanceof Response);
  t.ok(response instanceof StandardResponse);
  t.ok(response.headers instanceof Headers);
  const parts = toParts(response)!;
  t.equal(parts.status, 200);
  t.ok(parts.body instanceof ReadableStream);
  t.match(headerLines(parts.headers!), /^x-seen: 1\r\n/m);
  t.notOk(parts.headers!.has("keep-alive"));
  t.notOk(parts.headers!.has("connection"));
  t.ok(parts.headers!.has("content-length"), "not decoded: it is right");
});

t.test("of a decoded answer the fields of the coding do not reach the client", async (t) => {
  for (const path of ["/gzip", "/br"]) {
    const answer = await fetch(base + path);
    t.ok(answer.headers.has("content-encoding"), "the answer itself stays as it is");
    const ways: Record<string, Response> = {
      itself: answer.clone(),
      "with its body": new Response(answer.clone().body, answer),
      "with its headers": new Response("text", { headers: answer.headers }),
      "with its text": new Response(await answer.clone().text(), answer),
      "its body": new Response((await fetch(base + path)).body, {
        headers: { "Content-Encoding": "gzip", a: "1" },
      }),
    };
    for (const [name, response] of Object.entries(ways)) {
      const { headers, body } = toParts(response)!;
      t.notOk(headers!.has("content-encoding"), `${path} ${name}`);
      t.notOk(headers!.has("content-length"), `${path} ${name}`);
      if (name === "itself") t.match(await new LightResponse(body).json(), { url: path });
    }
  }
  const odd = toParts(await fetch(`${base}/odd`))!;
  t.equal(odd.headers!.get("content-encoding"), "odd", "the runtime has not decoded it");
  t.ok(odd.headers!.has("content-length"));
  const head = toParts(await fetch(`${base}/gzip`, { method: "HEAD" }))!;
  t.equal(head.headers!.get("content-encoding"), "gzip");
  t.ok(head.headers!.has("content-length"));
});
