/** What is added to a head is bounded with it: nobody may write behind native's buffer. */
import t from "tap";
import type { RawResponse } from "../support/raw-response.ts";
import { startApp } from "../support/server.ts";

const APP = `
  const long = (length) => "v".repeat(length);
  export default {
    websocket: { message() {} },
    routes: {
      "/": () => "fine",
      "/cookie": { POST: async (request) => {
        request.cookies.set("draft", await request.text());
        return "kept";
      } },
      "/cookies/:count": (request) => {
        for (let i = 0; i < Number(request.params.count); i++) {
          request.cookies.set("c" + i, long(1000));
        }
        return "set";
      },
      "/switch": (request, context) => {
        for (let i = 0; i < 200; i++) request.cookies.set("c" + i, long(1000));
        return context.upgrade(request) ? undefined : new Response("no", { status: 400 });
      },
      "/redirect": { POST: async (request, context) => {
        context.reply().redirect("/done?" + encodeURIComponent(await request.text()));
      } },
      "/error": (request, context) => {
        const reply = context.reply();
        reply.headers.set("x-long", long(200_000));
        reply.error(400);
      },
      "/slow": () => new Promise((resolve) => setTimeout(resolve, 100, "slow")),
      "/close": (request, context) => context.reply().close(),
    },
  };`;

t.test("more than a head can hold is a 500, and the next answer is as ever", async (t) => {
  const { url, connect } = await startApp(t, APP);
  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const answer = await fetch(url + path, init);
    await answer.arrayBuffer();
    return answer.status;
  };
  const post = { method: "POST", body: '"'.repeat(56_000) };
  t.equal(await status("/cookie", post), 500, "one cookie");
  t.equal(await status("/cookies/10"), 200);
  t.equal(await status("/cookies/70"), 500, "many cookies");
  t.equal(await status("/cookies/2000"), 500, "more than the arena has");
  t.equal(await status("/redirect", post), 500, "a location");
  t.equal(await status("/error"), 500, "an error's headers");
  t.equal(await status("/"), 200);
  const socket = await connect();
  socket.write(
    "GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  t.match(await socket.readUntil("\r\n\r\n"), /^HTTP\/1\.1 500 /, "a switch");
});

const STREAMS = `
  const notes = [];
  const fill = ({ cookies }) => {
    for (let i = 0; i < 70; i++) cookies.set("c" + i, "v".repeat(1000));
  };
  const type = { headers: { "content-type": "text/plain" } };
  export default {
    routes: {
      "/notes": () => Response.json(notes.splice(0)),
      "/stream": (request) => {
        fill(request);
        return new Response(new ReadableStream({ cancel: () => void notes.push("stream") }), type);
      },
      "/reply": async (request, context) => {
        fill(request);
        const reply = context.reply().header("content-type", "text/plain");
        void reply.write("a");
        notes.push(await reply.flush());
      },
      "/failing": async (request, context) => {
        fill(request);
        const reply = context.reply().header("content-type", "text/plain");
        void reply.write("a");
        void reply.flush();
        throw new Error("behind its head");
      },
    },
  };`;

for (const [kind, options] of [
  ["as they are", {}], ["compressed", { compression: true }],
  ["compressed and shown", { compression: true, debug: true }],
] as const) {
  t.test(`a head that is too long ends a body in pieces: ${kind}`, async (t) => {
    const { connect } = await startApp(t, STREAMS, options);
    const client = await connect();
    const ask = async (path: string): Promise<RawResponse> => await client.request(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`,
    );
    for (const path of ["/stream", "/reply", "/failing"]) {
      t.equal((await ask(path)).status, 500, path);
    }
    t.strictSame(JSON.parse((await ask("/notes")).body), ["stream", false]);
  });
}

t.test("an answer that is a close comes in its turn", async (t) => {
  const { connect } = await startApp(t, APP);
  const socket = await connect();
  socket.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /close HTTP/1.1\r\nHost: a\r\n\r\n");
  const text = await socket.readToEnd();
  t.match(text, /\r\n\r\nslow$/);
});
