/**
 * What the fuzzers send: requests made by the grammar with odd choices, and mutations of such
 * bytes. Texts are latin1: a sign is a byte.
 */
import type { Random } from "./random.ts";

const METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PUT", "SEARCH"];
const ODD_METHODS = [
  "TRACE", "CONNECT", "PRI", "FOO", "get", "GETS", "", "G\tT", "M-SEARCH", "QUERY",
];
const TARGETS = ["/", "/a", "/a/../b?c=d", "/%20", "http://a.test/x", "/a?b=/c"];
const ODD_TARGETS = [
  "*", "//", "a", "/#f", "/\x80", "/\x01", "http://", "a.test:80", "/ b", "", "/\t",
];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"];
const ODD_VERSIONS = ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/11", "http/1.1", "HTTP/1.1 ", ""];
const HOSTS = ["a.test", "a.test:80", "127.0.0.1", "[::1]:80"];
const ODD_HOSTS = ["", "a b", "a,b", "u@a", "a:b", "[", "a\x80", "a\r\nHost: b", "a/b"];
const FIELDS = [
  "X-A: 1", "x-a:2", "X-B: \t b \t", "X-Empty:", "Accept: */*", "Cookie: a=1", "Cookie: b=2",
  "Connection: keep-alive", "Connection: close", "Keep-Alive: timeout=5", "Expect: 100-continue",
  "Connection: keep-alive, X-A", "TE: trailers", "Upgrade: websocket", "Connection: Upgrade",
  "Accept-Encoding: gzip, br", "Range: bytes=0-1", "X-High: \xe9\xff", "Trailer: X-T",
];
const ODD_FIELDS = [
  "X A: 1", "X-A : 1", " X-A: 1", "X-A: 1\r\n folded", "X-A", ": x", "X-A: a\0b", "X-A: a\x7fb",
  "X-A: a\rb", "X-A: a\nb", "X\xe9: 1", "Expect: x", "X-A: \x01", "Content-Length : 3",
  "Connection: close, keep-alive", "Proxy-Connection: close", "X-L: a\r\n\tb", "\tX: y",
];
const LENGTHS = ["3", "3", "0", "03", "10"];
const ODD_LENGTHS = [
  "", "+3", "-3", "0x3", "3, 3", "3,3", "3 3", "3a", " 3 ", "3\t", "99999999999999999999", "1e1",
  "3.0", "\xb3", "3\r\nContent-Length: 3", "3\r\nContent-Length: 4",
];
const CODINGS = ["chunked", "chunked", "Chunked", " chunked ", "\tchunked"];
const ODD_CODINGS = [
  "", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked,", ",chunked",
  "xchunked",
  "chunked;a=b", "identity", "identity, chunked", "\x0bchunked", "chunked\x0b", '"chunked"',
  "chunked\r\nTransfer-Encoding: chunked", "chunked\r\nContent-Length: 3", "chun ked",
  "chunked\x00",
];
const SIZES = ["3", "3", "03", "3;a", "3;a=b", '3;a="b;c"', "3 ", "0003"];
const ODD_SIZES = [
  "", "-3", "+3", "0x3", "g", "3g", "3 3", "3;\x00", "3;a\nb", " 3", "fffffffffffffffff", "3\t",
  "4",
  "2", "3;a\rb", "10000000000000003", "\xb3", "3,3", "3;a=\"b\r\nc\"", "3_",
];
const ENDS = ["0\r\n\r\n", "0\r\n\r\n", "00\r\n\r\n", "0;x\r\n\r\n", "0\r\nX-T: 1\r\n\r\n"];
const ODD_ENDS = [
  "0\r\n", "0\n\n", "0\r\n\n", "0\r\r\n", "0\r\nX T: 1\r\n\r\n", "0\r\n X\r\n\r\n", "\r\n\r\n", "",
  "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\0\r\n",
  "-0\r\n\r\n",
];
/** The rate of choices that the RFCs refuse, per place where one is made. */
const ODD = 0.04;

/** Ends an input whose framing is whole; one that swallows it, or sees it twice, is told apart. */
const LAST = "GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/** The bytes of one connection. */
export function makeInput(random: Random): string {
  let input = random.chance(0.03) ? "\r\n" : "";
  for (let left = 1 + random.below(3); left > 0; left--) input += makeRequest(random);
  if (random.chance(0.7)) input += LAST;
  if (random.chance(0.4)) return input;
  for (let left = 1 + random.below(3); left > 0; left--) input = mutate(random, input);
  return input;
}

function choose<T>(random: Random, usual: readonly T[], odd: readonly T[]): T {
  return random.of(random.chance(ODD) ? odd : usual);
}

