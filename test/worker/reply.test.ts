/** `context.reply()`: what an app does with it, and what its client gets. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile, sanitized } from "../support/environment.ts";
import type { Owner } from "../support/folder.ts";
import { startApp, startServer, type TestServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/reply-app.mjs");
const start = (owner: Owner): Promise<TestServer> => startServer(owner, { app });
const ask = (path: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;

async function get<T>({ url }: TestServer, path: string): Promise<T> {
  return await (await fetch(`${url}/-/${path}`)).json() as T;
}

/** Bytes of buffers in the worker, without what is garbage. */
async function held(server: TestServer): Promise<number> {
  await (await fetch(`${server.url}/-/gc`)).text();
  return await get<number>(server, "memory");
}

/** What has been noted, collected until there is `wanted`. */
async function notes(server: TestServer, wanted: RegExp): Promise<unknown[]> {
  const all: unknown[] = [];
  await until(String(wanted), async () => {
    all.push(...await get<unknown[]>(server, "notes"));
    return all.some((each) => typeof each === "string" && wanted.test(each));
  });
  return all;
}

t.test("status, headers, body, end", async (t) => {
  const client = await (await start(t)).connect();
  const made = await client.request(ask("/plain"));
  t.equal(made.status, 201);
  t.equal(made.statusText, "Made");
  t.equal(made.bodyBytes.toString(), "Hello, Wörld!");
  t.equal(made.header("content-length"), "14");
  t.equal(made.header("content-type"), "text/plain;charset=UTF-8");
  t.equal(made.header("x-one"), "1");
  t.ok(made.header("date"));
  t.strictSame(made.headers.filter(([name]) => name.toLowerCase() === "set-cookie")
    .map(([, value]) => value), ["a=1", "b=2"]);

  const empty = await client.request(ask("/empty"));
  t.match([empty.status, empty.header("content-length"), empty.header("content-type")],
    [200, "0", undefined]);
  const bytes = await client.request(ask("/bytes"));
  t.strictSame([...bytes.bodyBytes], [1, 2, 3], "bytes are copied");
  t.equal(bytes.header("content-type"), undefined);
  t.equal((await client.request(ask("/type"))).header("content-type"), "text/html");
  t.equal((await client.request(ask("/later"))).body, "later");
  t.equal((await client.request(ask("/goes-on"))).body, "an error page");
});

t.test("no body: 204, 205, 304 and HEAD, whole and in pieces", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  for (const kind of ["status", "stream-status"]) {
    for (const status of [204, 205, 304]) {
      const answer = await client.request(ask(`/${kind}/${status}`));
      t.equal(answer.status, status);
      t.equal(answer.body, "");
      t.equal(answer.header("transfer-encoding"), undefined);
    }
    client.write(ask(`/${kind}/200`).replace("GET", "HEAD"));
    const head = await client.response("HEAD");
    t.equal(head.header("content-length") ?? head.header("transfer-encoding"),
      kind === "status" ? "6" : "chunked");
  }
  t.equal((await client.request(ask("/empty"))).status, 200, "in step");
  const told = await notes(server, /done: \/empty/);
  t.notOk(told.some((each) => each === true), "what is not sent resolves to false");
});

t.test("the order is enforced, and no answer is completed twice", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/order"))).body, "body");
  const [told] = await get<unknown[]>(server, "notes");
  const [order, sent] = ["ERR_MILLRACE_REPLY_ORDER", "ERR_MILLRACE_RESPONSE_SENT"];
  t.strictSame(told, {
    same: true,
    bad: "RangeError",
    late: [order, order, order, order],
    after: [sent, sent, sent, sent, sent, "nothing", sent, sent],
    isComplete: true,
    isCommitted: true,
  });
  t.equal((await client.request(ask("/redirect-late"))).body, "x");
  const late = await notes(server, /done: \/redirect-late/);
  t.equal(late.filter((each) => each === order).length, 2);

  t.equal((await client.request(ask("/bad-length"))).status, 500);
  t.equal((await client.request(ask("/ignored"))).body, "written");
  t.equal((await client.request(ask("/too-late"))).body, "returned");
  t.equal((await client.request(ask("/-/too-late"))).body, sent);
});

