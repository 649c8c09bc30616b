/**
 * Gives a connection to a `WebSocketServer` of the package `ws` that has `noServer: true`, for code
 * that has one already. It writes its own answer to the request: that is read here and becomes the
 * 101 of the upgrade or an ordinary answer, so that all checks come before 101 all the same.
 * `millrace/ws` is its entry.
 */
import { Duplex } from "node:stream";
import type { Context } from "../shared/context.ts";
import type { SocketHandler, UpgradedSocket } from "../shared/upgrades.ts";

/** The part of a `WebSocketServer` that is needed. */
export interface UpgradingServer<Socket extends ClosableSocket = ClosableSocket> {
  // `ws` names an IncomingMessage here, and reads no more of it than `UpgradeRequest` has.
  handleUpgrade(
    request: never,
    socket: Duplex,
    head: Buffer,
    done: (socket: Socket, request: never) => void,
  ): void;
  emit(event: "connection", socket: Socket, request: unknown): unknown;
}

export interface ClosableSocket {
  close(code: number, reason?: string): void;
}

/** What stands for node:http's IncomingMessage. */
export interface UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** Names in lower case, repeated fields joined. */
  readonly headers: Record<string, string>;
  readonly socket: Duplex;
}

const HEAD_END = "\r\n\r\n";
const OWN_FIELDS = new Set(["connection", "content-length", "transfer-encoding"]);
const CODE_GOING = 1001;

/**
 * The answer to return: the 101 with the fields that the server gives, or what it refuses with. Its
 * `connection` event follows the 101. When the listener stops, the socket is closed with 1001.
 * Rejects with what `handleUpgrade` throws.
 */
export async function upgradeWith<Socket extends ClosableSocket>(
  server: UpgradingServer<Socket>,
  request: Request,
  context: Context,
): Promise<Response> {
  const stream = new DeferredSocket();
  const { pathname, search } = new URL(request.url);
  const message: UpgradeRequest = {
    method: request.method,
    url: pathname + search,
    httpVersion: "1.1",
    headers: Object.fromEntries(request.headers),
    socket: stream,
  };
  let open!: (socket: Socket) => void;
  const opened = new Promise<Socket>((resolve) => {
    open = resolve;
  });
  try {
    server.handleUpgrade(message as never, stream, Buffer.alloc(0), open);
  } catch (error) {
    stream.destroy();
    throw error; // a function of the app's has thrown, `verifyClient` say: no answer would come
  }
  const { status, headers, body } = parseAnswer(await stream.answer);
  if (status !== 101) return new Response(body, { status, headers });
  const socket = await opened;
  const handler: SocketHandler = {
    async start(upgraded) {
      const closed = stream.attach(upgraded);
      server.emit("connection", socket, message);
      await closed;
    },
    stop: () => socket.close(CODE_GOING, "the server is going away"),
  };
  const answer = context.upgrade(handler, { headers });
  if (answer.status === 101) context.connection.onClose(() => stream.destroy(), stream);
  else stream.destroy();
  return answer;
}

/** Keeps what is written before there is a socket, of which the first is the answer. */
class DeferredSocket extends Duplex {
  /** Status line, fields and body. */
  readonly answer: Promise<string>;
  #answered: (answer: string) => void = () => {};
  #early: Buffer = Buffer.alloc(0);
  #hasAnswered = false;
  #socket: UpgradedSocket | null = null;

  constructor() {
    super({ allowHalfOpen: true });
    this.answer = new Promise((resolve) => {
      this.#answered = resolve;
    });
    this.on("error", () => {});
  }

  /** Resolves when both have closed. */
  async attach(socket: UpgradedSocket): Promise<void> {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    if (this.#early.length > 0) socket.write(this.#early);
    if (this.destroyed) socket.destroy();
    await new Promise((resolve) => {
      socket.once("close", resolve);
    });
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#socket !== null) {
      this.#socket.write(chunk, callback);
      return;
    }
    this.#early = Buffer.concat([this.#early, chunk]);
    const end = this.#early.indexOf(HEAD_END);
    if (!this.#hasAnswered && end > 0) {
      this.#hasAnswered = true;
      this.#answered(this.#early.toString("latin1"));
      this.#early = Buffer.alloc(0);
    }
    callback();
  }

  override _final(callback: () => void): void {
    this.#socket?.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket?.destroy();
    this.#answered(""); // of a server that only destroys
    callback(error);
  }
}

function parseAnswer(answer: string): { status: number; headers: Headers; body: string } {
  const end = answer.indexOf(HEAD_END);
  const [first = "", ...lines] = answer.slice(0, Math.max(end, 0)).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (!OWN_FIELDS.has(name.toLowerCase())) headers.append(name, line.slice(colon + 1).trim());
  }
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 400);
  return { status, headers, body: end < 0 ? "" : answer.slice(end + HEAD_END.length) };
}
