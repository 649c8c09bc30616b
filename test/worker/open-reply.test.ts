/** A reply while the world goes on around it: clocks, stops, reloads, what watches it. */
import t from "tap";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp, startServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/reply-app.mjs");
const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

t.test("the handler's clock: 503 as long as nothing is committed", async (t) => {
  const { url, connect } = await startServer(t, { app, handlerTimeoutMs: 100 });
  const held = await connect();
  const answer = await held.request(ask("/hold"));
  t.equal(answer.status, 503);
  t.equal(await (await fetch(`${url}/-/go`)).text(), "went", "its late end is no second answer");
  const slow = await connect();
  slow.write(ask("/slow"));
  await slow.readUntil("one ");
  await new Promise((resolve) => setTimeout(resolve, 400));
  await fetch(`${url}/-/go`);
  await slow.readUntil("two");
});

/** Each completes a reply that is gone, and goes on with it as if nothing had been. */
const GOING_ON = `
  import { setTimeout as sleep } from "node:timers/promises";
  const told = [];
  const outcome = async (fn) => {
    try {
      return await fn() ?? "nothing";
    } catch (error) {
      return error.code ?? error.message;
    }
  };
  const states = ({ isGone, isComplete }) => [isGone, isComplete];
  const ends = {
    end: (reply) => reply.end("late"),
    close: (reply) => reply.close(),
    error: (reply) => reply.error(500, "late"),
    redirect: (reply) => reply.redirect("/"),
  };
  const goOn = async (reply, way) => {
    while (!reply.isGone) await sleep(1);
    const all = [await outcome(() => ends[way](reply))];
    for (const next of [
      () => reply.write("x"), () => reply.flush(), () => reply.end(), () => reply.end("x"),
      () => reply.close(), () => reply.error(404), () => reply.redirect("/"),
    ]) all.push(await outcome(next));
    told.push({ way, all, states: states(reply), isCommitted: reply.isCommitted });
  };
  const route = (begin, more) => ({
    ...more,
    handle: async (request, context) => {
      const reply = context.reply();
      begin(reply);
      await goOn(reply, request.params.way);
    },
  });
  const clock = { handlerTimeoutMs: 20 };
  export default {
    routes: {
      "/told": () => Response.json(told.splice(0)),
      "/head/:way": route(() => {}),
      "/kept/:way": route((reply) => reply.write("kept")),
      "/sent/:way": route((reply) => (reply.write("sent"), reply.flush())),
      "/clock/:way": route(() => {}, clock),
      "/clock-kept/:way": route((reply) => reply.write("kept"), clock),
      "/bare": async (request, context) => {
        const reply = context.reply();
        await reply.flush();
        await reply.end();
        told.push(await outcome(() => reply.end()));
      },
    },
  };
`;

t.test("what is gone stays gone, however often it is completed", async (t) => {
  const { url, connect } = await startApp(t, GOING_ON);
  const toldOf = async (what: string): Promise<unknown> => {
    const all: unknown[] = [];
    await until(what, async () => {
      all.push(...await (await fetch(`${url}/told`)).json() as unknown[]);
      return all.length > 0;
    });
    return all[0];
  };
  const nothing = [false, false, false, false, "nothing", "nothing", "nothing"];
  for (const place of ["head", "kept", "sent", "clock", "clock-kept"]) {
    for (const way of ["end", "close", "error", "redirect"]) {
      const client = await connect();
      if (place.startsWith("clock")) {
        t.equal((await client.request(ask(`/${place}/${way}`))).status, 503);
      } else {
        client.write(ask(`/${place}/${way}`));
        if (place === "sent") await client.readUntil("sent");
        else await new Promise((resolve) => setTimeout(resolve, 20));
        client.reset();
      }
      t.strictSame(await toldOf(`${place} ${way}`), {
        way,
        all: [way === "end" ? false : "nothing", ...nothing],
        states: [true, true],
        isCommitted: place === "sent",
      }, `${place} ${way}`);
    }
  }
  const head = await connect();
  head.write(ask("/bare").replace("GET", "HEAD"));
  await head.response("HEAD");
  t.equal(await toldOf("HEAD"), "ERR_MILLRACE_RESPONSE_SENT", "its end is the app's own");
});

t.test("access log and metrics have replies as they have Responses", async (t) => {
  const accessLog = join(ownFolder(t), "access.log");
  const { url, connect, server } = await startServer(t, { app, accessLog, metrics: true });
  const client = await connect();
  await client.request(ask("/plain"));
  await client.request(ask("/chunks"));
  await client.request(ask("/error"));
  client.write(ask("/raw"));
  await client.readUntil("mine");
  client.write(ask("/error-late"));
  await client.readToEnd();
  t.equal((await fetch(`${url}/next/long`)).status, 200);
  const lines = (): string => readFileSync(accessLog, "utf8");
  await until("all lines", () => lines().includes("/next/long"));
  for (const line of [
    '"GET /plain HTTP/1.1" 201 14', '"GET /chunks HTTP/1.1" 200 ', '"GET /error HTTP/1.1" 503 12',
    '"GET /raw HTTP/1.1" 207 44', '"GET /error-late HTTP/1.1" 200 ',
  ]) t.ok(lines().includes(line), line);
  const { text } = await server.metrics();
  for (const [route, status] of [
    ["/plain", 201], ["/chunks", 200], ["/error", 503], ["/raw", 207],
  ]) {
    const labels = `http_response_status_code="${status}",http_route="${route}"`;
    const row = text.split("\n").find((line) =>
      line.startsWith("http_server_request_duration_seconds_count{") && line.includes(labels));
    t.match(row, / 1$/, labels);
  }
  const active = text.split("\n").filter((line) =>
    line.startsWith("http_server_active_requests{") && line.includes('"GET"'));
  t.ok(active.every((line) => line.endsWith(" 0")), "none is left in work");
});

t.test("a stop waits for an open reply, and cuts it at its deadline", async (t) => {
  for (const isCompleted of [true, false]) {
    const { url, connect, server } = await startServer(t, {
      app,
      listeners: [{ id: "one", host: "127.0.0.1", port: 0 }, { id: "two", port: 0 }],
    });
    const client = await connect();
    client.write(ask("/slow"));
    await client.readUntil("one ");
    const stopped = server.stopListener("one", { deadlineMs: isCompleted ? 10_000 : 50 });
    if (isCompleted) {
      const { port } = server.listeners[1]!;
      await fetch(`http://127.0.0.1:${port}/-/go`);
      t.match(await client.readToEnd(), /two\r\n0\r\n\r\n$/);
    } else {
      t.notMatch(await client.readToEnd(), /0\r\n\r\n$/);
    }
    t.match(await stopped, { graceful: isCompleted, destroyed: isCompleted ? 0 : 1 });
    t.ok(url);
  }
});

t.test("a reload lets an open reply end", async (t) => {
  const { connect, server } = await startServer(t, { app });
  const client = await connect();
  client.write("POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\nfour");
  await client.readUntil("four");
  await server.reload();
  const chunks = await connect();
  t.equal((await chunks.request(ask("/chunks"))).body, "chunk 1;chunk 2;chunk 3;", "the new one");
  client.write("more");
  t.match(await client.readUntil("0\r\n\r\n"), /more/);
});
