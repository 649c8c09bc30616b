/**
 * The benchmark's app for node:net in a worker thread: the first bytes are answered with 101,
 * whatever they ask for, and what comes after them goes back.
 */
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";

function serve(port) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.write(SWITCH);
      socket.on("data", (chunk) => socket.write(chunk));
    });
  });
  server.listen({ host: "127.0.0.1", port, backlog: 4096 });
}

function startWorker(port) {
  return new Worker(fileURLToPath(import.meta.url), { workerData: port });
}

if (isMainThread) startWorker(Number(process.argv[2]));
else serve(workerData);
