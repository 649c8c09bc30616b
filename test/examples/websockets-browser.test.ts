/** WebSockets of a real browser, and of Node.js where it has one. */
import t from "tap";
import { openPage, skipBrowserless } from "../support/browser.ts";
import { startApp } from "../support/server.ts";

const APP = `export default {
  fetch(request, context) {
    if (context.upgrade(request, { data: new URL(request.url).pathname })) return;
    return new Response("<!doctype html><title>a page</title>", {
      headers: { "Content-Type": "text/html" },
    });
  },
  websocket: {
    perMessageDeflate: true,
    open(socket) { socket.send("open " + socket.data, true); },
    message(socket, message) {
      if (message === "close me") socket.close(4001, "as you like");
      else socket.send(message, true);
    },
  },
};`;

/** Runs in the browser, and here: what a socket was told, as text. */
const VISIT = `(url) => new Promise((resolve) => {
  const told = [];
  const socket = new WebSocket(url, ["chat", "other"]);
  socket.binaryType = "arraybuffer";
  const long = "long and longer ".repeat(20000);
  socket.onopen = () => {
    told.push("protocol " + socket.protocol, socket.extensions.split(";")[0]);
    socket.send("héllo €😀");
    socket.send(new Uint8Array([1, 2, 3]));
    socket.send(long);
    socket.send("close me");
  };
  socket.onmessage = ({ data }) => {
    if (data === long) told.push("all of the long one");
    else told.push(typeof data === "string" ? data : "bytes " + new Uint8Array(data).join(" "));
  };
  socket.onerror = () => told.push("error");
  socket.onclose = ({ code, reason, wasClean }) => {
    told.push("close " + code + " " + reason + " " + wasClean);
    resolve(told);
  };
})`;

const TOLD = [
  "protocol chat", "permessage-deflate", "open /path", "héllo €😀", "bytes 1 2 3",
  "all of the long one", "close 4001 as you like true",
];

t.test("a browser's WebSocket", skipBrowserless, async (t) => {
  const { url, server } = await startApp(t, APP);
  const page = await openPage(t);
  await page.goto(url);
  const told = await page.evaluate(`(${VISIT})("${url.replace("http", "ws")}/path")`);
  t.strictSame(told, TOLD);
  const going = page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket("${url.replace("http", "ws")}/");
    socket.onmessage = () => (document.title = "open");
    socket.onclose = ({ code, wasClean }) => resolve([code, wasClean]);
  })`);
  await page.waitForFunction(`document.title === "open"`);
  await server.stopListener(server.listeners[0]!.id);
  t.strictSame(await going, [1001, true], "when the listener stops");
});

const hasWebSocket = typeof globalThis.WebSocket === "function";
const skip = !hasWebSocket && "this Node.js has no WebSocket";

t.test("the WebSocket of Node.js", { skip }, async (t) => {
  const { url } = await startApp(t, APP);
  // oxlint-disable-next-line typescript/no-implied-eval -- the same text as in the browser
  const visit = new Function(`return ${VISIT}`)() as (url: string) => Promise<string[]>;
  t.strictSame(await visit(`${url.replace("http", "ws")}/path`), TOLD);
});
