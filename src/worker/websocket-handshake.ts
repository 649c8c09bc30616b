/**
 * What a request for a WebSocket is answered with (RFC 6455 4.2), before anything is written: the
 * fields of the 101, or the refusal. Whether the connection can switch at all is for the upgrade
 * below to say. Any thread.
 */
import { createHash } from "node:crypto";
import { type DeflateLink, negotiateDeflate } from "./websocket-deflate.ts";
import type { WebSocketOptions } from "./websocket-options.ts";
import { wsPackage } from "./ws-package.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** `none`: it asks for no WebSocket. */
export type Handshake =
  | { readonly kind: "none" }
  | {
    readonly kind: "refused";
    readonly status: number;
    readonly text: string;
    readonly headers: Record<string, string>;
  }
  | { readonly kind: "accepted"; readonly headers: Headers; readonly deflate: DeflateLink | null };

type Refused = Extract<Handshake, { kind: "refused" }>;

const VERSION = "13";
/** RFC 6455 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const UPGRADE = /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i;
/** Written by the handshake or the server; ignored in what an app gives. */
const OWN_FIELDS = [
  "upgrade", "connection", "sec-websocket-accept", "sec-websocket-extensions",
  "content-length", "transfer-encoding",
];

/** `given`: the app's fields for the answer. */
export function handshakeOf(
  { method, headers }: Pick<Request, "method" | "headers">,
  options: WebSocketOptions,
  given: HeadersInit,
): Handshake {
  if (!UPGRADE.test(headers.get("upgrade") ?? "")) return { kind: "none" };
  if (method !== "GET") return refused(400, "a WebSocket is asked for with GET");
  if (headers.get("sec-websocket-version") !== VERSION) return otherVersion();
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key)) return refused(400, "Sec-WebSocket-Key is missing or not valid");
  const answer = new Headers(given);
  for (const name of OWN_FIELDS) answer.delete(name);
  answer.set("Upgrade", "websocket");
  answer.set("Sec-WebSocket-Accept", createHash("sha1").update(key + GUID).digest("base64"));
  try {
    chooseProtocol(headers, answer);
    const deflate = negotiate(headers, options, answer);
    return { kind: "accepted", headers: answer, deflate };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refused(400, "Sec-WebSocket-Protocol or Sec-WebSocket-Extensions is not valid");
  }
}

/** The app's, else the first one that is offered: browsers take no answer without any. */
function chooseProtocol(headers: Headers, answer: Headers): void {
  const offered = headers.get("sec-websocket-protocol");
  if (offered === null) return;
  const [first] = wsPackage().subprotocol.parse(offered);
  if (!answer.has("sec-websocket-protocol")) answer.set("Sec-WebSocket-Protocol", first!);
}

function negotiate(
  headers: Headers,
  { deflate, maxPayloadLength }: WebSocketOptions,
  answer: Headers,
): DeflateLink | null {
  const offered = headers.get("sec-websocket-extensions");
  if (deflate === null || offered === null) return null;
  const negotiated = negotiateDeflate(offered, deflate, maxPayloadLength);
  if (negotiated !== null) answer.set("Sec-WebSocket-Extensions", negotiated.answer);
  return negotiated;
}

function otherVersion(): Refused {
  // RFC 9110 15.5.22 wants `Upgrade`, RFC 6455 4.4 the version.
  return {
    ...refused(426, "the version of the WebSocket protocol is not 13"),
    headers: { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": VERSION },
  };
}

function refused(status: number, text: string): Refused {
  return { kind: "refused", status, text: `${text}\n`, headers: {} };
}
