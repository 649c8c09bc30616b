/** The benchmark's app for node:http, written as one would without a framework. */
import { once } from "node:events";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { chunks, count, pieces } from "./chunks.mjs";
import { document16 } from "./document.mjs";

const KEEP_ALIVE_TIMEOUT_MS = 75_000; // by default idle connections are closed after 5 s

function send(response, type, body) {
  response.writeHead(200, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

async function echo(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const document = JSON.parse(Buffer.concat(parts).toString());
  send(response, "application/json", JSON.stringify(document));
}

async function afterAwait(response) {
  await Promise.resolve();
  send(response, "text/plain", "Hello, World!");
}

/** Done at once, as Millrace does it at this size. */
function compressed(request, response) {
  if (!/\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) {
    send(response, "application/json", document16);
    return;
  }
  const body = gzipSync(document16);
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Encoding": "gzip",
    "Vary": "Accept-Encoding",
    "Content-Length": body.length,
  });
  response.end(body);
}

async function stream(response, source) {
  response.writeHead(200, { "Content-Type": "application/octet-stream" });
  for await (const chunk of source) {
    if (!response.write(chunk)) await once(response, "drain");
  }
  response.end();
}

function handle(request, response) {
  const { url } = request;
  if (url.startsWith("/users/")) {
    send(response, "text/plain", url.slice("/users/".length));
    return;
  }
  switch (url) {
    case "/":
      send(response, "text/plain", "Hello, World!");
      return;
    case "/json":
      send(response, "application/json", JSON.stringify({ message: "Hello, World!" }));
      return;
    case "/echo":
      echo(request, response).catch(() => response.destroy());
      return;
    case "/async":
      void afterAwait(response);
      return;
    case "/compressed":
      compressed(request, response);
      return;
    case "/stream":
      stream(response, chunks()).catch(() => response.destroy());
      return;
    case "/upload":
      count(request).then((text) => send(response, "text/plain", text), () => response.destroy());
      return;
    case "/download":
      stream(response, pieces()).catch(() => response.destroy());
      return;
    default:
      response.writeHead(404).end();
  }
}

const server = createServer(handle);
server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