t.test("what is no option and no value is a TypeError at once", async (t) => {
  const wrong: [code: string, message: RegExp][] = [
    ["context.reply({ bufferBytes: 1 })", /no option "bufferBytes", did you mean bufferBytesMax/],
    ["context.reply(null)", /its options are an object/],
    ["context.reply({ bufferBytesMax: '10' })", /bufferBytesMax is a number of bytes/],
    ["context.reply({ bufferBytesMax: null })", /bufferBytesMax is a number of bytes/],
    ["context.reply({ bufferBytesMax: true })", /bufferBytesMax is a number of bytes/],
    ["reply().header('x-a', undefined)", /the value of "x-a" is a string, a number or an array/],
    ["reply().header('x-a', true)", /the value of "x-a" is/],
    ["reply().header('x-a', new Date(0))", /the value of "x-a" is/],
    ["reply().header('x-a', ['b', undefined])", /the value of "x-a" is/],
    ["reply().error(404, 'x', { clos: true })", /no option "clos", did you mean close/],
    ["reply().stream(() => {}, { manuel: true })", /no option "manuel", did you mean manual/],
  ];
  const { connect } = await startApp(t, `
    const codes = [${wrong.map(([code]) => `(context, reply) => ${code}`).join()}];
    export default (request, context) => {
      const reply = () => context.reply({ bufferBytesMax: undefined }).header("x-a", ["1", 2]);
      const told = codes.map((code) => {
        try {
          return String(code(context, reply));
        } catch (error) {
          return error.name + ": " + error.message;
        }
      });
      void context.reply().end(JSON.stringify(told));
    };
  `);
  const answer = await (await connect()).request(ask("/"));
  t.equal(answer.header("x-a"), "1, 2", "a field that was refused is as it was");
  const told = JSON.parse(answer.body) as string[];
  for (const [index, [code, message]] of wrong.entries()) {
    t.match(told[index], new RegExp(`^TypeError: reply.*${message.source}`), code);
  }
});

t.test("a Response beside the reply is an error", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/no-response"))).status, 500);
  await notes(server, /error: ERR_MILLRACE_RESPONSE_INVALID.*no-response/);
  t.equal((await client.request(ask("/no-response-ended"))).body, "one", "that is complete");
  await notes(server, /error: ERR_MILLRACE_RESPONSE_INVALID.*no-response-ended/);
  client.write(ask("/no-response-late"));
  t.match(await client.readToEnd(), /\r\n1\r\nx\r\n$/, "cut: the last chunk is missing");
  await notes(server, /error: ERR_MILLRACE_RESPONSE_INVALID.*no-response-late/);
});

t.test("error takes the place of what is not committed", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const error = await client.request(ask("/error"));
  t.equal(error.status, 503);
  t.equal(error.body, "no flour <b>");
  t.equal(error.header("content-type"), "text/plain;charset=UTF-8");
  t.match([error.header("etag"), error.header("x-own"), error.header("connection")],
    [undefined, "1", undefined]);
  t.equal((await client.request(ask("/error-default"))).body, "error 404");
  const same = await client.request(ask("/error-same-turn"));
  t.match([same.status, same.body], [502, "in its place"]);
  t.equal((await client.request(ask("/error?close"))).header("connection"), "close");
  t.match(await client.readToEnd(), "");

  const late = await server.connect();
  late.write(ask("/error-late"));
  t.match(await late.readToEnd(), /partial\r\n$/, "cut");
  const told = await notes(server, /done: \/error-late/);
  t.ok(told.includes("ERR_MILLRACE_RESPONSE_SENT"), "it was completed by the error");
  t.ok(told.includes("done: /error-late 200 12 false"), "the log has it as it was");
});

t.test("a handler that throws", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  t.equal((await client.request(ask("/throws"))).status, 500);
  t.equal((await client.request(ask("/throws-after"))).body, "whole");
  client.write(ask("/throws-late"));
  t.match(await client.readToEnd(), /partial\r\n$/, "cut");
  const told: unknown[] = [];
  await until("what is written behind it", async () => {
    told.push(...await get<unknown[]>(server, "notes"));
    return told.some((each) => Array.isArray(each));
  });
  t.strictSame(told.find((each) => Array.isArray(each)), ["after", false, false]);
  t.ok(told.includes("error: Error failed"));
  t.ok(told.includes("error: Error failed late"));
});

t.test("redirect", async (t) => {
  const client = await (await start(t)).connect();
  const answer = await client.request(ask("/redirect"));
  t.match([answer.status, answer.header("location"), answer.header("x-own"), answer.body],
    [302, "/%C3%A4%20b", "1", "Redirecting to /%C3%A4%20b\n"]);
  t.equal((await client.request(ask("/redirect/308"))).status, 308);
  t.equal((await client.request(ask("/redirect/200"))).status, 500);
  const ends = await client.request(ask("/redirect-ends"));
  t.equal(ends.body, Array(3).fill("redirect: a location has no line ends").join());
  client.write(ask("/redirect").replace("GET", "HEAD"));
  t.equal((await client.response("HEAD")).status, 302);
});

t.test("in a pipeline behind an unfinished reply", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/slow") + ask("/chunks") + ask("/plain"));
  await client.readUntil("one ");
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.notMatch(client.pending, /HTTP/);
  await fetch(`${server.url}/-/go`);
  await client.readUntil("0\r\n\r\n");
  t.equal((await client.response()).body, "chunk 1;chunk 2;chunk 3;");
  t.equal((await client.response()).status, 201);
});

