/**
 * The answers that an open file gives: whole, not modified, failed preconditions, one range or
 * several (RFC 9110 13 and 14). What does not depend on the request is made once and given away as
 * copies, for who gets an answer may change it. Thread: one.
 */
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { FileBlob } from "../worker/file-blob.ts";
import { type FilePart, FileParts } from "../worker/file-parts.ts";
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
    this.#whole = new Response(this.#part(0, file.size) as never, { headers: this.#typed() });
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
    if (match !== null) {
      const tags = new Set(match.split(",").map((tag) => tag.trim()));
      const holds = tags.has("*") || tags.has(this.#etag);
      return holds ? null : new Response(null, { status: 412, headers: this.#headers });
    }
    const since = headers.get("if-unmodified-since");
    if (since === null || !(Date.parse(this.#modified) > Date.parse(since))) return null;
    return new Response(null, { status: 412, headers: this.#headers });
  }

  #notModifiedAnswer(): Response {
    this.#notModified ??= new Response(null, { status: 304, headers: this.#headers });
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
    if (ranges === -1) {
      const headers = { ...this.#headers, "content-range": `bytes */${size}` };
      return new Response(null, { status: 416, headers });
    }
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

/** A suffix longer than the file is all of it (RFC 9110 14.1.2); the parser takes it for none. */
function clamped(header: string, size: number): string {
  return header.replaceAll(/([=,]\s*)-(\d+)/g, (suffix, front: string, length: string) => (
    Number(length) > size && size > 0 ? `${front}0-` : suffix
  ));
}
