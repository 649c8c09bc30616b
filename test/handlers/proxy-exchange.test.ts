/** Tests of the proxy's exchanges with its target: how long they may take, and how they end. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { AnswerBody } from "../../src/handlers/proxy-exchange.ts";
import { until, within } from "../support/deadline.ts";
import { echo, MODULE, proxyTo, targetOf } from "../support/proxy-target.ts";
import { startApp } from "../support/server.ts";

function answerOf(read: (this: Readable) => void): IncomingMessage {
  return new Readable({ read }) as unknown as IncomingMessage;
}

const never = (): never => {
  throw new Error("it has not come whole");
};

t.test("whoever reads may take any time, the target may not", async (t) => {
  const answer = answerOf(() => {});
  const body = new AnswerBody(answer, 50, never);
  for (let i = 0; i < 3; i++) {
    answer.push("piece");
    t.equal(String((await body.next()).value), "piece");
    await sleep(120);
    t.equal(answer.destroyed, false);
  }
  await t.rejects(body.next(), { message: "the target has gone silent" });
  t.equal(answer.destroyed, true);
});

t.test("its end is told, and ends the clock", async (t) => {
  let ends = 0;
  const answer = answerOf(function () {
    this.push(null);
  });
  const body = new AnswerBody(answer, 600_000, () => ends++);
  t.strictSame(await body.next(), { done: true, value: undefined });
  t.equal(ends, 1);
});

t.test("who gives it up, before its beginning too, or never begins, ends the answer", async (t) => {
  const endless = (): IncomingMessage => answerOf(function () {
    this.push("piece");
  });
  const broken = endless();
  for await (const piece of new AnswerBody(broken, 600_000, never)) {
    t.equal(String(piece), "piece");
    break;
  }
  t.equal(broken.destroyed, true);
  const unbegun = endless();
  await new Response(new AnswerBody(unbegun, 600_000, never)).body!.cancel();
  t.equal(unbegun.destroyed, true);
  const forgotten = endless();
  void new AnswerBody(forgotten, 50, never);
  await until("the forgotten one to end", () => forgotten.destroyed);
});

t.test("the clock is the target's: a client that takes its time is not cut", async (t) => {
  const piece = Buffer.alloc(65_536, "a");
  const PIECES = 400;
  const target = await targetOf(t, (request, response) => {
    if (request.method === "POST") {
      echo(request, response);
      return;
    }
    if (request.url === "/silent") {
      response.write("begun");
      return;
    }
    let left = PIECES;
    const fill = (): void => {
      while (left-- > 0) if (!response.write(piece)) return;
      response.end();
    };
    response.on("drain", fill);
    fill();
  });
  const { port, connect } = await proxyTo(t, target.url, { timeoutMs: 400 });
  const reader = createConnection(port, "127.0.0.1");
  t.teardown(() => reader.destroy());
  reader.write("GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await once(reader, "readable");
  await sleep(1500); // all buffers between are full
  let length = 0;
  for await (const bytes of reader) length += (bytes as Buffer).length;
  t.ok(length > PIECES * piece.length, "all of it has come");

  const writer = await connect();
  writer.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nslow");
  await sleep(1500);
  t.equal(writer.pending, "");
  writer.write("ness");
  await until("the answer", () => writer.pending.includes('"body":"slowness"'));

  const silent = await connect();
  silent.write("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("its beginning", () => silent.pending.includes("begun"));
  await until("the silent target to be given up", () => silent.state !== "open");
});

t.test("an answer that nobody reads gives its connection back", async (t) => {
  const target = await targetOf(t, (request, response) => {
    if (request.url === "/odd") {
      request.socket.write("HTTP/1.1 200 O\u0001K\r\nContent-Length: 4\r\n\r\nbody");
      return;
    }
    response.writeHead(request.url === "/missing" ? 404 : 200);
    response.end(Buffer.alloc(1_000_000));
  });
  const { url } = await startApp(t, `
    import { proxy } from ${JSON.stringify(MODULE)};
    const ask = proxy(${JSON.stringify(target.url)}, { connectionsMax: 1, timeoutMs: 2000 });
    export default {
      async fetch(request, context) {
        const answer = await ask(request, context);
        if (answer.status !== 404) return answer;
        if (request.url.endsWith("/missing")) await answer.body.cancel();
        return new Response("none", { status: 404 });
      },
    };
  `);
  const paths = ["/missing", "/there", "/odd", "/there", "/missing", "/missing", "/there"];
  const seen: number[] = [];
  for (const path of paths) {
    const answer = await within(path, fetch(url + path));
    seen.push(answer.status);
    await answer.arrayBuffer();
  }
  t.strictSame(seen, [404, 200, 502, 200, 404, 404, 200]);
});
