/**
 * The workloads, as data. Everything that differs between two workloads stands here: what is sent,
 * what must come back, over how many connections, and which tool makes the load. The contenders
 * all serve the same paths (contenders/ says where one does not).
 *
 * A scenario:
 *   name, title   the key in results and the heading in the report
 *   load          "http" (wrk, and autocannon), "churn", "bulk", "messages" or "idle" (the
 *                 clients in clients/)
 *   requests      what is sent, in turn: { method, path, headers, body }
 *   pipeline      requests written at once; 1 where absent
 *   expect        { status, type, coding, body }: body is a string, or a function of the request,
 *                 compared when the coding, if there is one, has been taken off
 *   mode, bytes   of "bulk": "in", "chunked" or "out", and how long a body is;
 *                 of "messages": "raw", "echo" or "broadcast"
 *   contenders    the names of those that take part; all where absent
 *   compareWith   a path of the same contender that a bound holds it against
 */

import { document16 } from "./apps/document.mjs";
import { textOf } from "./lib/served-files.mjs";
import { ROWS } from "./apps/rows.mjs";

const CONNECTIONS = 64;
const HELLO = { status: 200, type: "text/plain", body: "Hello, World!" };

/** What Chromium sends with a navigation, beside Host: 12 headers, about 700 bytes with them. */
const BROWSER_HEADERS = {
  "Connection": "keep-alive",
  "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Linux"',
  "Upgrade-Insecure-Requests": "1",
  "User-Agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
    "Chrome/142.0.0.0 Safari/537.36",
  "Accept":
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng," +
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
  "Sec-Fetch-Site": "none",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": "document",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
};

/**
 * A compact JSON document of exactly `bytes` bytes: a page of a list of users. What such a document
 * costs to parse and serialise depends on its shape as much as on its size: in V8 mostly text takes
 * 3 us, this 6 us, a list of small numbers and flags 10 us.
 */
function jsonOf(bytes) {
  const users = Array.from({ length: 7 }, (_, i) => ({
    id: 1000 + i,
    name: `Some One ${i}`,
    email: `someone${i}@example.com`,
    active: i % 2 === 0,
    about: "writes servers and reads logs",
  }));
  const document = { page: 1, total: 7, users, note: "" };
  document.note = "n".repeat(bytes - JSON.stringify(document).length);
  return JSON.stringify(document);
}

const get = (path, headers = {}) => ({ method: "GET", path, headers, body: "" });
const USERS = Array.from({ length: 1000 }, (_, i) => get(`/users/${1000 + i}`));
const DOCUMENT = jsonOf(1024);

export const scenarios = [
  {
    name: "hello",
    title: "hello",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/")],
    expect: HELLO,
  },
  {
    name: "headers",
    title: "hello with the 12 headers a browser sends",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/", BROWSER_HEADERS)],
    expect: HELLO,
  },
  {
    name: "json",
    title: "JSON",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/json")],
    expect: { status: 200, type: "application/json", body: '{"message":"Hello, World!"}' },
  },
  {
    name: "param",
    title: "`:param` route with 1,000 ids",
    load: "http",
    connections: CONNECTIONS,
    requests: USERS,
    expect: {
      status: 200,
      type: "text/plain",
      body: (request) => request.path.slice("/users/".length),
    },
  },
  {
    name: "echo",
    title: "1 KiB JSON echo",
    load: "http",
    connections: CONNECTIONS,
    requests: [
      {
        method: "POST",
        path: "/echo",
        headers: { "Content-Type": "application/json" },
        body: DOCUMENT,
      },
    ],
    expect: { status: 200, type: "application/json", body: DOCUMENT },
  },
  {
    name: "async",
    title: "async handler (one `await`)",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/async")],
    expect: HELLO,
    compareWith: "/",
  },
  {
    name: "pipelined",
    title: "hello pipelined x16",
    load: "http",
    connections: CONNECTIONS,
    pipeline: 16,
    requests: [get("/")],
    expect: HELLO,
  },
  {
    name: "stream",
    title: "chunked stream of 100 x 1 KiB",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/stream")],
    expect: { status: 200, body: "x".repeat(100 * 1024), isChunked: true },
  },
  {
    name: "upload",
    title: "100 MiB in, in pieces of 64 KiB",
    load: "bulk",
    mode: "in",
    bytes: 100 << 20,
    contenders: ["millrace", "node-http"],
    requests: [{ method: "POST", path: "/upload", headers: {}, body: "" }],
  },
  {
    name: "download",
    title: "100 MiB out, in pieces of 64 KiB",
    load: "bulk",
    mode: "out",
    bytes: 100 << 20,
    contenders: ["millrace", "node-http"],
    requests: [get("/download")],
  },
  {
    name: "compressed",
    title: "16 KiB of JSON with gzip",
    load: "http",
    contenders: ["millrace", "node-http"],
    connections: CONNECTIONS,
    requests: [get("/compressed", { "Accept-Encoding": "gzip" })],
    expect: {
      status: 200,
      type: "application/json",
      coding: "gzip",
      body: () => document16,
    },
  },
  {
    name: "constant",
    title: "`Response` constant as a route",
    load: "http",
    connections: CONNECTIONS,
    requests: [get("/constant")],
    expect: HELLO,
  },
  {
    name: "access-log",
    title: "hello with the 12 headers of a browser, with and without an access log",
    load: "http",
    connections: CONNECTIONS,
    contenders: ["epoll", "millrace", "millrace-logged"],
    requests: [get("/", BROWSER_HEADERS)],
    expect: HELLO,
  },
  {
    name: "file-1k",
    title: "static file of 1 KiB",
    load: "http",
    connections: CONNECTIONS,
    contenders: ["millrace", "nginx"],
    requests: [get("/files/1k.txt")],
    expect: { status: 200, type: "text/plain", body: () => textOf("1k.txt") },
  },
  {
    name: "file-1m",
    title: "static file of 1 MiB",
    load: "http",
    connections: CONNECTIONS,
    contenders: ["millrace", "nginx"],
    requests: [get("/files/1m.txt")],
    expect: { status: 200, type: "text/plain", body: () => textOf("1m.txt") },
  },
  {
    name: "table",
    title: "1,000 paths, through a table of 1,000 rows and through one of one row",
    load: "http",
    connections: CONNECTIONS,
    contenders: ["millrace-row", "millrace-table"],
    requests: Array.from({ length: ROWS }, (_, i) => get(`/rows/${i}`)),
    expect: HELLO,
  },
  {
    name: "churn",
    title: "connection per request",
    load: "churn",
    connections: CONNECTIONS,
    requests: [get("/", { Connection: "close" })],
    expect: HELLO,
  },
  {
    name: "raw-echo",
    title: "echo of 64 bytes on an upgraded socket",
    load: "messages",
    mode: "raw",
    connections: CONNECTIONS,
    contenders: ["millrace", "node-net"],
    requests: [get("/raw")],
  },
  {
    name: "ws-echo",
    title: "WebSocket echo of 64 bytes",
    load: "messages",
    mode: "echo",
    connections: CONNECTIONS,
    contenders: ["millrace", "bun", "ws"],
    requests: [get("/ws-echo")],
  },
  {
    name: "ws-broadcast",
    title: "WebSocket broadcast of 64 bytes to 1,000 subscribers",
    load: "messages",
    mode: "broadcast",
    connections: 1000,
    contenders: ["millrace", "bun", "ws", "broadcast"],
    requests: [get("/ws-broadcast")],
  },
  {
    name: "idle",
    title: "resident bytes per idle connection",
    load: "idle",
    connections: 10_000,
    requests: [get("/")],
    expect: HELLO,
  },
];
