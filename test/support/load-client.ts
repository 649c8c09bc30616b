/**
 * The load client where there is no wrk: `load-client <url> <connections>` keeps that many raw
 * connections busy, one request at a time on each, until SIGINT, and reports as wrk does.
 */
import { connect } from "node:net";

const url = new URL(process.argv[2]!);
const request = `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
const ANSWER = /^HTTP\/1\.1 (\d)\d\d [^]*?\r\ncontent-length: (\d+)\r\n[^]*?\r\n\r\n/i;
let requests = 0;
let broken = 0;
let refused = 0;
let isOver = false;

function run(): void {
  const socket = connect(Number(url.port), url.hostname);
  let received = "";
  socket.setNoDelay(true);
  socket.on("connect", () => socket.write(request));
  socket.on("data", (data: Buffer) => {
    received += data.toString("latin1");
    const head = ANSWER.exec(received);
    if (head === null || received.length < head[0].length + Number(head[2])) return;
    received = "";
    requests++;
    if (head[1] !== "2") refused++;
    if (isOver) socket.destroy();
    else socket.write(request);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    if (isOver) return;
    broken++;
    run();
  });
}

for (let i = 0; i < Number(process.argv[3]); i++) run();

process.on("SIGINT", () => {
  isOver = true;
  process.stdout.write(`  ${requests} requests in 1s\n`);
  process.stdout.write(`  Socket errors: connect 0, read ${broken}, write 0, timeout 0\n`);
  process.stdout.write(`  Non-2xx or 3xx responses: ${refused}\n`, () => process.exit(0));
});
