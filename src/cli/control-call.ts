/**
 * One request to the control socket of a server, and one clear error for each way in which there
 * is none. Runs in the process of the command, not in the server's.
 */
import { request } from "node:http";
import { type ErrorCode, ERRORS, MillraceError } from "../shared/errors.ts";

export interface ControlCallOptions {
  /** As `GET /status`. */
  readonly name: string;
  readonly body?: object | undefined;
  /** How long the server may take; 0: as long as what is asked of it takes. */
  readonly timeoutMs: number;
}

/** Resolves to what the server answered, rejects with what it refused. */
export async function callControl(path: string, options: ControlCallOptions): Promise<unknown> {
  const { status, text } = await exchange(path, options);
  const value = parse(path, text);
  if (status < 400) return value;
  const { code, message } = (value as { error?: { code?: string; message?: string } }).error ?? {};
  throw new MillraceError(knownCode(code), message ?? `the server answered with ${status}`);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function exchange(path: string, { name, body, timeoutMs }: ControlCallOptions): Promise<Answer> {
  const [method, target] = name.split(" ");
  return new Promise((resolve, reject) => {
    const place = { socketPath: path, method, path: target, agent: false };
    const outgoing = request(place, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      incoming.on("error", (error) => reject(unreachable(path, error)));
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    if (timeoutMs > 0) {
      outgoing.setTimeout(timeoutMs, () => {
        const late = new Error(`no answer within ${timeoutMs} ms`);
        outgoing.destroy(Object.assign(late, { code: "ETIMEDOUT" }));
      });
    }
    outgoing.on("error", (error) => reject(unreachable(path, error)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreachable(path, cause);
  }
}

function knownCode(code: string | undefined): ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code)
    ? code as ErrorCode
    : "ERR_MILLRACE_CONTROL_REQUEST";
}

function unreachable(path: string, cause: unknown): MillraceError {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const message = reason(path, code);
  return new MillraceError("ERR_MILLRACE_CONTROL_SOCKET", message, { cause: { code } });
}

function reason(path: string, code: string | undefined): string {
  switch (code) {
    case "ENOENT":
      return `there is no control socket ${path}: no server runs with it`;
    case "ECONNREFUSED":
      return `nobody answers on the control socket ${path}: its server has died`;
    case "EACCES":
    case "EPERM":
      return `no permission to use the control socket ${path}: it is for the server's own user`;
    case "EAGAIN":
    case "ETIMEDOUT":
      return `the server of the control socket ${path} is too busy to answer`;
    case "ECONNRESET":
    case "EPIPE":
      return `the server of the control socket ${path} has ended before it answered`;
    default:
      return `what answers on ${path} is no server of Millrace`;
  }
}
