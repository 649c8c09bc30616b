/**
 * What Millrace promises, as data: CPU time per request as a multiple of the yardstick's on the
 * same work in the same run. The report holds each measured figure against these rows.
 */

/** Differences below this are noise: a figure over its bound by no more counts as reached. */
export const TOLERANCE = 0.03;

/**
 * `against`: the yardstick or another contender, or "self" for the same server's path in
 * `compareWith`. `contender`: whose figure it is, Millrace's where absent.
 */
export const ratioBounds = [
  { scenario: "hello", atMost: 1.14, against: "epoll" },
  { scenario: "headers", atMost: 1.2, against: "epoll" },
  { scenario: "pipelined", atMost: 1.6, against: "epoll" },
  { scenario: "json", atMost: 1.16, against: "epoll" },
  { scenario: "param", atMost: 1.16, against: "epoll" },
  { scenario: "echo", atMost: 2.5, against: "epoll" },
  { scenario: "stream", atMost: 2.2, against: "epoll" },
  { scenario: "churn", atMost: 1.4, against: "epoll" },
  { scenario: "async", atMost: 1.15, against: "self" },
  { scenario: "access-log", contender: "millrace-logged", atMost: 1.1, against: "millrace" },
  { scenario: "file-1k", atMost: 1.2, against: "nginx" },
  { scenario: "file-1m", atMost: 1.1, against: "nginx" },
  { scenario: "table", contender: "millrace-table", atMost: 1.1, against: "millrace-row" },
  { scenario: "upload", atMost: 0.9, against: "node-http" },
  { scenario: "download", atMost: 1.05, against: "node-http" },
  { scenario: "raw-echo", atMost: 0.85, against: "node-net" },
  { scenario: "ws-echo", atMost: 0.9, against: "ws" },
  { scenario: "ws-broadcast", atMost: 0.5, against: "ws" },
  { scenario: "constant", atMost: 1.08, against: "epoll" },
];

/** The two rows of a bound, as { contender, isBase }. */
export function partiesOf({ contender = "millrace", against }) {
  const isSelf = against === "self";
  const ruler = { contender: isSelf ? contender : against, isBase: isSelf };
  return { own: { contender, isBase: false }, ruler };
}

/** Millrace's CPU time per request is below that of every server here, in these scenarios. */
export const below = {
  scenarios: ["hello", "headers", "json", "param", "pipelined"],
  contenders: ["bun", "deno", "fastify", "node-http", "nginx"],
};

export const idleBytesMax = 500;

/**
 * How much larger Millrace's process may be while bodies of 100 MiB go through it than before the
 * first request: less than a body. What lies there is what V8 lets lie before it collects garbage,
 * 32 MiB of buffers on Node.js 20 and 64 MiB on 26.
 */
export const growth = { scenarios: ["upload", "download"], bytesMax: 96 << 20 };
