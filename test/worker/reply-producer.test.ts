/** Replies that stream: who calls the producer, and when. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import { startServer, type TestServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/reply-app.mjs");
const start = (owner: Owner): Promise<TestServer> => startServer(owner, { app });
const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function notesOf({ url }: TestServer): Promise<unknown[]> {
  return await (await fetch(`${url}/-/notes`)).json() as unknown[];
}

t.test("the producer is called again when what it wrote has left, until the end", async (t) => {
  const client = await (await start(t)).connect();
  client.write(ask("/chunks"));
  const text = await client.readUntil("0\r\n\r\n");
  t.match(text, /8\r\nchunk 1;\r\n8\r\nchunk 2;\r\n8\r\nchunk 3;\r\n0\r\n\r\n$/, "a chunk each");
  client.write(ask("/stream-close"));
  t.match(await client.readToEnd(), /1\r\n1\r\n1\r\n2\r\n0\r\n\r\n$/);
});

t.test("what it throws", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/stream-throws"))).status, 500);
  client.write(ask("/stream-throws-late"));
  t.match(await client.readToEnd(), /first\r\n$/, "cut");
  const told = await notesOf(server);
  t.ok(told.includes("error: Error before anything"));
  t.ok(told.includes("error: Error behind the first"));
});

t.test("an error ends the calls", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const answer = await client.request(ask("/stream-error"));
  t.match([answer.status, answer.body], [409, "a conflict"]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal((await notesOf(server)).filter((each) => each === "called").length, 1);
});

t.test("a producer that writes nothing does not spin", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/stream-idle"))).body, "from elsewhere");
  const calls = (await notesOf(server)).filter((each) => String(each).startsWith("call "));
  t.strictSame(calls, ["call 1", "call 2"], "once, and once behind what came from elsewhere");
});

t.test("manual: only the application calls", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/manual"))).body, "1;2;3;");
  const told: unknown[] = [];
  await until("the end", async () => {
    told.push(...await notesOf(server));
    return told.includes("ERR_MILLRACE_RESPONSE_SENT");
  });
  t.strictSame(told.filter((each) => typeof each === "number"), [0, 1, 2, 3]);
});
