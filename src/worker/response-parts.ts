/**
 * The insides of a Response, as the reply encoder reads them, and how they are made from what
 * `new Response` is given. Any thread.
 */
import {
  CONTENT_TYPES,
  extractBody,
  isStreamTaken,
  type ResponseBody,
  toStream,
  TYPE_NONE,
} from "./body.ts";
import { dropStale } from "./decoded.ts";
import { LightHeaders } from "./headers.ts";
import { toText } from "./standard.ts";

export type LightResponseInit = ConstructorParameters<typeof Response>[1];

/** Nothing is implied by the body: the type, if there is one, is among the headers. */
export const TYPE_IN_HEADERS = -1;

/** One hidden class, plain fields: the encoder reads them directly. */
export class ResponseParts {
  status = 200;
  statusText = "";
  body: ResponseBody;
  /** Read by somebody, or its stream is in somebody's hands: it cannot be sent. */
  bodyUsed = false;
  /** An index in CONTENT_TYPES implied by the body, or TYPE_IN_HEADERS. */
  contentType: number;
  /** Null: no headers beside the implied content type. */
  headers: LightHeaders | null = null;
  /** The stream that `body` has given out, if it has. */
  stream: ReadableStream<Uint8Array> | null = null;

  constructor(body: ResponseBody, contentType: number) {
    this.body = body;
    this.contentType = contentType;
  }
}

const NULL_BODY_STATUS = new Set([101, 103, 204, 205, 304]);
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The parts of `new Response(body, init)`, with all that the standard checks. */
export function makeParts(body: unknown, init: unknown, impliedType?: number): ResponseParts {
  const given = dictionary(init);
  const { body: extracted, type } = extractBody(body);
  const parts = new ResponseParts(extracted, TYPE_NONE);
  if (given !== undefined) applyInit(parts, given);
  if (extracted !== null && NULL_BODY_STATUS.has(parts.status)) {
    throw new TypeError(`A Response with status ${parts.status} cannot have a body`);
  }
  setType(parts, impliedType ?? type);
  if (parts.headers !== null) dropStale(parts.headers, body, given);
  return parts;
}

function dictionary(init: unknown): NonNullable<LightResponseInit> | undefined {
  if (init === undefined || init === null) return undefined;
  if (typeof init === "object" || typeof init === "function") return init;
  throw new TypeError("Response: the second argument is no object");
}

function applyInit(parts: ResponseParts, init: NonNullable<LightResponseInit>): void {
  const { status, statusText, headers } = init;
  if (status !== undefined) parts.status = checkStatus(status);
  if (statusText !== undefined && statusText !== "") {
    const text = toText(statusText);
    if (!REASON_PHRASE.test(text)) throw new TypeError("Response: invalid statusText");
    parts.statusText = text;
  }
  if (headers !== undefined) parts.headers = new LightHeaders(headers);
}

function checkStatus(status: unknown): number {
  const short = toUnsignedShort(status);
  if (short < 200 || short > 599) {
    throw new RangeError("Response: the status must be in the range of 200 to 599, inclusive");
  }
  return short;
}

/** The conversion of Web IDL. */
export function toUnsignedShort(value: unknown): number {
  const number = Math.trunc(Number(value));
  return Number.isFinite(number) ? ((number % 65536) + 65536) % 65536 : 0;
}

/** A type that the headers have already wins over the one that the body implies. */
function setType(parts: ResponseParts, type: number | string): void {
  const hasOwn = parts.headers !== null && parts.headers.has("content-type");
  if (hasOwn) parts.contentType = TYPE_IN_HEADERS;
  else if (typeof type === "number") parts.contentType = type;
  else {
    parts.headers ??= new LightHeaders();
    parts.headers.set("content-type", type);
    parts.contentType = TYPE_IN_HEADERS;
  }
}

/** The headers as an object, with the implied type among them from now on. */
export function openHeaders(parts: ResponseParts): LightHeaders {
  const headers = (parts.headers ??= new LightHeaders());
  if (parts.contentType > 0) headers.set("content-type", CONTENT_TYPES[parts.contentType]!);
  parts.contentType = TYPE_IN_HEADERS;
  return headers;
}

/** The same answer with headers of its own. */
export function withOwnHeaders(parts: ResponseParts): ResponseParts {
  const copy = new ResponseParts(parts.body, parts.contentType);
  copy.status = parts.status;
  copy.statusText = parts.statusText;
  copy.bodyUsed = parts.bodyUsed;
  copy.stream = parts.stream;
  copy.headers = new LightHeaders(parts.headers ?? undefined);
  return copy;
}

/** What the type of the body is, without making headers. */
export function contentTypeOf(parts: ResponseParts): string | null {
  if (parts.contentType > 0) return CONTENT_TYPES[parts.contentType]!;
  return parts.headers === null ? null : parts.headers.get("content-type");
}

/** Brings `bodyUsed` up to date where a stream is involved, on which others may have acted. */
export function settleParts(parts: ResponseParts): ResponseParts {
  const stream = streamOf(parts);
  if (stream !== null && isStreamTaken(stream)) parts.bodyUsed = true;
  return parts;
}

/** The stream through which the body is read, if it has one. */
export function streamOf(parts: ResponseParts): ReadableStream<Uint8Array> | null {
  if (parts.stream !== null) return parts.stream;
  return parts.body instanceof ReadableStream ? toStream(parts.body) : null;
}
