/** Limits on heads: 431 and 414 at exactly the documented sizes, however the bytes come. */
import t from "tap";
import { startConformance } from "../support/conformance.ts";

const CLOSE = "Host: a.test\r\nConnection: close\r\n";

/** A head whose last counted byte, the end of its last value, is at `size`. */
function headOf(size: number): string {
  const start = `GET / HTTP/1.1\r\n${CLOSE}X: `;
  return `${start}${"x".repeat(size - start.length)}\r\n\r\n`;
}

function targetOf(size: number): string {
  return `GET /${"x".repeat(size - 1)} HTTP/1.1\r\n${CLOSE}\r\n`;
}

function withFields(count: number): string {
  return `GET / HTTP/1.1\r\n${CLOSE}${"X: y\r\n".repeat(count - 2)}\r\n`;
}

const OPTIONS = { headBytesMax: 1024, headersMax: 10, targetBytesMax: 256 };
const CASES: Record<string, [status: number, bytes: string]> = {
  "a head of the limit": [200, headOf(1024)],
  "a head over it by one": [431, headOf(1025)],
  "a head far over it": [431, headOf(100_000)],
  "a head far over it, and malformed there": [431, headOf(5000).replace(/x\r/, "\0\r")],
  "a head that is malformed, and too long after": [400, headOf(5000).replace("X:", "X :")],
  "a long name": [431, `GET / HTTP/1.1\r\n${CLOSE}${"X".repeat(2000)}: y\r\n\r\n`],
  "much white space before a value": [
    431, `GET / HTTP/1.1\r\n${CLOSE}X:${" ".repeat(2000)}y\r\n\r\n`,
  ],
  "much white space after a value": [
    431, `GET / HTTP/1.1\r\n${CLOSE}X: y${" ".repeat(2000)}\r\n\r\n`,
  ],
  "as many fields as allowed": [200, withFields(10)],
  "one more field": [431, withFields(11)],
  "a thousand fields": [431, withFields(1000)],
  "a target of the limit": [200, targetOf(256)],
  "a target over it by one": [414, targetOf(257)],
  "a target far over it": [414, targetOf(100_000)],
  "a target far over it, and malformed there": [414, targetOf(5000).replace("x ", "\x01 ")],
  "a query over it": [414, targetOf(257).replace("/x", "/?")],
  "much space before the target": [414, `GET${" ".repeat(2000)}/ HTTP/1.1\r\n${CLOSE}\r\n`],
  "much space behind the target": [414, `GET /${" ".repeat(2000)}HTTP/1.1\r\n${CLOSE}\r\n`],
  "an endless first line": [414, `GET /${"x".repeat(100_000)}`],
  "a method without end": [501, "G".repeat(100_000)],
};

t.test("heads around their limits", async (t) => {
  const server = await startConformance(t, OPTIONS);
  await Promise.all(Object.entries(CASES).map(async ([name, [status, bytes]]) => {
    const whole = await server.transcript(bytes);
    t.match(whole, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nConnection: close\r\n`), name);
    // What lies far behind the answer is read by the lingering close in large pieces.
    const slow = bytes.length > 6000 ? 1500 : "bytewise";
    t.equal(await server.transcript(bytes, slow), whole, `${name}: in parts`);
    for (const at of [200, 300, 1020, 1023, 1024, 1025, 1026, 1027, 1028, 1029]) {
      if (at >= bytes.length) continue;
      t.equal(await server.transcript(bytes, at), whole, `${name}: cut at ${at}`);
    }
  }));
  const seen = await server.seen();
  t.strictSame(seen, seen.filter((each) => /^GET \/x{255}$/.test(each)));
});

t.test("a limit of the target as high as that of the head", async (t) => {
  const server = await startConformance(t, { headBytesMax: 1024, targetBytesMax: 1024 });
  for (const size of [1030, 2000, 5000]) {
    const whole = await server.transcript(targetOf(size));
    t.match(whole, /^HTTP\/1\.1 414 /);
    t.equal(await server.transcript(targetOf(size), "bytewise"), whole);
  }
  const near = `GET /${"x".repeat(1015)} HTTP/1.1\r\n${CLOSE}\r\n`;
  const whole = await server.transcript(near);
  t.match(whole, /^HTTP\/1\.1 414 /, "the first line ends behind the limit");
  t.equal(await server.transcript(near, "bytewise"), whole);
});

t.test("the largest limits", async (t) => {
  const server = await startConformance(t, { headBytesMax: 65_535, targetBytesMax: 65_000 });
  t.match(await server.transcript(headOf(65_535)), /^HTTP\/1\.1 200 /);
  t.match(await server.transcript(headOf(65_536)), /^HTTP\/1\.1 431 /);
  t.match(await server.transcript(targetOf(65_000)), /^HTTP\/1\.1 200 /);
  t.match(await server.transcript(targetOf(65_001)), /^HTTP\/1\.1 414 /);
  const long = headOf(60_000).replace("Connection: close\r\n", "");
  const client = await server.connect();
  client.write(long.repeat(20));
  for (let i = 0; i < 20; i++) t.equal((await client.response()).body, "hello");
});

t.test("the defaults", async (t) => {
  const server = await startConformance(t);
  const cases: [number, string][] = [
    [200, headOf(16_384)], [431, headOf(16_385)], [200, withFields(100)], [431, withFields(101)],
    [200, targetOf(8192)], [414, targetOf(8193)],
  ];
  for (const [status, bytes] of cases) {
    t.match(await server.transcript(bytes), new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

t.test("a head over the limit behind good requests", async (t) => {
  const server = await startConformance(t, OPTIONS);
  const client = await server.connect();
  client.write("GET /wait/l HTTP/1.1\r\nHost: a.test\r\n\r\n" + headOf(50_000));
  await server.waits("l");
  t.equal(client.pending, "");
  await server.open("l");
  t.equal((await client.response()).body, "l");
  t.equal((await client.response()).status, 431);
  t.equal(await client.readToEnd(), "");
});