t.test("close: without any output, or behind what was sent", async (t) => {
  const server = await start(t);
  const early = await server.connect();
  early.write(ask("/close-early"));
  t.equal(await early.readToEnd(), "");
  const client = await server.connect();
  client.write(ask("/close") + ask("/plain"));
  t.match(await client.readToEnd(), /4\r\nall \r\n5\r\nof it\r\n0\r\n\r\n$/);
});

t.test("HTTP/1.0", async (t) => {
  const server = await start(t);
  const whole = await server.connect();
  whole.write("GET /plain HTTP/1.0\r\n\r\n");
  t.match(await whole.readToEnd(), /Content-Length: 14\r\n/);
  const chunks = await server.connect();
  chunks.write("GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const text = await chunks.readToEnd();
  t.notMatch(text, /Transfer-Encoding/);
  t.match(text, /\r\n\r\nchunk 1;chunk 2;chunk 3;$/, "the connection's end is its end");
});

t.test("lengths and trailers of the app", async (t) => {
  const client = await (await start(t)).connect();
  const length = await client.request(ask("/length"));
  t.match([length.header("content-length"), length.body], ["8", "fourfour"]);
  const sum = await client.request(ask("/trailers"));
  t.strictSame(sum.trailers.map(([name, value]) => [name.toLowerCase(), value]), [["x-sum", "4"]]);
});

t.test("backpressure: a slow client stops who waits", async (t) => {
  const server = await start(t);
  for (const path of ["/flood", "/paced"]) {
    const client = await server.connect();
    client.pause();
    client.write(ask(path));
    let last = -1;
    let still = 0;
    await until("the producer to stop", async () => {
      const counts = await get<unknown[]>(server, "notes");
      still = counts.length === 0 ? still + 1 : 0;
      last = counts.findLast((each): each is number => typeof each === "number") ?? last;
      return still > 20;
    });
    t.ok(last > 0 && last * 65_536 < 24 << 20, `${path}: ${last} pieces`);
    const before = await held(server);
    client.resume();
    let received = 0;
    client.socket.removeAllListeners("data");
    client.socket.on("data", (data) => (received += data.length));
    await until("64 MiB", () => received > 64 << 20);
    const grown = await held(server) - before;
    if (!sanitized) t.ok(grown < 16 << 20, `${grown} bytes more`);
    client.close();
    await notes(server, new RegExp(`done: ${path} 200 \\d+ false`));
  }
});

t.test("a client that goes stops the producer", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.pause();
  client.write(ask("/flood"));
  await until("the first pieces", async () => (await get<unknown[]>(server, "notes")).length > 0);
  client.reset();
  const told: unknown[] = [];
  await until("all three", async () => {
    told.push(...await get<unknown[]>(server, "notes"));
    return told.includes("flood ended, gone true") && told.includes("closed") &&
      told.some((each) => String(each).startsWith("done: /flood 200"));
  });
  t.ok(told.some((each) => /done: \/flood 200 \d+ false/.test(String(each))));
});

t.test("who waits for nothing loses the answer", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.pause();
  client.write(ask("/overflow"));
  const told = await notes(server, /error: ERR_MILLRACE_REPLY_OVERFLOW/);
  const writes = told.find((each) => typeof each === "number") as number;
  t.ok(writes > 0 && writes < 32, `${writes} MiB were taken`);
});

t.test("raw: the message is the app's", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/raw") + ask("/plain"));
  const mine = "HTTP/1.1 207 Mine\r\nContent-Length: 4\r\n\r\nmine";
  t.equal((await client.read(mine.length)).toString(), mine);
  t.equal((await client.response()).status, 201, "the connection goes on");
  await notes(server, /done: \/raw 207 44 true/);
  t.equal((await client.request(ask("/raw-wrong"))).body, "not written");
  const order = "ERR_MILLRACE_REPLY_ORDER";
  const told = await get<unknown[]>(server, "notes");
  t.ok(told.some((each) => JSON.stringify(each) === JSON.stringify([order, order])));
  t.ok(told.includes(order));
  client.write(ask("/raw-close"));
  t.match(await client.readToEnd(), /to the end$/);
});

t.test("a forgotten reply is found when it is garbage", async (t) => {
  const server = await start(t);
  for (const path of ["/forget", "/forget-late", "/forget-stream"]) {
    const client = await server.connect();
    client.write(ask(path));
    const collecting = { isOn: true };
    const collected = (async () => {
      while (collecting.isOn) await (await fetch(`${server.url}/-/gc`)).text();
    })();
    if (path === "/forget-late") t.match(await client.readToEnd(), /begun\r\n$/, "cut");
    else t.equal((await client.response()).status, 500);
    collecting.isOn = false;
    await collected;
    const told = await notes(server, /ERR_MILLRACE_REPLY_FORGOTTEN/);
    t.match(told.find((each) => /FORGOTTEN/.test(String(each))),
      new RegExp(`"${path}" has dropped.* connection \\d+ from 127\\.0\\.0\\.1$`));
  }
});

