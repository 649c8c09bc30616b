/**
 * From an HTTP request on the control socket to an answer in JSON: limits, the body, the resource,
 * and the status of what goes wrong. Thread: the primary's.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type ErrorCode, HttpError, MillraceError } from "../shared/errors.ts";
import type { ControlProblem } from "../shared/control.ts";

/** What a resource is asked. */
export interface ControlRequest {
  readonly method: string;
  /** The path's segments, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ControlAnswer {
  readonly status: number;
  readonly value: unknown;
}

export type AnswerControl = (request: ControlRequest) => Promise<ControlAnswer>;

/** No body that is needed is longer: the options of a listener with all its limits are 2 KiB. */
const BODY_BYTES_MAX = 65_536;
/** Requests in work; beyond it 503. Nothing an operator does needs as many. */
const REQUESTS_MAX = 32;

const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_MILLRACE_OPTION_UNKNOWN: 400,
  ERR_MILLRACE_OPTION_INVALID: 400,
  ERR_MILLRACE_LISTENER_UNKNOWN: 404,
  ERR_MILLRACE_LISTENER_DUPLICATE: 409,
  ERR_MILLRACE_LISTENER_STOPPED: 409,
  ERR_MILLRACE_BIND: 409,
  ERR_MILLRACE_SERVER_CLOSED: 409,
  ERR_MILLRACE_UPGRADE: 409,
  ERR_MILLRACE_CONTROL_TIMEOUT: 504,
};

/** Makes the listener of a node:http server out of what answers. */
export function controlExchange(answer: AnswerControl): RequestListener {
  let running = 0;
  return (incoming, outgoing) => {
    if (running >= REQUESTS_MAX) {
      outgoing.setHeader("Retry-After", "1");
      send(outgoing, problem(busy()));
      return;
    }
    running++;
    void exchange(incoming, outgoing, answer).finally(() => running--);
  };
}

async function exchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: AnswerControl,
): Promise<void> {
  try {
    send(outgoing, await answer(await read(incoming)));
  } catch (error) {
    send(outgoing, problem(error));
  }
}

async function read(incoming: IncomingMessage): Promise<ControlRequest> {
  const target = incoming.url ?? "/";
  const { pathname, searchParams } = parseTarget(target);
  return {
    method: incoming.method ?? "GET",
    segments: pathname.split("/").slice(1).map(decode),
    query: searchParams,
    body: parseBody(await collect(incoming)),
  };
}

function parseTarget(target: string): URL {
  if (!target.startsWith("/")) throw malformed(400, "the target is no path");
  // Not against a base, where "//x" would name a host.
  return new URL(`http://localhost${target}`);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw malformed(400, `"${segment}" is not percent-encoded as it should be`);
  }
}

async function collect(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw malformed(413, `the body is longer than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** No body stands for an empty object. */
function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(400, "the body is not JSON", cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw malformed(400, "the body must be an object in JSON");
}

/** An error of a request itself. */
export function malformed(status: number, message: string, cause?: unknown): HttpError {
  return new HttpError(status, message, { code: "ERR_MILLRACE_CONTROL_REQUEST", cause });
}

function busy(): MillraceError {
  const message = `${REQUESTS_MAX} requests are in work, ask again when some have been answered`;
  return new MillraceError("ERR_MILLRACE_CONTROL_BUSY", message);
}

function problem(error: unknown): ControlAnswer {
  const { code, status, message } = error as Partial<HttpError & MillraceError>;
  const value: ControlProblem = {
    error: { code: code ?? "ERR_MILLRACE_CONTROL_REQUEST", message: causes(error, message) },
  };
  return { status: (code && STATUS[code]) ?? status ?? 500, value };
}

/** With what stands behind it: an app that does not load says why in its cause. */
function causes(error: unknown, message: string = String(error)): string {
  const cause = (error as Error | null)?.cause;
  if (!(cause instanceof Error) || "syscall" in cause) return message;
  const inner = causes(cause, cause.message);
  return message.includes(inner) ? message : `${message}: ${inner}`;
}

function send(outgoing: ServerResponse, { status, value }: ControlAnswer): void {
  const text = `${JSON.stringify(value ?? {}, null, 2)}\n`;
  outgoing.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    // What is left of a body that was too long is not read.
    ...(status >= 400 && { Connection: "close" }),
  });
  outgoing.end(text);
}
