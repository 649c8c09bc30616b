/**
 * A scenario's requests as bytes, and the check that a server answers them rightly. The bytes sent
 * by the check are the ones that wrk sends.
 */
import { connect } from "node:net";
import { gunzipSync } from "node:zlib";

const CHECK_TIMEOUT_MS = 5000;

export function serialise(request, port) {
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  for (const [name, value] of Object.entries(request.headers)) lines.push(`${name}: ${value}`);
  if (request.body) lines.push(`Content-Length: ${Buffer.byteLength(request.body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${request.body}`;
}

/** One string per write: each holds as many requests as the scenario pipelines. */
export function writesOf(scenario, port) {
  return scenario.requests.map((r) => serialise(r, port).repeat(scenario.pipeline ?? 1));
}

/** The body of a chunked message from `text`, or null while its end is missing. */
function readChunked(text) {
  let body = "";
  let at = 0;
  for (;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (Number.isNaN(size)) throw new Error("an answer has a chunk without a size");
    if (text.length < next) return null;
    body += text.slice(line + 2, line + 2 + size);
    at = next;
    if (size === 0) return { body, end: at };
  }
}

/** One answer from the front of `text`, or null while it is not complete. */
function readAnswer(text) {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine, ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers = new Map();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const rest = text.slice(headEnd + 4);
  const isChunked = headers.get("transfer-encoding") === "chunked";
  const length = Number(headers.get("content-length") ?? 0);
  const message = isChunked
    ? readChunked(rest)
    : rest.length < length
      ? null
      : { body: rest.slice(0, length), end: length };
  if (!message) return null;
  const status = Number(statusLine.split(" ")[1]);
  return { status, headers, isChunked, body: message.body, bytes: headEnd + 4 + message.end };
}

/** Writes `bytes` and resolves to `count` answers. */
function exchange(socket, bytes, count) {
  return new Promise((resolve, reject) => {
    const answers = [];
    let text = "";
    const settle = (error) => {
      clearTimeout(timer);
      socket.removeAllListeners("data").removeAllListeners("close");
      if (error) reject(error);
      else resolve(answers);
    };
    const timer = setTimeout(() => settle(new Error("no answer in time")), CHECK_TIMEOUT_MS);
    socket.on("close", () => settle(new Error("connection closed before the answer was complete")));
    socket.on("data", (chunk) => {
      text += chunk;
      try {
        for (let answer = readAnswer(text); answer; answer = readAnswer(text)) {
          answers.push(answer);
          text = text.slice(answer.bytes);
        }
      } catch (error) {
        settle(error);
        return;
      }
      if (answers.length >= count) settle();
    });
    socket.write(bytes);
  });
}

function decode(body, coding) {
  if (coding !== "gzip") throw new Error(`an answer has the coding ${coding}`);
  return gunzipSync(Buffer.from(body, "latin1")).toString("latin1");
}

function compare(answer, request, expect) {
  const body = typeof expect.body === "function" ? expect.body(request) : expect.body;
  const type = answer.headers.get("content-type") ?? "";
  const what = `${request.method} ${request.path}`;
  if (answer.status !== expect.status) throw new Error(`${what}: status ${answer.status}`);
  if (expect.type && !type.startsWith(expect.type)) throw new Error(`${what}: type "${type}"`);
  if (expect.isChunked && !answer.isChunked) throw new Error(`${what}: not chunked`);
  const coding = answer.headers.get("content-encoding");
  if (coding !== expect.coding) throw new Error(`${what}: Content-Encoding ${coding}`);
  const plain = coding ? decode(answer.body, coding) : answer.body;
  if (plain !== body) {
    throw new Error(`${what}: wrong body ${JSON.stringify(plain.slice(0, 80))}`);
  }
}

/** Sends every write of a scenario once and compares every answer; a wrong one throws. */
export async function check(scenario, port) {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1").setNoDelay(true);
  socket.on("error", () => {}); // 'close' follows and is reported
  const count = scenario.pipeline ?? 1;
  try {
    for (const [index, bytes] of writesOf(scenario, port).entries()) {
      const answers = await exchange(socket, bytes, count);
      if (answers.length !== count) throw new Error(`${answers.length} answers to ${count}`);
      for (const answer of answers) compare(answer, scenario.requests[index], scenario.expect);
    }
  } finally {
    socket.destroy();
  }
}
