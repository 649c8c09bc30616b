// A chat: everybody hears everybody, whichever worker has their connection.
//
//   npx millrace examples/chat/app.mjs --workers 2
//   and open http://127.0.0.1:3000/ in two tabs
//
// With REDIS_URL=redis://127.0.0.1:6379 several servers are one chat; it takes the package ioredis.

import { readFileSync } from "node:fs";

const { REDIS_URL } = process.env;
const NAME_MAX = 40;
const TEXT_MAX = 1000;
const TOPIC = "chat";

const page = readFileSync(new URL("page.html", import.meta.url), "utf8");
let worker;

const says = ({ data }, text) => JSON.stringify({ name: data.name, worker: worker.id, text });

export default {
  routes: {
    "/": new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }),
    "/chat": (request, context) => {
      const { searchParams } = new URL(request.url);
      const name = (searchParams.get("name") ?? "").slice(0, NAME_MAX) || "somebody";
      if (context.upgrade(request, { data: { name } })) return undefined;
      const headers = { upgrade: "websocket" };
      return new Response("This speaks WebSocket", { status: 426, headers });
    },
  },
  websocket: {
    publishToSelf: true, // so that all see the messages in one order
    maxPayloadLength: 16 * 1024,
    open(socket) {
      socket.subscribe(TOPIC);
      socket.publish(TOPIC, says(socket, "has come"));
    },
    message(socket, message) {
      socket.publish(TOPIC, says(socket, String(message).slice(0, TEXT_MAX)));
    },
    close(socket) {
      worker.server.publish(TOPIC, says(socket, "has gone")); // it is closed: others say it
    },
  },
  ...(REDIS_URL && { broker: (await import("millrace/redis")).redisBroker(REDIS_URL) }),
  init(info) {
    worker = info;
  },
};
