/** Peers of a server's WebSockets: the `WebSocket` of `ws`, and a raw connection after its 101. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { type ClientOptions, WebSocket } from "ws";
import { until, within } from "./deadline.ts";
import type { Owner } from "./folder.ts";
import { WirePeer } from "./websocket-pair.ts";

export interface Peer {
  readonly socket: WebSocket;
  /** Messages, binary ones as their text. */
  readonly messages: string[];
  /** Of the close, once it has come. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Resolves when so many messages have come in all. */
  received(count: number): Promise<string[]>;
}

/** Connects and waits for the 101. `url` is the server's. */
export async function openPeer(
  owner: Owner,
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<Peer> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, options);
  owner.teardown(() => socket.terminate());
  const messages: string[] = [];
  socket.on("message", (data: Buffer) => messages.push(data.toString()));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await within("the 101", once(socket, "open"));
  socket.on("error", () => {});
  return {
    socket,
    messages,
    closed,
    async received(count) {
      await until(`${count} messages`, () => messages.length >= count);
      return messages;
    },
  };
}

export function handshake(fields: Record<string, string | null> = {}, path: string = "/"): string {
  const all: Record<string, string | null> = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Version": "13",
    ...fields,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== null);
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `GET ${path} HTTP/1.1\r\n${text}\r\n`;
}

export interface RawPeer {
  readonly peer: WirePeer;
  /** The head of the 101. */
  readonly head: string;
}

/** A connection of which every byte is the test's; `first` goes in one piece with the request. */
export async function rawPeer(
  owner: Owner,
  port: number,
  fields: Record<string, string | null> = {},
  first: Buffer = Buffer.alloc(0),
): Promise<RawPeer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.setNoDelay();
  socket.on("error", () => {});
  owner.teardown(() => void socket.destroy());
  socket.write(Buffer.concat([Buffer.from(handshake(fields)), first]));
  let received = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
  };
  socket.on("data", take);
  await until("the 101", () => received.includes("\r\n\r\n") || socket.destroyed);
  socket.off("data", take);
  const end = received.indexOf("\r\n\r\n") + 4;
  const head = received.toString("latin1", 0, end);
  return { head, peer: new WirePeer(socket, received.subarray(end)) };
}
