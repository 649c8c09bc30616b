/** How long a connection lives: keep-alive, HTTP/1.0, `Connection: close`, half-close. */
import t from "tap";
import { DEFAULT_METHODS } from "../../src/shared/methods.ts";
import { startConformance } from "../support/conformance.ts";
import type { ConformanceServer } from "../support/conformance.ts";

const HELLO = "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\n";
const GET = "GET / HTTP/1.1\r\nHost: a.test\r\n";
const CLOSING = `${GET}Connection: close\r\n\r\n`;
const CLOSED = `${HELLO}Connection: close\r\nContent-Length: 5\r\n\r\nhello`;
const KEPT = `${HELLO}Content-Length: 5\r\n\r\nhello`;

/** Well-formed input that ends its connection, and exactly what comes back. */
const CASES: Record<string, [bytes: string, answer: string]> = {
  "close": [CLOSING, CLOSED],
  "keep-alive, then close": [`${GET}\r\n${CLOSING}`, KEPT + CLOSED],
  "keep-alive said aloud": [`${GET}Connection: keep-alive\r\n\r\n${CLOSING}`, KEPT + CLOSED],
  "close among other options": [`${GET}Connection: x, Close ,y\r\n\r\n`, CLOSED],
  "more bytes after close": [`${CLOSING}${CLOSING}`, CLOSED],
  "bytes that are no request after close": [`${CLOSING}\0\0\0`, CLOSED],
  "HTTP/1.0": ["GET / HTTP/1.0\r\n\r\n", CLOSED],
  "HTTP/1.0 with Host": ["GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", CLOSED],
  "HTTP/1.0 and more bytes": [`GET / HTTP/1.0\r\n\r\n${CLOSING}`, CLOSED],
  "HTTP/1.0 with keep-alive": [
    `GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${CLOSING}`,
    `${HELLO}Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello${CLOSED}`,
  ],
  "HTTP/1.0, unknown length": [
    "GET /count/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n1,2,3,",
  ],
  "HTTP/1.1, unknown length": [
    "GET /count/3 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "2\r\n1,\r\n2\r\n2,\r\n2\r\n3,\r\n0\r\n\r\n",
  ],
  "empty lines before a request": [`\r\n\r\n${CLOSING}`, CLOSED],
  "empty lines between requests": [`${GET}\r\n\r\n\r\n${CLOSING}`, KEPT + CLOSED],
  "a constant": [
    "GET /constant HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    `${HELLO}Connection: close\r\nContent-Length: 8\r\n\r\nconstant`,
  ],
  "HEAD": [
    `HEAD /constant HTTP/1.1\r\nHost: a.test\r\n\r\n${CLOSING}`,
    `${HELLO}Content-Length: 8\r\n\r\n${CLOSED}`,
  ],
  "an upgrade that is declined": [
    `${GET}Connection: upgrade\r\nUpgrade: x\r\n\r\n${CLOSING}`,
    KEPT + CLOSED,
  ],
  "an upgrade that is declined, with a body": [
    "POST /echo HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n" +
      `Content-Length: 5\r\n\r\nhello${CLOSING}`,
    KEPT + CLOSED,
  ],
  "an upgrade that is declined, with close": [
    `${GET}Connection: upgrade, close\r\nUpgrade: x\r\n\r\n${CLOSING}`,
    CLOSED,
  ],
  "absolute-form": [
    "GET http://b.test/x?y HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    `${HELLO}Connection: close\r\nContent-Length: 21\r\n\r\nGET http://b.test/x?y`,
  ],
  "OPTIONS *": [
    "OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    `HTTP/1.1 204 No Content\r\nallow: ${DEFAULT_METHODS.join(", ")}\r\nConnection: close\r\n\r\n`,
  ],
  "a body, chunked, with an extension and a trailer": [
    "POST /echo HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n" +
      "Transfer-Encoding: Chunked\r\n\r\n" +
      "2;a=b\r\nhe\r\n003\r\nllo\r\n0\r\nX-T: v\r\n\r\n",
    CLOSED,
  ],
  "a body that is not read": [
    "POST /unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello" + CLOSING,
    `${HELLO}Content-Length: 8\r\n\r\nnot read${CLOSED}`,
  ],
  "an empty body": [
    `POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n${CLOSING}`,
    `${HELLO}Content-Length: 0\r\n\r\n${CLOSED}`,
  ],
  "a method with a body and no framing": [
    `POST /echo HTTP/1.1\r\nHost: a.test\r\n\r\n${CLOSING}`,
    `${HELLO}Content-Length: 0\r\n\r\n${CLOSED}`,
  ],
};

