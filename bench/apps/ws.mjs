/** The benchmark's app for the package ws on node:http, as its documentation has it. */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => response.end("Hello, World!"));
const echo = new WebSocketServer({ noServer: true });
const broadcast = new WebSocketServer({ noServer: true });

echo.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
broadcast.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    for (const each of broadcast.clients) {
      if (each.readyState === each.OPEN) each.send(data, { binary: isBinary });
    }
  });
});
server.on("upgrade", (request, socket, head) => {
  const target = request.url === "/ws-broadcast" ? broadcast : echo;
  target.handleUpgrade(request, socket, head, (webSocket) => {
    target.emit("connection", webSocket, request);
  });
});
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
