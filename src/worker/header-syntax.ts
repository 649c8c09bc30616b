/**
 * What a header field may look like: names and values are checked and normalised here, as the fetch
 * standard says. Names are looked up in a table first, because an app uses few of them. Any thread.
 */
import { isToken } from "../shared/token.ts";
import { toText } from "./standard.ts";

/** Fields that the reply encoder decides about, or that are joined in a way of their own. */
export const FIELD = {
  contentLength: 1,
  transferEncoding: 2,
  connection: 4,
  date: 8,
  contentType: 16,
  keepAlive: 32,
  trailer: 64,
  upgrade: 128,
  setCookie: 256,
  cookie: 512,
} as const;

const FLAGS: Readonly<Record<string, number>> = {
  "content-length": FIELD.contentLength,
  "transfer-encoding": FIELD.transferEncoding,
  connection: FIELD.connection,
  date: FIELD.date,
  "content-type": FIELD.contentType,
  "keep-alive": FIELD.keepAlive,
  trailer: FIELD.trailer,
  upgrade: FIELD.upgrade,
  "set-cookie": FIELD.setCookie,
  cookie: FIELD.cookie,
};

/**
 * Fields with one value. A client must not repeat them (RFC 9110 5.3), and what to do if it does is
 * said of none but Host and Content-Length, for which the parser refuses the request. Of the others
 * the first one counts, as in node:http: a proxy in front that appends cannot be overruled, and no
 * value is made up of two.
 */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "date",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

export interface FieldName {
  readonly lower: string;
  /** One of FIELD, or 0. */
  readonly flag: number;
  /** It has one value: see SINGLE_FIELDS. */
  readonly isSingle: boolean;
}

// Names can come from clients, so the table is bounded: what does not fit is checked each time.
const KNOWN_NAMES_MAX = 1024;
const KNOWN_NAME_LENGTH_MAX = 64;
const known = new Map<string, FieldName>();

/** The name in lower case; throws a TypeError if it is no token. */
export function fieldName(name: unknown): FieldName {
  const text = typeof name === "string" ? name : toText(name);
  return known.get(text) ?? checkName(text);
}

function checkName(text: string): FieldName {
  if (!isToken(text)) throw new TypeError(`${printable(text)} is an invalid header name`);
  const lower = text.toLowerCase();
  const flag = Object.hasOwn(FLAGS, lower) ? FLAGS[lower]! : 0;
  const name = { lower, flag, isSingle: SINGLE_FIELDS.has(lower) };
  if (known.size < KNOWN_NAMES_MAX && text.length <= KNOWN_NAME_LENGTH_MAX) known.set(text, name);
  return name;
}

const PLAIN_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
// The one set of bytes that may not be in a value, and what is no byte at all.
// oxlint-disable-next-line no-control-regex -- NUL is what it looks for
const BAD_IN_VALUE = /[\0\r\n\u0100-\uffff]/;
const SPACE_AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** The value without white space around; a TypeError if it has CR, LF, NUL or what is no byte. */
export function fieldValue(value: unknown): string {
  const text = typeof value === "string" ? value : toText(value);
  if (PLAIN_VALUE.test(text)) return text;
  const trimmed = text.replace(SPACE_AROUND, "");
  if (BAD_IN_VALUE.test(trimmed)) {
    throw new TypeError(`${printable(trimmed)} is an invalid header value`);
  }
  return trimmed;
}

function printable(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
