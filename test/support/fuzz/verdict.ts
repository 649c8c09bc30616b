/** What a server makes of the bytes of a connection. */
import { createHash } from "node:crypto";

export interface Seen {
  /** The whole requests that a handler got: method, length and hash of the body. */
  readonly requests: readonly string[];
  /** Why the connection was given up: a status of ours, a code of node:http. */
  readonly refused: string | null;
}

/** What the server answers itself; its body, if it has one, goes by unseen. */
export const SERVER_OPTIONS = "OPTIONS *";

/** One whole request; the app of the fuzzers says the same. */
export function requestSeen(method: string, body: Uint8Array): string {
  const hash = createHash("sha1").update(body).digest("hex");
  return `${method} ${body.length} ${hash}`;
}
