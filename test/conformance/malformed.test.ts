/**
 * Input that the RFCs forbid: answered with the right status, closed with lingering, never seen by
 * a handler, and the answer does not depend on how the bytes were cut into packets.
 */
import t from "tap";
import { startConformance } from "../support/conformance.ts";

const HOST = "Host: a.test\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

function get(rest: string, line = "GET / HTTP/1.1"): string {
  return `${line}\r\n${rest}\r\n`;
}

function post(fields: string, body: string): string {
  return `POST /x HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
}

const CASES: Record<string, [status: number, bytes: string]> = {
  "a bare LF after the request line": [400, `GET / HTTP/1.1\n${HOST}\r\n`],
  "a bare LF after a field": [400, "GET / HTTP/1.1\r\nHost: a.test\n\r\n"],
  "a bare LF at the end of the head": [400, `GET / HTTP/1.1\r\n${HOST}\n`],
  "a bare CR after the request line": [400, `GET / HTTP/1.1\r${HOST}\r\n`],
  "a bare CR in a value": [400, get(`${HOST}X: a\rb\r\n`)],
  "a space before the colon": [400, get("Host : a.test\r\n")],
  "a space before the first field": [400, get(` ${HOST}`)],
  "a folded line": [400, get(`${HOST}X: a\r\n b\r\n`)],
  "a folded line, tab": [400, get(`${HOST}X: a\r\n\tb\r\n`)],
  "a field without a name": [400, get(`${HOST}: v\r\n`)],
  "a field without a colon": [400, get(`${HOST}novalue\r\n`)],
  "a field name with a bracket": [400, get(`${HOST}x(y): v\r\n`)],
  "a field name with a byte above 127": [400, get(`${HOST}x\xe9: v\r\n`)],
  "NUL in a value": [400, get(`${HOST}X: a\0b\r\n`)],
  "a control character in a value": [400, get(`${HOST}X: a\x01b\r\n`)],
  "DEL in a value": [400, get(`${HOST}X: a\x7fb\r\n`)],
  "no Host": [400, get("X: y\r\n")],
  "two Hosts": [400, get(`${HOST}${HOST}`)],
  "two different Hosts": [400, get(`${HOST}Host: b.test\r\n`)],
  "an empty Host": [400, get("Host:\r\n")],
  "a Host with a user": [400, get("Host: u@a.test\r\n")],
  "a Host with a path": [400, get("Host: a.test/x\r\n")],
  "a Host with a space": [400, get("Host: a b\r\n")],
  "two names in one Host": [400, get("Host: a.test, b.test\r\n".replace(",", ""))],
  "a Host without a name": [400, get("Host: :80\r\n")],
  "a Host with a port of letters": [400, get("Host: a.test:x\r\n")],
  "a Host with a port above 65535": [400, get("Host: a.test:65536\r\n")],
  "a Host with an open bracket": [400, get("Host: [::1\r\n")],
  "a Host with empty brackets": [400, get("Host: []\r\n")],
  "a Host with no address in brackets": [400, get("Host: [x]\r\n")],
  "a fragment in the target": [400, get(HOST, "GET /#x HTTP/1.1")],
  "an asterisk with GET": [400, get(HOST, "GET * HTTP/1.1")],
  "an authority as target": [400, get(HOST, "GET a.test:80 HTTP/1.1")],
  "a relative target": [400, get(HOST, "GET x/y HTTP/1.1")],
  "an absolute target of another scheme": [400, get(HOST, "GET ftp://a.test/ HTTP/1.1")],
  "an absolute target without a host": [400, get(HOST, "GET http:/// HTTP/1.1")],
  "an absolute target with a user": [400, get(HOST, "GET http://u@a.test/ HTTP/1.1")],
  "an absolute target that is no URL": [400, get(HOST, "GET http://1.2.3.999/ HTTP/1.1")],
  "an absolute target with a broken escape": [400, get(HOST, "GET http://a%/ HTTP/1.1")],
  "a control character in the target": [400, get(HOST, "GET /\x01 HTTP/1.1")],
  "DEL in the target": [400, get(HOST, "GET /\x7f HTTP/1.1")],
  "a byte above 127 in the target": [400, get(HOST, "GET /\xe9 HTTP/1.1")],
  "a tab in the target": [400, get(HOST, "GET /\tx HTTP/1.1")],
  "an unknown method": [501, get(HOST, "FOO / HTTP/1.1")],
  "a method in lower case": [501, get(HOST, "get / HTTP/1.1")],
  "a method with a longer name": [501, get(HOST, "GETS / HTTP/1.1")],
  "no method": [400, get(HOST, " / HTTP/1.1")],
  "the start of TLS": [400, "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"],
  "HTTP/2.0": [505, get(HOST, "GET / HTTP/2.0")],
  "HTTP/1.2": [505, get(HOST, "GET / HTTP/1.2")],
  "no version": [505, "GET /\r\n\r\n"],
  "the preface of HTTP/2": [505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  "another protocol": [400, get(HOST, "GET / XTTP/1.1")],
  "CONNECT": [501, get(HOST, "CONNECT a.test:80 HTTP/1.1")],
  "TRACE": [501, get(HOST, "TRACE / HTTP/1.1")],
  "both framings": [400, post(`${CHUNKED}Content-Length: 3\r\n`, "0\r\n\r\n")],
  "both framings, the other way": [400, post(`Content-Length: 3\r\n${CHUNKED}`, "0\r\n\r\n")],
  "chunked twice in one field": [400, post("Transfer-Encoding: chunked, chunked\r\n", "")],
  "chunked in two fields": [400, post(`${CHUNKED}${CHUNKED}`, "0\r\n\r\n")],
  "chunked, but not last": [400, post("Transfer-Encoding: chunked, gzip\r\n", "")],
  "an empty transfer coding": [400, post("Transfer-Encoding:\r\n", "")],
  "an unknown transfer coding": [501, post("Transfer-Encoding: gzip, chunked\r\n", "")],
  "chunked with HTTP/1.0": [400, get(`${HOST}${CHUNKED}`, "POST / HTTP/1.0")],
  "two lengths": [400, post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")],
  "two lengths in one field": [400, post("Content-Length: 3, 3\r\n", "abc")],
  "a signed length": [400, post("Content-Length: +3\r\n", "abc")],
  "a negative length": [400, post("Content-Length: -3\r\n", "abc")],
  "a length in hexadecimal": [400, post("Content-Length: 0x3\r\n", "abc")],
  "an empty length": [400, post("Content-Length:\r\n", "abc")],
  "a length that overflows": [400, post("Content-Length: 99999999999999999999\r\n", "")],
  "an unknown expectation": [417, post("Expect: wonders\r\nContent-Length: 3\r\n", "abc")],
};

t.test("a malformed head", async (t) => {
  const server = await startConformance(t);
  await Promise.all(Object.entries(CASES).map(async ([name, [status, bytes]]) => {
    const whole = await server.transcript(bytes);
    const parts = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n(?:.*\r\n)*Connection: close\r\n/.exec(whole);
    t.equal(Number(parts?.[1]), status, name);
    t.equal(whole.match(/^HTTP\/1\.1 /gm)?.length, 1, `${name}: one answer`);
    t.equal(await server.transcript(bytes, "bytewise"), whole, `${name}: byte by byte`);
    const more = `${bytes}${"x".repeat(50_000)}`;
    t.equal(await server.transcript(more), whole, `${name}: with much behind it`);
  }));
  t.strictSame(await server.seen(), []);
});

t.test("a malformed head behind good requests queues behind their answers", async (t) => {
  const server = await startConformance(t);
  const client = await server.connect();
  const good = get(HOST, "GET /wait/a HTTP/1.1") + get(HOST, "GET /b HTTP/1.1");
  client.write(`${good}GET / HTTP/1.1\n`);
  await server.waits("a");
  t.equal(client.pending, "");
  await server.open("a");
  t.equal((await client.response()).body, "a");
  t.equal((await client.response()).body, "GET http://a.test/b");
  const refused = await client.response();
  t.equal(refused.status, 400);
  t.equal(refused.header("connection"), "close");
  t.equal(await client.readToEnd(), "");
  t.strictSame(await server.seen(), ["GET /wait/a", "GET /b"]);
});

t.test("a HEAD before on another connection does not cost a refusal its body", async (t) => {
  const server = await startConformance(t);
  const wanted = await server.transcript(" GET / HTTP/1.1\r\n\r\n");
  t.match(wanted, /\r\n\r\n./);
  const client = await server.connect();
  client.write(get(HOST, "HEAD / HTTP/1.1"));
  await client.response("HEAD");
  t.equal(await server.transcript(" GET / HTTP/1.1\r\n\r\n"), wanted);
});

const BODIES: Record<string, string> = {
  "a chunk size that is none": "xyz\r\nabc\r\n0\r\n\r\n",
  "an empty chunk size": "\r\nabc\r\n0\r\n\r\n",
  "a negative chunk size": "-3\r\nabc\r\n0\r\n\r\n",
  "a chunk size with a prefix": "0x3\r\nabc\r\n0\r\n\r\n",
  "a chunk size that overflows": "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
  "a bare LF after the chunk size": "3\nabc\r\n0\r\n\r\n",
  "a bare LF after the chunk": "3\r\nabc\n0\r\n\r\n",
  "a chunk longer than its size": "3\r\nabcd\r\n0\r\n\r\n",
  "a bare LF at the end": "3\r\nabc\r\n0\r\n\n",
  "a space after the chunk size": "3 \r\nabc\r\n0\r\n\r\n",
  "a malformed trailer": "3\r\nabc\r\n0\r\nX : y\r\n\r\n",
  "extensions without end": `3;${"e".repeat(17_000)}\r\nabc\r\n0\r\n\r\n`,
  "many small extensions": `${"1;eeeeeeeeeeeeeeeeeeeeeeeeeeeee\r\na\r\n".repeat(1300)}0\r\n\r\n`,
  "trailers without end": `3\r\nabc\r\n0\r\nX: ${"t".repeat(17_000)}\r\n\r\n`,
};

t.test("a malformed chunked body is an error for its reader", async (t) => {
  const server = await startConformance(t);
  for (const [name, body] of Object.entries(BODIES)) {
    const bytes = `POST /echo HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${body}`;
    const whole = await server.transcript(bytes);
    t.match(whole, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/, name);
    const way = body.length > 1000 ? bytes.length - 100 : "bytewise";
    t.equal(await server.transcript(bytes, way), whole, `${name}: in parts`);
  }
});
