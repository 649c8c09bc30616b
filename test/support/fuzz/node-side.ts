/**
 * What node:http makes of the bytes of a connection. What its parser says is noted where it calls,
 * since an error that follows destroys earlier requests before their events come.
 */
import { once } from "node:events";
import { createServer, IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { within } from "../deadline.ts";
import { requestSeen, type Seen, SERVER_OPTIONS } from "./verdict.ts";

const STUCK_MS = 400;

/** By socket: its messages in order. */
const messages = new WeakMap<Socket, Noted[]>();

class Noted extends IncomingMessage {
  readonly pieces: Buffer[] = [];
  isEnded = false;
  /** Given to a handler, and not refused before. */
  isHandled = false;

  constructor(socket: Socket) {
    super(socket);
    const list = messages.get(socket) ?? [];
    list.push(this);
    messages.set(socket, list);
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null) this.isEnded = true;
    else this.pieces.push(Buffer.from(chunk as Buffer));
    return super.push(chunk, encoding);
  }
}

export interface NodeSide {
  judge(input: string): Promise<Seen>;
  close(): void;
}

export async function startNode(): Promise<NodeSide> {
  const ends = new Map<number, (seen: Seen) => void>();
  const errors = new WeakMap<Socket, string>();
  const server = createServer({
    IncomingMessage: Noted,
    insecureHTTPParser: false,
    // A message cut short behind an upgrade that nobody takes is forgotten, FIN and all.
    headersTimeout: STUCK_MS,
    requestTimeout: STUCK_MS,
    connectionsCheckingInterval: STUCK_MS / 4,
  });
  // Not documented, and the only way to have it answer after the client's FIN.
  Object.assign(server, { httpAllowHalfOpen: true, keepAliveTimeout: 0 });
  server.on("request", (request, response) => {
    request.isHandled = true;
    request.on("error", () => undefined);
    request.on("end", () => response.end()).resume();
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!errors.has(socket as Socket)) errors.set(socket as Socket, error.code ?? "");
    socket.destroy();
  });
  server.on("connection", (socket) => {
    const port = socket.remotePort!;
    socket.on("close", () => {
      ends.get(port)?.(seenOn(socket, errors.get(socket) ?? null));
      ends.delete(port);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    async judge(input) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => undefined);
      await once(socket, "connect");
      const end = new Promise<Seen>((resolve) => ends.set(socket.localPort!, resolve));
      socket.resume().end(Buffer.from(input, "latin1"));
      const seen = await within(() => `node:http's end of ${JSON.stringify(input)}`, end);
      socket.destroy();
      return seen;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function seenOn(socket: Socket, error: string | null): Seen {
  const all = messages.get(socket) ?? [];
  const whole = all.filter((each) => each.isHandled && each.isEnded);
  const requests = whole.map(({ method, url, pieces }) =>
    method === "OPTIONS" && url === "*"
      ? SERVER_OPTIONS
      : requestSeen(method!, Buffer.concat(pieces)));
  // It answers some itself: 400 without Host, 417 to an expectation it does not know.
  const isAnswered = all.some((each) => each.isEnded && !each.isHandled);
  return { requests, refused: error ?? (isAnswered ? "answered without a handler" : null) };
}