function makeRequest(random: Random): string {
  const method = choose(random, METHODS, ODD_METHODS);
  const target = choose(random, TARGETS, ODD_TARGETS);
  const version = choose(random, VERSIONS, ODD_VERSIONS);
  const lines = [`${method} ${target} ${version}`];
  if (!random.chance(ODD)) lines.push(`Host: ${choose(random, HOSTS, ODD_HOSTS)}`);
  while (random.chance(0.5)) lines.push(choose(random, FIELDS, ODD_FIELDS));
  const { fields, body } = makeBody(random);
  lines.push(...fields);
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

function makeBody(random: Random): { fields: string[]; body: string } {
  const kind = random.next();
  if (kind < 0.45) return { fields: [], body: "" };
  if (kind < 0.7) {
    const length = choose(random, LENGTHS, ODD_LENGTHS);
    const count = /^\d{1,2}$/.test(length) ? Number(length) : 3;
    const body = "abcdefghijklmnopqrstuvwxyz".slice(0, random.chance(ODD) ? count + 1 : count);
    return { fields: [`Content-Length: ${length}`], body };
  }
  const fields = [`Transfer-Encoding: ${choose(random, CODINGS, ODD_CODINGS)}`];
  if (random.chance(ODD)) fields.unshift(`Content-Length: ${random.of(LENGTHS)}`);
  let body = "";
  while (random.chance(0.6)) {
    const end = choose(random, ["\r\n"], ["", "\n", "\r"]);
    body += `${choose(random, SIZES, ODD_SIZES)}\r\nabc${end}`;
  }
  return { fields, body: body + choose(random, ENDS, ODD_ENDS) };
}

const INSERTS = [
  "\r", "\n", "\r\n", "\0", " ", "\t", ":", ";", ",", "0", "1", "a", "A", "\x0b", "\x7f", "\x80",
  "\xff", "\"", "\\", "/", "\r\n\r\n", "chunked", "Content-Length: 3\r\n", "HTTP/1.1",
  "Host: b\r\n",
  "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

type Mutation = (random: Random, input: string, at: number) => string;

const MUTATIONS: readonly Mutation[] = [
  (random, input, at) => input.slice(0, at) + random.of(INSERTS) + input.slice(at),
  (random, input, at) => input.slice(0, at) + random.of(INSERTS) + input.slice(at + 1),
  (random, input, at) => input.slice(0, at) + input.slice(at + 1 + random.below(4)),
  (random, input, at) =>
    input.slice(0, at) + String.fromCharCode(random.below(256)) + input.slice(at + 1),
  (_random, input, at) => input.slice(0, at),
  (random, input, at) => {
    const piece = input.slice(at, at + 1 + random.below(40));
    const to = random.below(input.length + 1);
    return input.slice(0, to) + piece + input.slice(to);
  },
  (random, input) => replaceOne(random, input, "\r\n", random.of(["\n", "\r", "\r\r\n", "\n\r"])),
  (random, input) => replaceOne(random, input, ": ", random.of([":", " : ", ":\t", ":\r\n "])),
  (random, input) => replaceOne(random, input, "3", random.of(["2", "4", "0", "30", "0x3"])),
];

function mutate(random: Random, input: string): string {
  return random.of(MUTATIONS)(random, input, random.below(input.length + 1));
}

function replaceOne(random: Random, input: string, what: string, by: string): string {
  const parts = input.split(what);
  if (parts.length < 2) return input;
  const at = 1 + random.below(parts.length - 1);
  return parts.slice(0, at).join(what) + by + parts.slice(at).join(what);
}

/** Sizes at which something changes: limits, slabs, and what is drained of an unread body. */
const EDGES = [1024, 8192, 16_384, 21_845, 65_536, 131_072, 262_144];

/** A request with something long in it, about as long as one of the limits. */
export function makeLongInput(random: Random): string {
  const size = Math.max(1, random.of(EDGES) + random.below(200) - 100);
  const host = "Host: a.test\r\n";
  switch (random.below(6)) {
    case 0:
      return `GET /${"t".repeat(size)} HTTP/1.1\r\n${host}\r\n${LAST}`;
    case 1:
      return `GET / HTTP/1.1\r\n${host}X: ${"v".repeat(size)}\r\n\r\n${LAST}`;
    case 2:
      return `GET / HTTP/1.1\r\n${host}${"X: y\r\n".repeat(95 + random.below(8))}\r\n${LAST}`;
    case 3:
      return `POST / HTTP/1.1\r\n${host}Content-Length: ${size}\r\n\r\n` +
        "b".repeat(size) + LAST;
    case 4:
      return `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n` +
        `${chunks(random, size)}0\r\nX-T: ${"t".repeat(random.below(18_000))}\r\n\r\n${LAST}`;
    default:
      return makeInput(random).repeat(1 + random.below(20)) + LAST;
  }
}

function chunks(random: Random, size: number): string {
  let made = "";
  for (let left = size; left > 0;) {
    const length = Math.min(left, 1 + random.below(random.chance(0.5) ? 20_000 : 200));
    made += `${length.toString(16)}\r\n${"c".repeat(length)}\r\n`;
    left -= length;
  }
  return made;
}

/** Where a text is cut into packets: at a few places, or at each. */
export function makeCuts(random: Random, length: number): number[] {
  if (length < 120 && random.chance(0.1)) return Array.from({ length }, (_, at) => at + 1);
  const cuts = Array.from({ length: 1 + random.below(5) }, () => 1 + random.below(length));
  return [...new Set(cuts)].sort((a, b) => a - b);
}
