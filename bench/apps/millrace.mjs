/** The benchmark's app for Millrace: plain fetch-style handlers, nothing tuned. */
import { chunks, count, pieces } from "./chunks.mjs";
import { document16 } from "./document.mjs";

export default {
  routes: {
    "/": () => new Response("Hello, World!"),
    "/json": () => Response.json({ message: "Hello, World!" }),
    "/users/:id": (request) => new Response(request.params.id),
    "/echo": { POST: async (request) => Response.json(await request.json()) },
    "/async": async () => {
      await Promise.resolve();
      return new Response("Hello, World!");
    },
    "/stream": () => new Response(chunks()),
    "/upload": async (request) => new Response(await count(request.body)),
    "/download": () => new Response(pieces()),
    "/compressed": () => new Response(document16, {
      headers: { "content-type": "application/json" },
    }),
    "/constant": new Response("Hello, World!"),
  },
};
