/**
 * A request as native writes it for a worker: the head in latin1, the table of its fields behind
 * it, then the body if it is here whole; and the words of its event. Pure.
 */
import {
  EVENT_BODY_LENGTH,
  EVENT_BODY_OFFSET,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_HEADER_COUNT,
  EVENT_KIND,
  EVENT_LISTENER,
  EVENT_MESSAGE_OFFSET,
  EVENT_METHOD,
  EVENT_SEQUENCE,
  EVENT_SLOT,
  EVENT_TABLE_OFFSET,
  EVENT_TARGET_ID,
  EVENT_TARGET_LENGTHS,
  EVENT_TARGET_OFFSET,
  EVENT_TARGET_VERSION,
  EVENT_WORDS,
  FLAG_BODY_COMPLETE,
  FLAG_CHUNKED,
  FLAG_HAS_BODY,
  FLAG_HEAD,
  HEADER_BYTES,
  KIND_REQUEST,
} from "../shared/layout.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import { METHODS } from "../shared/methods.ts";

/** Bytes: all of it is here. `stream`: it comes in pieces, of a length that nobody knows. */
export type RecordBody = Uint8Array | "stream" | null;

export interface RequestHead {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: RecordBody;
}

/** Why a server answers without asking a handler. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** What is the server's to say, or of a connection that there is not. */
const OWN_FIELDS = new Set([
  "connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding",
]);
/** Those whose bodies are said to be empty (RFC 9110 8.6). */
const BODY_METHODS = new Set(["PATCH", "POST", "PUT"]);

export class RequestRecord {
  readonly #head: RequestHead;
  readonly #target: string;
  readonly #fields: readonly (readonly [name: string, value: string])[];

  constructor(head: RequestHead) {
    const { method, body } = head;
    const sent = body === null && BODY_METHODS.has(method) ? new Uint8Array(0) : body;
    this.#head = { ...head, body: sent };
    this.#target = head.url.pathname + head.url.search;
    this.#fields = [...fieldsOf(this.#head)];
  }

  get target(): string {
    return this.#target;
  }

  /**
   * As core/failure.h has it; null: handlers are asked. `declaredMax`: bytes of a body whose length
   * is told, 0 for no limit.
   */
  refusal(settings: ListenerSettings, declaredMax: number): Refusal | null {
    const { methods, targetBytesMax, headBytesMax, headersMax } = settings;
    if (!methods.includes(this.#head.method)) {
      return { status: 501, reason: "method not implemented" };
    }
    const line = this.#requestLine().length;
    if (this.#target.length > targetBytesMax || line > headBytesMax) {
      return { status: 414, reason: "request line too long" };
    }
    if (this.#fields.length > headersMax) return { status: 431, reason: "too many header fields" };
    let bytes = 2;
    for (const [name, value] of this.#fields) bytes += name.length + value.length + 4;
    if (line + bytes > headBytesMax) return { status: 431, reason: "header fields too large" };
    const { body } = this.#head;
    const isLarge = declaredMax > 0 && body instanceof Uint8Array && body.length > declaredMax;
    return isLarge ? { status: 413, reason: "content too large" } : null;
  }

  /** The slab that the words of the event lie about. Its head has 65,535 bytes at most. */
  write(
    events: Int32Array,
    numbers: Float64Array,
    { slot, generation, listener }: { slot: number; generation: number; listener: number },
  ): Buffer {
    const { method, body } = this.#head;
    const whole = body instanceof Uint8Array ? body : new Uint8Array(0);
    const { head, table } = this.#lines();
    const pathLength = this.#target.length - this.#head.url.search.length;
    const words: Record<number, number> = {
      [EVENT_KIND]: KIND_REQUEST,
      [EVENT_SLOT]: slot,
      [EVENT_GENERATION]: generation,
      [EVENT_SEQUENCE]: 0,
      [EVENT_METHOD]: METHODS.indexOf(method),
      [EVENT_FLAGS]: flagsOf(method, body),
      [EVENT_LISTENER]: listener,
      [EVENT_TARGET_ID]: -1, // nothing is kept of it
      [EVENT_TARGET_VERSION]: 0,
      [EVENT_MESSAGE_OFFSET]: 0,
      [EVENT_TARGET_OFFSET]: method.length + 1,
      [EVENT_TARGET_LENGTHS]: this.#target.length | (pathLength << 16),
      [EVENT_TABLE_OFFSET]: head.length,
      [EVENT_HEADER_COUNT]: this.#fields.length,
      [EVENT_BODY_OFFSET]: head.length + table.length,
      [EVENT_BODY_LENGTH]: whole.length,
    };
    for (let word = 0; word < EVENT_WORDS; word++) events[word] = words[word] ?? 0;
    if (body === "stream") numbers[EVENT_BODY_OFFSET >> 1] = -1;
    return Buffer.concat([head, table, whole]);
  }

  #requestLine(): string {
    return `${this.#head.method} ${this.#target} HTTP/1.1\r\n`;
  }

  #lines(): { head: Buffer; table: Buffer } {
    const table = Buffer.alloc(this.#fields.length * HEADER_BYTES);
    let text = this.#requestLine();
    for (const [index, [name, value]] of this.#fields.entries()) {
      const at = index * HEADER_BYTES;
      table.writeUInt16LE(text.length, at);
      table.writeUInt16LE(name.length, at + 2);
      table.writeUInt16LE(text.length + name.length + 2, at + 4);
      table.writeUInt16LE(value.length, at + 6);
      text += `${name}: ${value}\r\n`;
    }
    return { head: Buffer.from(`${text}\r\n`, "latin1"), table };
  }
}

function* fieldsOf({ url, headers, body }: RequestHead): Generator<[string, string]> {
  yield ["host", headers.get("host") ?? url.host];
  for (const [name, value] of headers) if (!OWN_FIELDS.has(name)) yield [name, value];
  if (body === "stream") yield ["transfer-encoding", "chunked"];
  else if (body !== null) yield ["content-length", String(body.length)];
}

/** Without FLAG_KEEP_ALIVE: there is no connection that another request could come on. */
function flagsOf(method: string, body: RecordBody): number {
  const head = method === "HEAD" ? FLAG_HEAD : 0;
  if (body === "stream") return head | FLAG_HAS_BODY | FLAG_CHUNKED;
  return head | (body === null ? 0 : FLAG_HAS_BODY | FLAG_BODY_COMPLETE);
}