t.test("a reply that somebody holds is not forgotten", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  client.write(ask("/held-raw"));
  for (let i = 0; i < 5; i++) await (await fetch(`${server.url}/-/gc`)).text();
  t.equal(await (await fetch(`${server.url}/-/held-raw`)).text(), "true");
  t.equal((await client.response()).body, "ok");
});

/** Handlers that ask their context for the writer again, when garbage has been collected. */
const HOLDING = `
  import { setTimeout as sleep } from "node:timers/promises";
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const collect = async () => {
    for (let i = 0; i < 4; i++) {
      await sleep(5);
      gc();
    }
  };
  let kept = null;
  let told = null;
  const begun = (context) => {
    void context.reply({ bufferBytesMax: 0 }).status(202).write("first ");
  };
  const twice = async (request, context) => {
    begun(context);
    await collect();
    await context.reply().end("second");
  };
  export default {
    routes: {
      "/twice": twice,
      "/head": async (request, context) => {
        context.reply().status(202);
        await collect();
        void context.reply().write("first ");
        await context.reply().end("second");
      },
      "/returned": (request, context) => {
        begun(context);
        void collect().then(() => context.reply().end("second"));
      },
      "/producer": (request, context) => {
        let count = 0;
        context.reply().status(202).stream((reply) => {
          void (++count === 1 ? reply.write("first ") : reply.end("second"));
        }, { manual: true });
        void (async () => {
          await collect();
          await context.reply().next();
          await collect();
          await context.reply().next();
        })();
      },
      "/keep": (request, context) => {
        begun(context);
        kept = context;
      },
      "/-/same": async () => {
        await kept.reply().end("second");
        while (told === null) await sleep(1);
        return new Response(String(told === kept));
      },
      "/-/drop": async () => {
        await collect();
        const isOpen = !kept.reply().isComplete;
        kept = null;
        await collect();
        return new Response(String(isOpen));
      },
      "/next/*": async (request, context) => {
        try {
          return await context.next();
        } catch (error) {
          return new Response("caught " + error.code, { status: 500 });
        }
      },
      "/decline": (request, context) => {
        begun(context);
        // Nobody waits for what comes of it, so the handlers behind outlive this one.
        const text = context.next().then((answer) => answer.text());
        void text.then((all) => context.reply().end(all));
      },
    },
    fetch: async (request, context) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/next/twice") return await twice(request, context);
      if (pathname === "/next/forget") {
        context.reply().status(202);
        void collect();
        return;
      }
      await collect();
      if (pathname === "/decline") context.rewrite("/rewritten");
      else return "second";
    },
    onResponse: ({ route, context }) => {
      if (route === "/keep") told = context;
    },
  };
`;

t.test("a context keeps its reply, and so does a handler that runs", async (t) => {
  const { url } = await startApp(t, HOLDING);
  for (const path of [
    "/twice", "/head", "/returned", "/producer", "/next/twice", "/decline",
  ]) {
    const answer = await fetch(url + path);
    t.match([answer.status, await answer.text()], [202, "first second"], path);
  }
});

t.test("who holds the context finds it in the hook, too", async (t) => {
  const { url, connect } = await startApp(t, HOLDING);
  const client = await connect();
  client.write(ask("/keep"));
  await client.readUntil("first ");
  t.equal(await (await fetch(`${url}/-/same`)).text(), "true");
});

t.test("a reply is forgotten when nobody has its context either", async (t) => {
  const { url, connect } = await startApp(t, HOLDING);
  const client = await connect();
  client.write(ask("/keep"));
  await client.readUntil("first ");
  t.equal(await (await fetch(`${url}/-/drop`)).text(), "true", "not as long as one holds it");
  t.match(await client.readToEnd(), /^\r\n$/, "cut");
  const inner = await fetch(`${url}/next/forget`);
  t.equal(await inner.text(), "caught ERR_MILLRACE_REPLY_FORGOTTEN");
});

t.test("a body that is still arriving, and one that nobody reads", async (t) => {
  const server = await start(t);
  const client = await server.connect();
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\n`;
  client.write(`${head("/echo")}four`);
  await client.readUntil("four");
  client.write("more");
  await client.readUntil("more");
  await client.readUntil("0\r\n\r\n");
  client.write(head("/unread"));
  t.equal((await client.response()).status, 403);
  client.write(`12345678${ask("/plain")}`);
  t.equal((await client.response()).status, 201, "what nobody reads is dropped");
});
