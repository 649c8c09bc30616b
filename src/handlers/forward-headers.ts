/**
 * Header fields between two connections: those that concern one of them alone stay behind
 * (RFC 9110 7.6.1), and where the request came from is added. Any thread.
 */
import type { Context, MillraceRequest } from "../shared/app.ts";
import { HOP_BY_HOP } from "../shared/hop-by-hop.ts";
import { HandlerContext } from "../worker/context.ts";

/** Of one connection, whether `Connection` names them or not; and between a client and a proxy. */
const STAYING: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP, "proxy-authenticate", "proxy-authorization",
]);

/** What goes on of a larger `Max-Forwards`. */
const FORWARDS_MAX = 2 ** 31 - 1;

/** What the app says of the fields that go on. */
export interface ForwardedFields {
  /** The client's `Host` goes on. */
  readonly preserveHost: boolean;
  /** Set in the place of the client's, or taken away with null. */
  readonly headers: Readonly<Record<string, string | null>>;
}

export type RawFields = readonly (readonly [name: string, value: string])[];

/** The fields that go on, in their order and spelling. */
export function endToEnd(fields: RawFields): [name: string, value: string][] {
  const connection = fields.filter(([name]) => name.toLowerCase() === "connection");
  const options = connection.flatMap(([, value]) => value.split(","));
  const named = new Set(options.map((option) => option.trim().toLowerCase()));
  return fields.flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    return STAYING.has(lower) || named.has(lower) ? [] : [[name, value]];
  });
}

/** The same as node:http takes them: several values of a name are a list. */
export function listsOf(fields: RawFields): Record<string, string | string[]> {
  const lists = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of fields) {
    const entry = lists.get(name.toLowerCase());
    if (entry === undefined) lists.set(name.toLowerCase(), { name, values: [value] });
    else entry.values.push(value);
  }
  const result: Record<string, string | string[]> = {};
  for (const { name, values } of lists.values()) {
    result[name] = values.length === 1 ? values[0]! : values;
  }
  return result;
}

/**
 * Where the request came from, behind what earlier proxies have said. What they say counts only as
 * far as whoever reads it trusts them.
 */
export function withOrigin(fields: RawFields, context: Context, url: URL): RawFields {
  const { address, family } = context.connection.remote;
  const peer = family === "unix" ? "unknown" : address;
  const values = (wanted: string): string[] => (
    fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
  );
  const own = new Set(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"]);
  return [
    ...fields.filter(([name]) => !own.has(name.toLowerCase())),
    ["X-Forwarded-For", [...values("x-forwarded-for"), peer].join(", ")],
    ["X-Forwarded-Proto", values("x-forwarded-proto")[0] ?? url.protocol.slice(0, -1)],
    ["X-Forwarded-Host", values("x-forwarded-host")[0] ?? url.host],
    ["Via", [...values("via"), viaOf(versionOf(context))].join(", ")],
  ];
}

/** What this server adds to `Via`: the version of HTTP in which it has got the message. */
export function viaOf(version: string): string {
  return `${version} millrace`;
}

function versionOf(context: Context): string {
  return context instanceof HandlerContext ? context.version : "1.1";
}

/**
 * How many servers may still hand the request on, this one included (RFC 9110 7.6.2); null: it does
 * not say.
 */
export function forwardsLeft({ method, headers }: MillraceRequest): number | null {
  if (method !== "OPTIONS" && method !== "TRACE") return null;
  const said = headers.get("max-forwards") ?? "";
  return /^\d+$/.test(said) ? Number(said) : null;
}

/** Those of a request to the target, as node:http takes them. */
export function forwardedFields(
  { preserveHost, headers }: ForwardedFields,
  request: MillraceRequest,
  context: Context,
): Record<string, string | string[]> {
  const own = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const left = forwardsLeft(request);
  const isCoded = request.headers.has("content-encoding"); // not any more if it was decoded
  const received = endToEnd(context.rawHeaders);
  const fields = withOrigin(received, context, new URL(request.url)).filter(([name]) => {
    const lower = name.toLowerCase();
    // 100 was asked for of this server, which sends it when the body is read.
    if (lower === "expect" || lower === "content-length" || own.has(lower)) return false;
    if (lower === "max-forwards") return left === null;
    if (lower === "content-encoding") return isCoded;
    return lower !== "host" || preserveHost;
  });
  if (left !== null && !own.has("max-forwards")) {
    fields.push(["Max-Forwards", String(Math.min(left - 1, FORWARDS_MAX))]);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null) fields.push([name, value]);
  }
  return listsOf([...fields, ...framingOf(request)]);
}

/**
 * Of the body that goes on, which may be a decoded one, whatever the fields that came say. Without
 * any, node:http would write it bare, and the target read it as another request.
 */
function framingOf({ body, headers }: MillraceRequest): RawFields {
  if (body === null) return [];
  const length = headers.get("content-length");
  return [length === null ? ["Transfer-Encoding", "chunked"] : ["Content-Length", length]];
}
