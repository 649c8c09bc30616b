/** The benchmark's app for Bun: the same handlers as apps/millrace.mjs. */
import { chunks } from "./chunks.mjs";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  development: false,
  idleTimeout: 75,
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
    "/constant": new Response("Hello, World!"),
  },
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (server.upgrade(request, { data: { pathname } })) return undefined;
    return new Response("not found", { status: 404 });
  },
  websocket: {
    open(socket) {
      if (socket.data.pathname === "/ws-broadcast") socket.subscribe("all");
    },
    message(socket, message) {
      if (socket.data.pathname === "/ws-broadcast") server.publish("all", message);
      else socket.send(message);
    },
  },
});
