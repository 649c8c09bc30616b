/**
 * The answers that an open file gives: whole, not modified, failed preconditions, one range or
 * several (RFC 9110 13 and 14). What does not depend on the request is made once and given away as
 * copies, for who gets an answer may change it. Thread: one.
 */
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { FileBlob } from "../worker/file-blob.ts";
import { type FilePart, FileParts } from "../worker/file-parts.ts";
import { headerLines, LightHeaders } from "../worker/headers.ts";
import type { OpenFile } from "../worker/open-file.ts";

type Fields = Record<string, string | undefined>;
type Range = { readonly start: number; readonly end: number };
type RangeParser = (
  size: number,
  header: string,
  options: { combine: boolean },
) => -1 | -2 | (Range[] & { type: string });

const require = createRequire(import.meta.url);
const parseRange = require("range-parser") as RangeParser;
const isFresh = require("fresh") as (request: Fields, response: Fields) => boolean;

/** More of them in one request get the whole file: nobody needs them but who wears servers out. */
const RANGES_MAX = 16;

/** What is asked, as far as it matters here. */
export interface AskedFile {
  readonly method: string;
  readonly headers: Headers;
}

export class FileAnswers {
  readonly #file: OpenFile;
  /** In memory if it is small: cheaper than a call of sendfile for each answer. */
  readonly #bytes: Buffer | null;
  readonly #headers: Record<string, string>;
  /** Of answers without the file: what tells of its bytes or how long they keep is not theirs. */
  readonly #refusedHeaders: Record<string, string>;
  readonly #type: string;
  readonly #etag: string;
  readonly #modified: string;
  readonly #whole: Response;
  #notModified: Response | null = null;

