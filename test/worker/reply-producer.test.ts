/** Replies that stream: who calls the producer, and when. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import { startApp, startServer, type TestServer } from "../support/server.ts";

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

t.test("what another has written first comes before what the producer writes", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const bodies = { once: "A;end", two: "A;B;end", later: "A;end" };
  for (const [who, body] of Object.entries(bodies)) {
    t.equal((await client.request(ask(`/stream-behind/${who}`))).body, body, who);
  }
  const told = await notesOf(server);
  for (const who of Object.keys(bodies)) t.ok(told.includes(`${who} true`), `${who} has left`);
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

/** Producers that are called in a row without waiting; `/told` has what came of it. */
const IN_A_ROW = `
  import { setTimeout as sleep } from "node:timers/promises";
  let told = null;
  const manual = (context, produce) => context.reply().stream(produce, { manual: true });
  const three = async (reply, count) => {
    told = [...await Promise.all([reply.next(), reply.next(), reply.next()]), count()];
    await reply.end("end");
  };
  export default {
    routes: {
      "/told": () => Response.json(told),
      "/async": async (request, context) => {
        let count = 0;
        const reply = manual(context, async (each) => {
          const own = ++count;
          await sleep(5);
          await each.write(own + ";");
        });
        await three(reply, () => count);
      },
      "/sync": async (request, context) => {
        let count = 0;
        const reply = manual(context, (each) => void each.write(++count + ";"));
        await three(reply, () => count);
      },
      "/ends": async (request, context) => {
        let count = 0;
        const reply = manual(context, async (each) => {
          const own = ++count;
          await sleep(5);
          await (own === 2 ? each.end("end") : each.write("1;"));
        });
        const calls = [1, 2, 3, 4].map(() => reply.next());
        told = [...await Promise.all(calls), await reply.next(), count];
      },
      "/flood": async (request, context) => {
        let count = 0;
        const reply = manual(context, async () => {
          count++;
          await sleep(5);
        });
        const calls = [];
        while (!reply.isGone) calls.push(reply.next());
        const results = await Promise.all(calls);
        told = [calls.length, results.includes(true), count];
      },
    },
    error: ({ code }) => new Response(code, { status: 500 }),
  };
`;

t.test("manual: calls that come while another runs wait for it", async (t) => {
  const { url } = await startApp(t, IN_A_ROW);
  const told = async (): Promise<unknown> => await (await fetch(`${url}/told`)).json();
  for (const path of ["/async", "/sync"]) {
    t.equal(await (await fetch(url + path)).text(), "1;2;3;end", path);
    t.strictSame(await told(), [true, true, true, 3], path);
  }
  t.equal(await (await fetch(`${url}/ends`)).text(), "1;end");
  await until("the calls behind the end", async () => (
    JSON.stringify(await told()) === "[true,false,false,false,false,2]"
  ));
});

t.test("manual: who waits for no call loses the answer", async (t) => {
  const { url } = await startApp(t, IN_A_ROW);
  const answer = await fetch(`${url}/flood`);
  t.match([answer.status, await answer.text()], [500, "ERR_MILLRACE_REPLY_OVERFLOW"]);
  await until("the end of the call", async () => (
    JSON.stringify(await (await fetch(`${url}/told`)).json()) === "[1026,false,1]"
  ));
});
