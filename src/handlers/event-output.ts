/**
 * The properties that an event's code has left, as an answer: a redirect first, then the status,
 * the body, and every other `http.` property as a header field. Any thread.
 */
import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { HttpError } from "../shared/errors.ts";
import { redirect } from "../shared/redirect.ts";
import { chunkBytes } from "../worker/body.ts";
import { basicChallenge } from "./basic-credentials.ts";
import type { EventBag } from "./event-bag.ts";

export interface EventOutputOptions {
  /** Of bodies whose type is not said. */
  readonly contentType: string;
  readonly realm: string;
}

/** Never sent as fields: what is said otherwise, or came in and must not go out. */
const UNSENT = new Set([
  "http.status", "http.redirect", "http.content-length", "http.content-type", "http.authorization",
  "http.remote_user", "http.remote_pass", "http.proxy_user", "http.proxy_pass", "http.user",
  "http.method", "http.base",
]);
/** `http.bodyAsBytes` and whatever else a body may be called; what came as parameters. */
const UNSENT_BEGINNINGS = ["http.body", "http.qs."];
/** Fetch 2.2.3: with these a Response has no body (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

interface Status {
  readonly code: number;
  readonly reason: string;
}

const KEYWORDS: Readonly<Record<string, Status>> = {
  "OK": { code: 200, reason: "OK" },
  "FORBIDDEN": { code: 401, reason: "Forbidden" },
  "NOT FOUND": { code: 404, reason: "File not found" },
};

const CODE_AND_REASON = /^(\d{3})(?: +(.*))?$/s;

type Body = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** Throws a TypeError for a status or a field that cannot be sent, and rejects as files do. */
export async function answerOfEvent(bag: EventBag, options: EventOutputOptions): Promise<Response> {
  const to = bag.all("http.redirect")[0];
  const given = bag.one("http.body");
  if (isSaid(to)) {
    drop(given);
    return redirect(String(to));
  }
  const status = statusOf(bag.all("http.status")[0]);
  // The keyword alone: a status of 401 by its number is an answer like any other.
  if (status === KEYWORDS["FORBIDDEN"]) {
    drop(given);
    const headers = { "www-authenticate": basicChallenge(options.realm) };
    return new Response(null, { status: status.code, statusText: status.reason, headers });
  }
  const isBodyless = BODYLESS.has(status.code);
  if (isBodyless) drop(given);
  const body = isBodyless ? null : await bodyOf(given);
  const headers = fieldsOf(bag);
  if (body !== null) {
    const said = bag.all("http.content-type")[0];
    headers.set("content-type", typeOf(body, said ?? ownType(body) ?? options.contentType));
  }
  return new Response(body, { status: status.code, statusText: status.reason, headers });
}

/** Nobody will read it: a stream gives back what it holds. */
function drop(body: unknown): void {
  if (body instanceof Readable) body.destroy();
  // A locked one is its reader's.
  else if (body instanceof ReadableStream) body.cancel().catch(() => {});
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function statusOf(value: unknown): Status {
  if (!isSaid(value)) return KEYWORDS["OK"]!;
  const text = String(value).trim();
  const keyword = KEYWORDS[text.toUpperCase()];
  if (keyword !== undefined) return keyword;
  const [, digits, reason = ""] = CODE_AND_REASON.exec(text) ?? [];
  const code = Number(digits);
  if (digits === undefined || code < 200 || code > 599) {
    const known = "a code from 200 to 599, a code and a reason, OK, FORBIDDEN or NOT FOUND";
    throw new TypeError(`http.status is "${text}", and must be ${known}`);
  }
  return { code, reason };
}

/** Null: no body. A `file:` URL is the file, which is 404 where there is none. */
async function bodyOf(value: unknown): Promise<Body | null> {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return chunkBytes(value) as Body;
  if (value instanceof Blob) return value;
  if (value instanceof URL && value.protocol === "file:") return await fileOf(value);
  if (typeof value === "object") {
    if (value instanceof ReadableStream || Symbol.asyncIterator in value) return value as Body;
    const prototype: unknown = Object.getPrototypeOf(value);
    const isData = Array.isArray(value) || prototype === Object.prototype || prototype === null;
    if (isData) return JSON.stringify(value);
  }
  return toText(value);
}

async function fileOf(url: URL): Promise<Blob> {
  const path = pathOf(url);
  const facts = await stat(path).catch((cause: unknown) => {
    throw new HttpError(404, "Not found", { cause });
  });
  if (!facts.isFile()) throw new HttpError(404, "Not found");
  return await openAsBlob(path);
}

/** No file has an encoded slash in its name; a URL of another host is a mistake. */
function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_INVALID_FILE_URL_PATH") throw error;
    throw new HttpError(404, "Not found", { cause: error });
  }
}

function ownType(body: Body): string | undefined {
  return body instanceof Blob && body.type !== "" ? body.type : undefined;
}

/** Text goes out as UTF-8, which its type says unless it says something else. */
function typeOf(body: Body, given: unknown): string {
  const type = toText(given);
  const isText = typeof body === "string" && /^\s*text\//i.test(type);
  return isText && !/;\s*charset\s*=/i.test(type) ? `${type}; charset=utf-8` : type;
}

function fieldsOf(bag: EventBag): Headers {
  const headers = new Headers();
  for (const [name, values] of bag) {
    const lower = name.toLowerCase();
    if (!isSent(lower)) continue;
    for (const value of values) {
      if (value !== null && value !== undefined) headers.append(name.slice(5), toText(value));
    }
  }
  return headers;
}

function isSent(lower: string): boolean {
  if (!lower.startsWith("http.") || UNSENT.has(lower)) return false;
  return !UNSENT_BEGINNINGS.some((beginning) => lower.startsWith(beginning));
}

function toText(value: unknown): string {
  if (typeof value === "symbol") throw new TypeError("A symbol cannot be made a string");
  return String(value);
}
