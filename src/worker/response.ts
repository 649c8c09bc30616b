/**
 * Response with the whole behaviour of the standard class, made of one object with plain fields.
 * `new Response("text")` does no work on headers, and the encoder reads the fields directly: that
 * is 12 ns where the runtime's class takes microseconds. Its catch: bytes are not copied when the
 * Response is made, so they must not change until they are sent. Any thread.
 */
import {
  decodeText,
  isStreamRead,
  isStreamTaken,
  type LightBodyInit,
  type ResponseBody,
  readBytes,
  TYPE_JSON,
  TYPE_TEXT,
  toStream,
  usedStream,
  wellFormedText,
} from "./body.ts";
import { escapedLocation } from "../shared/redirect.ts";
import { asStandard } from "./form.ts";
import { FileParts } from "./file-parts.ts";
import { toForeignParts } from "./foreign.ts";
import { cloneHeaders, freezeHeaders, LightHeaders } from "./headers.ts";
import {
  contentTypeOf,
  type LightResponseInit,
  makeParts,
  openHeaders,
  ResponseParts,
  settleParts,
  streamOf,
  toUnsignedShort,
  TYPE_IN_HEADERS,
} from "./response-parts.ts";
import { isInstance, needArguments, standFor, StandardResponse, toText } from "./standard.ts";

/** The insides, for the encoder. `bodyUsed` is right at the time of the call. */
export let responseParts: (response: LightResponse) => ResponseParts;
/** Whether it is ours; `instanceof` is also true for the runtime's. */
export let isLightResponse: (value: unknown) => value is LightResponse;
/** A Response around these insides. */
export let responseFrom: (parts: ResponseParts) => LightResponse;
/** The insides of anything that walks like a Response; null: it does not. */
export let toParts: (value: unknown) => ResponseParts | null;

const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);

export class LightResponse implements Response {
  #parts: ResponseParts;

  // The parameters are optional through `?` alone: a default value costs an arguments adaptor.
  constructor(body?: LightBodyInit, init?: LightResponseInit) {
    if (typeof body === "string" && init === undefined) {
      this.#parts = new ResponseParts(body, TYPE_TEXT);
    } else {
      this.#parts = makeParts(body, init);
    }
  }

  static {
    responseParts = (response) => {
      const parts = response.#parts;
      return parts.stream === null && typeof parts.body === "string" ? parts : settleParts(parts);
    };
    isLightResponse = (value): value is LightResponse =>
      typeof value === "object" && value !== null && #parts in value;
    responseFrom = (parts) => {
      const response = new LightResponse();
      response.#parts = parts;
      return response;
    };
    toParts = (value) => {
      if (typeof value !== "object" || value === null) return null;
      return #parts in value ? responseParts(value) : toForeignParts(value);
    };
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(LightResponse, StandardResponse, this, value);
  }

  static error(): LightResponse {
    const response = new LightResponse();
    const parts = response.#parts;
    parts.status = 0;
    parts.headers = freezeHeaders(new LightHeaders());
    parts.contentType = TYPE_IN_HEADERS;
    return response;
  }

  static json(data: unknown, init?: LightResponseInit): LightResponse {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Response.json: the value is not serialisable");
    const response = new LightResponse(text);
    if (init === undefined) response.#parts.contentType = TYPE_JSON;
    else response.#parts = makeParts(text, init, TYPE_JSON);
    return response;
  }

  static redirect(url: string | URL, status: number = 302): LightResponse {
    needArguments(arguments.length, 1, "Response.redirect");
    const location = new URL(toText(url)).href;
    return redirectTo(location, status);
  }

  get type(): Response["type"] {
    return this.#parts.status === 0 ? "error" : "default";
  }

  /** Always empty: this Response was made, not fetched. */
  get url(): string {
    return this.#parts && "";
  }

  get redirected(): boolean {
    return this.#parts === undefined;
  }

  get status(): number {
    return this.#parts.status;
  }

  get ok(): boolean {
    const { status } = this.#parts;
    return status >= 200 && status <= 299;
  }

  get statusText(): string {
    return this.#parts.statusText;
  }

