/**
 * The insides of an answer whose bytes are the app's, head included: what stands for them in the
 * queue of answers. Thread: the engine's.
 */
import type { ReplyBody } from "./reply-body.ts";
import { ResponseParts, TYPE_IN_HEADERS } from "./response-parts.ts";

/** No status of an answer: those below 200 never take the short ways. */
const RAW = 1;

export class RawParts extends ResponseParts {
  /** Of the status line, for logs and metrics. */
  readonly sentStatus: number;
  readonly bytes: ReplyBody;

  constructor(sentStatus: number, bytes: ReplyBody) {
    super(bytes, TYPE_IN_HEADERS);
    this.status = RAW;
    this.sentStatus = sentStatus;
    this.bytes = bytes;
  }
}

/** The status of the message that begins so; 0: it begins with no status line. */
export function statusOf(bytes: Uint8Array): number {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 13));
  const found = /^HTTP\/1\.[01] ([1-5]\d\d)(?:[ \r]|$)/.exec(start.toString("latin1"));
  return found === null ? 0 : Number(found[1]);
}
