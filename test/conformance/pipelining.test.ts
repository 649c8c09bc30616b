/** Pipelined requests: answers in the order of the requests, whatever is ready first. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import type { ConformanceServer } from "../support/conformance.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const HOST = "Host: a.test\r\n\r\n";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}`;
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Opens a connection of its own, so that only the server's order is seen. */
async function bodies(server: ConformanceServer, bytes: string, count: number): Promise<string[]> {
  const client = await server.connect();
  client.write(bytes);
  const found: string[] = [];
  for (let i = 0; i < count; i++) found.push((await client.response()).body);
  t.equal(client.pending, "");
  return found;
}

t.test("a slow answer holds the fast ones behind it", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  client.write(get("/wait/1") + get("/wait/2") + get("/") + get("/constant") + get("/count/3"));
  await server.waits("1");
  await server.waits("2");
  await server.open("2");
  t.equal(client.pending, "", "nothing before the first");
  await server.open("1");
  const found = [];
  for (let i = 0; i < 5; i++) found.push((await client.response()).body);
  t.strictSame(found, ["1", "2", "hello", "constant", "1,2,3,"]);
});

t.test("streams keep their place", async (t) => {
  const server = await startConformance(t);
  const paths = ["/count/9", "/wait/s", "/count/4000", "/", "/count/1", "/constant"];
  const all = bodies(server, paths.map(get).join(""), paths.length);
  await server.waits("s");
  await server.open("s");
  const [first, second, third, ...rest] = await all;
  t.equal(first, "1,2,3,4,5,6,7,8,9,");
  t.equal(second, "s");
  t.match(third, /^1,2,[^]*,4000,$/);
  t.strictSame(rest, ["hello", "1,", "constant"]);
});

t.test("unsafe requests run alone", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  client.write(get("/wait/before") + post("/wait/alone", "x") + get("/wait/after") + get("/last"));
  await server.waits("before");
  t.strictSame(await server.seen(), ["GET /wait/before"]);
  await server.open("before");
  t.equal((await client.response()).body, "before");
  await server.waits("alone");
  t.strictSame((await server.seen()).at(-1), "POST /wait/alone");
  await server.open("alone");
  t.equal((await client.response()).body, "alone");
  await server.waits("after");
  t.equal((await server.seen()).at(-1), "GET /last", "safe ones run together");
  await server.open("after");
  t.equal((await client.response()).body, "after");
  t.equal((await client.response()).body, "GET http://a.test/last");
});

t.test("far more than pipelineMax", async (t) => {
  const server = await startConformance(t);
  const count = 1000;
  let bytes = "";
  for (let i = 0; i < count; i++) bytes += i % 10 === 3 ? post("/echo", `p${i}`) : get(`/n/${i}`);
  const found = await bodies(server, bytes, count);
  const wanted = found.map((_, i) => (i % 10 === 3 ? `p${i}` : `GET http://a.test/n/${i}`));
  t.strictSame(found, wanted);
});

t.test("at pipelineMax the connection is not read on until answers have left", async (t) => {
  const server = await startConformance(t, { pipelineMax: 8 });
  const client = await server.connect();
  let bytes = get("/wait/first");
  for (let i = 1; i < 30; i++) bytes += get(`/n/${i}`);
  client.write(bytes);
  await server.waits("first");
  t.equal((await server.seen()).length, 8);
  await server.open("first");
  t.equal((await client.response()).body, "first");
  for (let i = 1; i < 30; i++) t.equal((await client.response()).body, `GET http://a.test/n/${i}`);
});

t.test("a pipeline byte by byte", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  const requests = [get("/wait/b"), get("/one"), post("/echo", "two"), get("/count/2")];
  const sent = client.writeSlowly(requests.join(""));
  await server.waits("b");
  await sent;
  await server.open("b");
  const found = [];
  for (let i = 0; i < 4; i++) found.push((await client.response()).body);
  t.strictSame(found, ["b", "GET http://a.test/one", "two", "1,2,"]);
});

t.test("close in the middle of a pipeline", async (t) => {
  const server = await startConformance(t);
  const closing = "GET /b HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
  const client = await server.connect();
  client.write(get("/wait/c") + closing + get("/c"));
  await server.waits("c");
  await server.open("c");
  t.equal((await client.response()).body, "c");
  t.equal((await client.response()).header("connection"), "close");
  t.equal(await client.readToEnd(), "");
  t.notMatch(await server.seen(), ["GET /c"]);
});

t.test("who works on a request behind a closing answer hears of it", async (t) => {
  const server = await startApp(t, `
    const seen = [];
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    const note = (name, signal) => signal.addEventListener("abort", () =>
      seen.push(name + ": " + signal.reason.message));
    export default {
      onClientError: ({ kind, how }) => seen.push(kind + " " + how),
      fetch: async (request, { signal }) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/seen") return Response.json(seen);
        if (pathname === "/before") {
          note("before", signal);
          await wait(20);
          return new Response("before");
        }
        if (pathname === "/closing") {
          await wait(40);
          return new Response("x".repeat(100_000), { headers: { connection: "close" } });
        }
        if (pathname === "/late") {
          await wait(80);
          seen.push("late: " + request.signal.aborted + " " + request.signal.reason?.message);
        } else {
          note("behind", signal);
          await wait(80);
        }
        return new Response("nobody reads it");
      },
    };
  `);
  const client = await server.connect();
  client.write(get("/before") + get("/closing") + get("/behind") + get("/late"));
  t.equal((await client.response()).body, "before");
  t.equal((await client.response()).header("connection"), "close");
  t.equal(await client.readToEnd(), "");
  const text = "An earlier answer ends the connection";
  const seen = async (): Promise<string[]> => (
    JSON.parse((await (await server.connect()).request(get("/seen"))).body)
  );
  await until("both to know", async () => (await seen()).length === 2);
  t.strictSame(await seen(), [`behind: ${text}`, `late: true ${text}`]);
});

t.test("many large answers to a reader that comes late", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  client.socket.pause();
  const count = 40;
  client.write(get("/count/20000").repeat(count) + get("/last"));
  client.socket.resume();
  for (let i = 0; i < count; i++) t.match((await client.response()).body, /,20000,$/);
  t.equal((await client.response()).body, "GET http://a.test/last");
});

t.test("requests with bodies in one pipeline", async (t) => {
  const server = await startConformance(t);
  const large = "x".repeat(100_000);
  const bytes = post("/echo", large) + post("/unread", "abc") + post("/stream-echo", large) +
    post("/cancel", "abc") + post("/echo", "end");
  t.strictSame(await bodies(server, bytes, 5), [large, "not read", large, "cancelled", "end"]);
});

t.test("safe methods with large bodies do not stop each other's", async (t) => {
  const server = await startConformance(t);
  // The first body fills its queue with its last piece, which comes with the start of the second.
  for (const length of [70_000, 80_000, 150_000]) {
    const search = (path: string): string =>
      post(path, "x".repeat(length)).replace("POST", "SEARCH");
    const client = await server.connect();
    client.write(search(`/read-late/${length}`) + search("/echo") + search("/echo") + get("/"));
    await server.waits(`${length}`);
    await server.open(`${length}`);
    for (let i = 0; i < 3; i++) t.equal((await client.response()).body.length, length);
    t.equal((await client.response()).body, "hello");
  }
});