  get headers(): LightHeaders {
    const parts = this.#parts;
    const isOpen = parts.contentType === TYPE_IN_HEADERS && parts.headers !== null;
    return isOpen ? parts.headers! : openHeaders(parts);
  }

  get body(): ReadableStream<Uint8Array> | null {
    const parts = this.#parts;
    if (parts.body === null) return null;
    return (parts.stream ??= parts.bodyUsed ? usedStream() : toStream(parts.body));
  }

  get bodyUsed(): boolean {
    const parts = this.#parts;
    const stream = streamOf(parts);
    return parts.bodyUsed || (stream !== null && isStreamRead(stream));
  }

  clone(): LightResponse {
    const parts = this.#parts;
    if (parts.bodyUsed || isTaken(parts)) {
      throw new TypeError("Response.clone: the body has already been used");
    }
    const clone = new LightResponse();
    const copy = (clone.#parts = new ResponseParts(parts.body, parts.contentType));
    copy.status = parts.status;
    copy.statusText = parts.statusText;
    if (parts.headers !== null) copy.headers = cloneHeaders(parts.headers);
    if (isReadOnce(parts.body)) {
      const [one, other] = (parts.stream ?? toStream(parts.body)).tee();
      parts.body = parts.stream = one;
      copy.body = copy.stream = other;
    } else if (parts.stream !== null) {
      // Somebody has the stream: as the standard says, it is locked from now on.
      [parts.stream, copy.stream] = parts.stream.tee();
    }
    return clone;
  }

  async text(): Promise<string> {
    const { body } = this.#claim("text");
    if (typeof body === "string") return wellFormedText(body);
    return decodeText(await readBytes(body));
  }

  async json(): Promise<unknown> {
    const { body } = this.#claim("json");
    if (typeof body === "string") return JSON.parse(wellFormedText(body));
    return JSON.parse(decodeText(await readBytes(body)));
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return await readBytes(this.#claim("bytes").body);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await readBytes(this.#claim("arrayBuffer").body)).buffer;
  }

  async blob(): Promise<Blob> {
    const { body, type } = this.#claim("blob");
    return await asStandard(await readBytes(body), type).blob();
  }

  async formData(): Promise<FormData> {
    const { body, type } = this.#claim("formData");
    return await asStandard(await readBytes(body), type).formData();
  }

  /** Takes the body for reading, once. */
  #claim(method: string): { body: ResponseParts["body"]; type: string | null } {
    const parts = this.#parts;
    if (parts.bodyUsed || isTaken(parts)) {
      throw new TypeError(`Response.${method}: Body is unusable: it has already been read`);
    }
    parts.bodyUsed = parts.body !== null;
    return { body: parts.stream ?? parts.body, type: contentTypeOf(parts) };
  }
}

function isTaken(parts: ResponseParts): boolean {
  const stream = streamOf(parts);
  return stream !== null && isStreamTaken(stream);
}

/** Strings, bytes, blobs and parts of files can be read any number of times. */
function isReadOnce(
  body: ResponseBody,
): body is Exclude<ResponseBody, null | string | Uint8Array | Blob | FileParts> {
  if (body === null || typeof body === "string") return false;
  if (body instanceof Uint8Array || body instanceof Blob) return false;
  return !(body instanceof FileParts);
}

/** A redirection to anywhere: unlike `Response.redirect` it takes relative references too. */
export function redirect(location: string | URL, status: number = 302): LightResponse {
  return redirectTo(escapedLocation(toText(location)), status);
}

function redirectTo(location: string, given: unknown): LightResponse {
  const status = toUnsignedShort(given);
  if (!REDIRECT_STATUS.has(status)) {
    throw new RangeError(`Invalid status code ${status} of a redirection: 301, 302, 303, 307, 308`);
  }
  const headers = new LightHeaders([["location", location]]);
  const response = new LightResponse(null, { status, headers });
  freezeHeaders(response.headers);
  return response;
}

standFor(LightResponse, StandardResponse, (response) => {
  const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = response;
  return { status, statusText, headers, body, bodyUsed, ok, redirected, type, url };
});
