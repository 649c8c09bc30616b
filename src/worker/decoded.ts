/**
 * Answers of `fetch` whose body the runtime has decoded but whose fields still describe the encoded
 * one. Passed on as they are they would be wrong, so the fields are dropped where such an answer is
 * sent, or where a new Response is made of its body or its fields. Any thread.
 */
import { HOP_BY_HOP } from "../shared/hop-by-hop.ts";
import { isToken } from "../shared/token.ts";

// undici decodes zstd from 7.11 on; before, such a body arrives encoded and keeps its field.
const [major = 0, minor = 0] = (process.versions["undici"] ?? "").split(".").map(Number);
const CODINGS = new Set(["gzip", "x-gzip", "deflate", "br"]);
if (major > 7 || (major === 7 && minor >= 11)) CODINGS.add("zstd");

/** Whether this runtime's fetch decodes the coding. */
export function isDecodedCoding(coding: string): boolean {
  return CODINGS.has(coding.trim().toLowerCase());
}

function isDecoded(headers: Headers): boolean {
  const codings = headers.get("content-encoding");
  return codings !== null && codings.split(",").every(isDecodedCoding);
}

/** Answers that had a body, their bodies and their headers; true: the body was decoded. */
const fetched = new WeakMap<object, boolean>();
// Spares a thread that fetches nothing the look-ups.
let isUsed = false;

/** Called with each answer of fetch. */
export function noteFetched(response: Response): Response {
  const { body, headers } = response;
  if (body === null) return response;
  const decoded = isDecoded(headers);
  isUsed = true;
  for (const part of [response, body, headers]) fetched.set(part, decoded);
  return response;
}

type Init = ConstructorParameters<typeof Response>[1];

/** Drops from the headers of a new Response what was true only of the answer it is made of. */
export function dropStale(headers: Headers, body: unknown, init: Init): void {
  if (!isUsed) return;
  const isSameBody = isFetched(body);
  const origin = [body, init, init?.headers].find(isFetched);
  if (origin === undefined) return;
  const decoded = fetched.get(origin as object)!;
  dropHopByHop(headers);
  if (decoded) headers.delete("content-encoding");
  if (decoded || !isSameBody) headers.delete("content-length");
}

function isFetched(value: unknown): boolean {
  return typeof value === "object" && value !== null && fetched.has(value);
}

/** Drops the same from a copy of the headers of a fetched answer that is sent itself. */
export function dropStaleOfAnswer(headers: Headers, hasBody: boolean): void {
  const decoded = hasBody && isDecoded(headers);
  dropHopByHop(headers);
  if (!decoded) return;
  headers.delete("content-encoding");
  headers.delete("content-length");
}

/** Drops the fields that belong to one connection, those that `Connection` names included. */
export function dropHopByHop(headers: Headers): void {
  const named = headers.get("connection");
  if (named !== null) {
    for (const name of named.split(",")) if (isToken(name.trim())) headers.delete(name.trim());
  }
  for (const name of HOP_BY_HOP) headers.delete(name);
}