  /** `headers`: those of all answers. `inMemoryBytesMax`: up to here it is read now. */
  constructor(
    file: OpenFile,
    type: string,
    headers: Record<string, string>,
    inMemoryBytesMax: number,
  ) {
    this.#file = file;
    this.#type = type;
    this.#bytes = file.size <= inMemoryBytesMax ? file.bytes() : null;
    const microseconds = Math.floor(file.modifiedMs * 1000).toString(16);
    const coding = headers["content-encoding"] ?? "";
    this.#etag = `"${file.size.toString(16)}-${microseconds}${coding}"`;
    this.#modified = new Date(file.modifiedMs).toUTCString();
    this.#headers = {
      ...headers, etag: this.#etag, "last-modified": this.#modified, "accept-ranges": "bytes",
    };
    const { vary } = headers;
    this.#refusedHeaders = { ...(vary !== undefined && { vary }), "accept-ranges": "bytes" };
    const init = { headers: written(this.#typed()) };
    this.#whole = new Response(this.#part(0, file.size) as never, init);
  }

  get etag(): string {
    return this.#etag;
  }

  get modified(): string {
    return this.#modified;
  }

  /** To GET or HEAD. */
  to({ method, headers }: AskedFile): Response {
    const failed = this.preconditionFailed(headers);
    if (failed !== null) return failed;
    const since = headers.get("if-modified-since");
    const noneMatch = headers.get("if-none-match");
    if (since !== null || noneMatch !== null) {
      const asked = {
        "if-modified-since": since ?? undefined, "if-none-match": noneMatch ?? undefined,
      };
      const mine = { etag: this.#etag, "last-modified": this.#modified };
      if (isFresh(asked, mine)) return this.#notModifiedAnswer();
    }
    const range = method === "GET" ? headers.get("range") : null;
    if (range === null || !this.#isSame(headers.get("if-range"))) return this.#whole.clone();
    return this.#ranges(range);
  }

  /** If-Match and If-Unmodified-Since; null: they hold. */
  preconditionFailed(headers: Headers): Response | null {
    const match = headers.get("if-match");
    const since = headers.get("if-unmodified-since");
    const holds = match === null
      ? since === null || !(Date.parse(this.#modified) > Date.parse(since))
      : isAnyOf(match, (tag) => tag === "*" || tag === this.#etag);
    return holds ? null : this.#refused(412);
  }

  /** For who would change the file, to whom If-None-Match says that it may not be this one. */
  writePreconditionFailed(headers: Headers): Response | null {
    const noneMatch = headers.get("if-none-match");
    const isMine = (tag: string): boolean => tag === "*" || tag.replace(/^W\//, "") === this.#etag;
    const isNamed = noneMatch !== null && isAnyOf(noneMatch, isMine);
    return this.preconditionFailed(headers) ?? (isNamed ? this.#refused(412) : null);
  }

  #refused(status: number, added: Record<string, string> = {}): Response {
    return new Response(null, { status, headers: { ...this.#refusedHeaders, ...added } });
  }

  #notModifiedAnswer(): Response {
    const { "content-encoding": _, ...headers } = this.#headers; // of a body, and there is none
    this.#notModified ??= new Response(null, { status: 304, headers: written(headers) });
    return this.#notModified.clone();
  }

  /** If-Range: the part is wanted of this very file only (RFC 9110 13.1.5). */
  #isSame(ifRange: string | null): boolean {
    return ifRange === null || ifRange === this.#etag || ifRange === this.#modified;
  }

  #ranges(header: string): Response {
    const { size } = this.#file;
    const ranges = parseRange(size, clamped(header, size), { combine: true });
    if (ranges === -2 || !/^bytes=/i.test(header)) return this.#whole.clone();
    if (ranges !== -1 && ranges.length > RANGES_MAX) return this.#whole.clone();
    if (ranges === -1) return this.#refused(416, { "content-range": `bytes */${size}` });
    const [first] = ranges;
    return ranges.length === 1 ? this.#single(first!) : this.#several(ranges);
  }

  #single({ start, end }: Range): Response {
    const range = `bytes ${start}-${end}/${this.#file.size}`;
    const headers = { ...this.#typed(), "content-range": range };
    return new Response(this.#part(start, end + 1) as never, { status: 206, headers });
  }

  #several(ranges: readonly Range[]): Response {
    const boundary = randomBytes(18).toString("hex");
    const type = this.#type === "" ? "" : `Content-Type: ${this.#type}\r\n`;
    const pieces: FilePart[] = [];
    for (const { start, end } of ranges) {
      const range = `Content-Range: bytes ${start}-${end}/${this.#file.size}`;
      pieces.push(Buffer.from(`\r\n--${boundary}\r\n${type}${range}\r\n\r\n`, "latin1"));
      pieces.push(this.#part(start, end + 1));
    }
    const body = new FileParts([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    const headers = {
      ...this.#headers,
      "content-type": `multipart/byteranges; boundary=${boundary}`,
      "content-length": String(body.length),
    };
    return new Response(body as never, { status: 206, headers });
  }

  #part(start: number, end: number): FilePart {
    if (this.#bytes !== null) return this.#bytes.subarray(start, end);
    return FileBlob.pinned(this.#file, start, end);
  }

  #typed(): Record<string, string> {
    return this.#type === "" ? this.#headers : { ...this.#headers, "content-type": this.#type };
  }
}

/** With the lines of the head, which all copies have then: they are not made for each answer. */
function written(fields: Record<string, string>): Headers {
  const headers = new LightHeaders(fields);
  headerLines(headers);
  return headers;
}

function isAnyOf(tags: string, is: (tag: string) => boolean): boolean {
  return tags.split(",").some((tag) => is(tag.trim()));
}

/** A suffix longer than the file is all of it (RFC 9110 14.1.2); the parser takes it for none. */
function clamped(header: string, size: number): string {
  return header.replaceAll(/([=,]\s*)-(\d+)/g, (suffix, front: string, length: string) => (
    Number(length) > size && size > 0 ? `${front}0-` : suffix
  ));
}
