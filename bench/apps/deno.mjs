/**
 * The benchmark's app for Deno. Deno.serve has no router: the path is cut out of the URL by hand,
 * the cheapest way there is.
 */
import { chunks } from "./chunks.mjs";

function pathOf(url) {
  const start = url.indexOf("/", "http://".length);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

async function afterAwait() {
  await Promise.resolve();
  return new Response("Hello, World!");
}

async function echo(request) {
  return Response.json(await request.json());
}

function handle(request) {
  const path = pathOf(request.url);
  if (path.startsWith("/users/")) return new Response(path.slice("/users/".length));
  switch (path) {
    case "/":
      return new Response("Hello, World!");
    case "/json":
      return Response.json({ message: "Hello, World!" });
    case "/echo":
      return echo(request);
    case "/async":
      return afterAwait();
    case "/stream":
      return new Response(ReadableStream.from(chunks()));
    default:
      return new Response("not found", { status: 404 });
  }
}

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen() {} }, handle);
