/**
 * Parses one response of HTTP/1.1 from bytes, strictly: what a server of ours must not send is an
 * error here. It shares no code with the server, so that neither hides a fault of the other.
 */

export interface RawResponse {
  readonly status: number;
  readonly statusText: string;
  /** In the order and spelling of the wire. */
  readonly headers: readonly (readonly [string, string])[];
  /** The payload, with any chunked coding taken off. */
  readonly body: string;
  readonly bodyBytes: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** How many bytes of the input it took. */
  readonly length: number;
  /** The value of a field that occurs at most once. */
  header(name: string): string | undefined;
}

type Fields = (readonly [string, string])[];

interface Payload {
  readonly bytes: Buffer;
  readonly trailers: Fields;
  readonly end: number;
}

/** The response at the start of the bytes, or undefined if it is not complete yet. */
export function parseResponse(
  bytes: Buffer,
  method: string,
  isEnded: boolean,
): RawResponse | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const start = /^HTTP\/1\.[01] (\d{3}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(first);
  if (start === null) throw new Error(`no status line: ${JSON.stringify(first)}`);
  const status = Number(start[1]);
  const headers = lines.map(parseField);
  const payload = parsePayload(bytes, headEnd + 4, { method, status, headers, isEnded });
  if (payload === undefined) return undefined;
  return {
    status,
    statusText: start[2] ?? "",
    headers,
    body: payload.bytes.toString("utf8"),
    bodyBytes: payload.bytes,
    trailers: payload.trailers,
    length: payload.end,
    header: (name) => only(headers, name),
  };
}

function parseField(line: string): readonly [string, string] {
  const parts = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\0\r\n]*?)[ \t]*$/.exec(line);
  if (parts === null) throw new Error(`no header field: ${JSON.stringify(line)}`);
  return [parts[1] ?? "", parts[2] ?? ""];
}

function only(headers: Fields, name: string): string | undefined {
  const found = headers.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw new Error(`${name} occurs ${found.length} times`);
  return found[0]?.[1];
}

interface Head {
  readonly method: string;
  readonly status: number;
  readonly headers: Fields;
  readonly isEnded: boolean;
}

function parsePayload(bytes: Buffer, from: number, head: Head): Payload | undefined {
  const declared = only(head.headers, "content-length");
  const coding = only(head.headers, "transfer-encoding");
  if (declared !== undefined && coding !== undefined) throw new Error("two framings at once");
  const isBodiless = head.method === "HEAD" || head.status === 204 || head.status === 304 ||
    head.status < 200;
  if (isBodiless) return { bytes: Buffer.alloc(0), trailers: [], end: from };
  if (coding !== undefined) {
    if (coding !== "chunked") throw new Error(`transfer coding ${coding}`);
    return parseChunks(bytes, from);
  }
  if (declared === undefined) {
    const rest = bytes.subarray(from);
    return head.isEnded ? { bytes: rest, trailers: [], end: bytes.length } : undefined;
  }
  if (!/^\d+$/.test(declared)) throw new Error(`content-length ${JSON.stringify(declared)}`);
  const end = from + Number(declared);
  if (bytes.length < end) return undefined;
  return { bytes: bytes.subarray(from, end), trailers: [], end };
}

function parseChunks(bytes: Buffer, from: number): Payload | undefined {
  const chunks: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    at = lineEnd + 2;
    if (length === 0) return parseTrailers(bytes, at, Buffer.concat(chunks));
    if (bytes.length < at + length + 2) return undefined;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
    if (bytes.toString("latin1", at, at + 2) !== "\r\n") throw new Error("no CRLF after a chunk");
    at += 2;
  }
}

function parseTrailers(bytes: Buffer, from: number, body: Buffer): Payload | undefined {
  const trailers: Fields = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    if (lineEnd === at) return { bytes: body, trailers, end: at + 2 };
    trailers.push(parseField(bytes.toString("latin1", at, lineEnd)));
    at = lineEnd + 2;
  }
}