t.test("transcripts, whole, byte by byte and cut in two", async (t) => {
  const server = await startConformance(t);
  await Promise.all(Object.entries(CASES).map(async ([name, [bytes, answer]]) => {
    t.equal(await server.transcript(bytes), answer, name);
    t.equal(await server.transcript(bytes, "bytewise"), answer, `${name}: byte by byte`);
    for (let at = 5; at < bytes.length; at += 29) {
      t.equal(await server.transcript(bytes, at), answer, `${name}: cut at ${at}`);
    }
  }));
});

t.test("many requests, one after the other", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  for (let i = 0; i < 200; i++) {
    const { body } = await client.request(`GET /n/${i % 7} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    t.equal(body, `GET http://a.test/n/${i % 7}`);
  }
  t.equal(client.state, "open");
});

/** Sends a request and FIN at once. */
async function halfClosed(server: ConformanceServer, bytes: string): Promise<string> {
  const client = await server.connect();
  client.write(bytes);
  client.end();
  return await client.readToEnd();
}

t.test("half-close: what was asked before the client's FIN is answered", async (t) => {
  const server = await startConformance(t);
  t.match(await halfClosed(server, `${GET}\r\n`), /\r\n\r\nhello$/);
  const three = await halfClosed(server, `${GET}\r\n${GET}\r\n${GET}\r\n`);
  t.equal(three.match(/hello/g)?.length, 3);
  const waiting = halfClosed(server, "GET /wait/h HTTP/1.1\r\nHost: a.test\r\n\r\n" + `${GET}\r\n`);
  await server.waits("h");
  await server.open("h");
  t.match(await waiting, /^HTTP[^]*\r\n\r\nhHTTP[^]*\r\n\r\nhello$/);
  const counted = await halfClosed(server, "GET /count/20000 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.match(counted, /0\r\n\r\n$/);
  const posted = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab";
  t.match(await halfClosed(server, posted), /\r\n\r\nab$/);
});

t.test("FIN in the middle of a head ends the connection without an answer", async (t) => {
  const server = await startConformance(t);
  for (const part of ["", "G", "GET / HTTP/1.1\r\nHos", GET]) {
    t.equal(await halfClosed(server, part), "", JSON.stringify(part));
  }
  t.strictSame(await server.seen(), []);
});

t.test("FIN in the middle of a body is a 400 for its reader", async (t) => {
  const server = await startConformance(t);
  const head = "POST /echo HTTP/1.1\r\nHost: a.test\r\n";
  const declared = await halfClosed(server, `${head}Content-Length: 10\r\n\r\nabc`);
  t.match(declared, /^HTTP\/1\.1 400 [^]*Connection: close\r\n/);
  const chunked = await halfClosed(server, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`);
  t.match(chunked, /^HTTP\/1\.1 400 [^]*Connection: close\r\n/);
  const unreadHead = `${head.replace("echo", "unread")}Content-Length: 9\r\n\r\n`;
  const unread = await halfClosed(server, unreadHead);
  t.match(unread, /^HTTP\/1\.1 200 [^]*not read$/, "its handler did not ask for it");
});

t.test("an answer with Connection: close of the app's own", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  const answer = await client.request("GET /closing HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.equal(answer.header("connection"), "close");
  t.equal(await client.readToEnd(), "");
});
