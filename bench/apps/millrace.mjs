/** The benchmark's app for Millrace: plain fetch-style handlers, nothing tuned. */
import { chunks, count, pieces } from "./chunks.mjs";
import { document16 } from "./document.mjs";
import { files } from "../../dist/src/handlers/files.js";
import { FILES_ROOT } from "../lib/served-files.mjs";

/** Owns its sockets until they close. */
const rawEcho = {
  start(socket) {
    socket.on("data", (chunk) => socket.write(chunk));
    return new Promise((resolve) => socket.once("close", resolve));
  },
};

const upgrade = (data) => (request, context) => {
  if (context.upgrade(request, { data })) return undefined;
  return new Response("no WebSocket", { status: 400 });
};

let server;

export default {
  init(worker) {
    ({ server } = worker);
  },
  websocket: {
    open(socket) {
      if (socket.data.isBroadcast) socket.subscribe("all");
    },
    message(socket, message) {
      if (socket.data.isBroadcast) server.publish("all", message);
      else socket.send(message);
    },
  },
  routes: {
    "/raw": (request, context) => context.upgrade(rawEcho),
    "/ws-echo": upgrade({ isBroadcast: false }),
    "/ws-broadcast": upgrade({ isBroadcast: true }),
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
    "/files/*": files(FILES_ROOT),
    "/constant": new Response("Hello, World!"),
  },
};
