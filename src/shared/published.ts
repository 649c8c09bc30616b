/**
 * What is published under a topic, as it crosses threads. Pure: the primary and workers check it
 * alike.
 */

/** What may be published: text, or bytes, of which a copy is taken. */
export type Publishable = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** A string is sent as text, bytes as binary. */
export type PublishedData = string | Uint8Array;

/** One message of a topic. */
export interface Published {
  readonly topic: string;
  readonly data: PublishedData;
  /** Compressed for those that have negotiated it. */
  readonly compress: boolean;
}

/** Throws a TypeError that says what is wrong. Bytes are viewed, not copied. */
export function toPublished(topic: unknown, data: unknown, compress: boolean): Published {
  if (typeof topic !== "string") {
    throw new TypeError(`publish: the topic must be a string, not ${nameOf(topic)}`);
  }
  return { topic, data: toData(data), compress };
}

function toData(data: unknown): PublishedData {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`publish: the message must be a string or bytes, not ${nameOf(data)}`);
}

/** The length of the message, without what frames it. */
export function publishedBytes({ data }: Published): number {
  return typeof data === "string" ? Buffer.byteLength(data) : data.length;
}

/** What may be kept: bytes of its own, as long as the message alone. */
export function ownData(data: PublishedData): PublishedData {
  return typeof data === "string" ? data : new Uint8Array(data);
}

function nameOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
