/** Requests whose bytes come again: the parser takes them as it took the first, and no others. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";
import type { ConformanceServer } from "../support/conformance.ts";
import { connectRaw } from "../support/raw-client.ts";

const get = (path: string, fields = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
const last = get("/last", "Connection: close\r\n");

async function bodies(
  server: ConformanceServer,
  bytes: string,
  count: number,
): Promise<string[]> {
  const client = await server.connect();
  client.write(bytes);
  const found: string[] = [];
  for (let i = 0; i < count; i++) found.push((await client.response()).body);
  return found;
}

t.test("the same request many times, whole and cut anywhere", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  const bytes = get("/").repeat(40) + last;
  const whole = await server.transcript(bytes);
  t.equal(whole.match(/hello/g)?.length, 40);
  const { length } = get("/");
  const cuts = Array.from({ length }, (_, i) => length * 20 + i);
  const cut = await Promise.all(cuts.map(async (at) => await server.transcript(bytes, at)));
  for (const [i, transcript] of cut.entries()) t.equal(transcript, whole, `cut at ${cuts[i]}`);
  t.equal(await server.transcript(bytes, "bytewise"), whole);
});

t.test("what differs in one byte is another request", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  const paths = ["/count/1", "/count/1", "/count/2", "/count/1", "/count/22", "/count/2"];
  const found = await bodies(server, paths.map((path) => get(path)).join(""), paths.length);
  t.strictSame(found, ["1,", "1,", "1,2,", "1,", counted(22), "1,2,"]);
  const changed = get("/", "X-A: 1\r\n").repeat(2) + get("/", "X-A: \x01\r\n");
  const transcript = await server.transcript(changed);
  t.equal(transcript.match(/HTTP\/1\.1 200 /g)?.length, 2);
  t.match(transcript, /HTTP\/1\.1 400 /);
});

t.test("a repeat stands where a message may begin, not in a body", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  const one = get("/");
  const post = `POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${one.length}\r\n\r\n${one}`;
  const transcript = await server.transcript(one.repeat(3) + post + one + post + one + last);
  t.equal(transcript.match(/hello/g)?.length, 5);
  t.equal(transcript.split(one).length - 1, 2, "both bodies came back as they were sent");
});

t.test("Connection: close ends the connection also when it is repeated", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  for (let i = 0; i < 3; i++) {
    const transcript = await server.transcript(last + last);
    t.equal(transcript.match(/^HTTP\/1\.1 /gm)?.length, 1);
  }
});

t.test("empty lines between requests, and HEAD after GET", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  const head = get("/").replace("GET", "HEAD");
  const transcript = await server.transcript(
    `${get("/")}\r\n${get("/")}\r\n${get("/")}${head}${head}${get("/")}${last}`,
  );
  t.equal(transcript.match(/^Content-Length: 5\r/gm)?.length, 6);
  t.equal(transcript.match(/hello/g)?.length, 4);
});

t.test("an empty line that comes alone is no request, also the second time", async (t) => {
  const server = await startConformance(t, { workers: 1 });
  const client = await server.connect();
  for (let i = 0; i < 3; i++) {
    client.write(get("/"));
    t.equal((await client.response()).body, "hello");
    for (const bytes of ["\r\n", "\r\n", "\r\n"]) {
      client.write(bytes);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.equal(client.pending, "");
  }
});

t.test("listeners with other limits judge the same bytes anew", async (t) => {
  const server = await startConformance(t, {
    workers: 1,
    listeners: [{ id: "wide", port: 0 }, { id: "narrow", port: 0, headersMax: 2 }],
  });
  const bytes = get("/", "A: 1\r\nB: 2\r\nC: 3\r\n");
  const ask = async (id: string): Promise<number> => {
    const { host, port } = server.server.listeners.find((listener) => listener.id === id)!;
    const client = await connectRaw({ host, port });
    client.write(bytes);
    const { status } = await client.response();
    client.close();
    return status;
  };
  for (let i = 0; i < 3; i++) {
    t.equal(await ask("wide"), 200);
    t.equal(await ask("narrow"), 431);
  }
});

function counted(to: number): string {
  return Array.from({ length: to }, (_, i) => `${i + 1},`).join("");
}
