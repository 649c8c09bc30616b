// A protocol of its own behind HTTP: lines that everybody else on the same worker is sent.
//
//   npx millrace examples/line-chat.mjs --workers 1
//   curl -iN -H 'Connection: Upgrade' -H 'Upgrade: line-chat' http://127.0.0.1:3000/chat
//
// That one listens; to write lines, too:
//
//   printf 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: line-chat\r\n\r\n' |
//     cat - /dev/stdin | nc 127.0.0.1 3000

import { createInterface } from "node:readline";

const sockets = new Set();

const chat = {
  async start(socket, { connection, signal }) {
    sockets.add(socket);
    connection.onClose(() => sockets.delete(socket));
    socket.write(`welcome, you are ${connection.id}, with ${sockets.size - 1} others\n`);
    // The listener stops, or the server goes over to a new version of this file.
    signal.addEventListener("abort", () => socket.end("the server goes, good-bye\n"));
    for await (const line of createInterface({ input: socket })) {
      for (const other of sockets) if (other !== socket) other.write(`${connection.id}: ${line}\n`);
    }
  },
  stop(listener) {
    console.log(listener === undefined ? "the chat ends" : `the chat on ${listener} ends`);
  },
};

export default {
  routes: {
    "/chat": (_, context) => context.upgrade(chat, { protocol: "line-chat" }),
  },
  fetch: () => new Response("Upgrade to line-chat at /chat\n"),
};
