/**
 * What a Request of the server reads from: the engine implements it over its rings. Types only.
 */
import type { CookieMap } from "../shared/cookies.ts";
import type { BodyOwner } from "./body-rules.ts";

export interface RequestSource {
  readonly method: string;
  /** As the WHATWG parser serialises it. Called at most once per Request. */
  url(): string;
  /** [name, value, name, value…] in the order and spelling received; the caller may keep it. */
  rawHeaders(): string[];
  /** Null: the request has no body. */
  readonly body: BodySource | null;
  /** A fresh object. Called at most once per Request. */
  params(): Record<string, string>;
  signal(): AbortSignal;
  /** The same one each time; `headers`: those of the Request. */
  cookies(headers: Headers): CookieMap;
}

/**
 * It is read once: whole, or through its stream. Who has only looked at the stream may still have
 * the body whole; then the stream is one that has been read.
 */
export interface BodySource {
  /** The declared length in bytes, -1 when chunked. */
  readonly length: number;
  readonly owner: BodyOwner;
  /** The whole body in a buffer of its own; rejects with an HttpError 413, 400, 408 or 503. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** The whole body as text, without its byte order mark; rejects as `bytes` does. */
  text(): Promise<string>;
  /** The same at once, where the body is here already. Throws where `text` rejects. */
  textNow?(): string;
  /** The same one each time. Chunks that own their buffers. */
  stream(): ReadableStream<Uint8Array>;
  /** The stream, for one who minds the limits himself. `isHeld`: somebody holds what he gives. */
  handOver(isHeld: () => boolean): ReadableStream<Uint8Array>;
  /** Two of the same bytes, each to be read once; absent where the bytes are not here yet. */
  fork?(): [BodySource, BodySource];
  /** A client that waits for 100 gets it, if it has not. */
  expect?(): void;
  /** The same if somebody holds the stream: called before the head of an answer is written. */
  expectIfHeld?(): void;
}
