/**
 * What a row of an ordered table asks of a request, as a user writes it and as threads tell each
 * other: data, since functions cannot be sent. Pure.
 */
import { isToken } from "./token.ts";

/** All that are given must hold; of a list, one of its items. */
export interface RouteConditions {
  /** A pattern, as that of a route: `:name` is one segment, `*` at the end the rest. */
  readonly path?: string;
  /** The path or its beginning, segment by segment: `/docs` takes `/docs/a` and not `/docsa`. */
  readonly prefix?: string;
  /** Held against the decoded path. A string is the source of one. */
  readonly regex?: RegExp | string;
  /** Names, with a port if only that one counts; `*.example.com` is every name below. */
  readonly hosts?: string | readonly string[];
  /** By name: true, it is there; false, it is not; a text that it is, or an expression. */
  readonly headers?: Readonly<Record<string, boolean | string | RegExp>>;
  /** Of the request, without parameters: `application/json`, `text/*`. */
  readonly contentTypes?: string | readonly string[];
  /** What stands behind the last dot of the path's last segment; case does not count. */
  readonly extensions?: string | readonly string[];
  /** The id or name of the listener that the request came to. */
  readonly listener?: string | readonly string[];
  readonly protocol?: "http" | "https";
}

export interface HeaderTest {
  /** In lower case. */
  readonly name: string;
  readonly is: "present" | "absent" | "equal" | "like";
  /** Of `equal` the value, of `like` the source. */
  readonly text: string;
  readonly flags: string;
}

/** Conditions as threads tell each other. */
export interface OrderedFacts {
  readonly place: "path" | "prefix" | "regex";
  /** Of an expression its source. */
  readonly text: string;
  readonly flags: string;
  readonly hosts: readonly string[];
  readonly headers: readonly HeaderTest[];
  readonly contentTypes: readonly string[];
  readonly extensions: readonly string[];
  readonly listeners: readonly string[];
  /** Empty: either. */
  readonly protocol: "http" | "https" | "";
}

type Given = { readonly [name in keyof RouteConditions]?: unknown };

export const CONDITIONS: readonly (keyof RouteConditions)[] = [
  "path", "prefix", "regex", "hosts", "headers", "contentTypes", "extensions", "listener",
  "protocol",
];

const PLACES = ["path", "prefix", "regex"] as const;
/** A name or an address, an IPv6 one in brackets, and a port. */
const HOST = /^(\*\.)?([\w.-]+|\[[a-f\d:.]+\])(?::(\d+))?$/i;
const PORT_MAX = 65_535;
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/;

/** Throws an Error whose message says what is wrong. */
export function readConditions(given: Given): OrderedFacts {
  const places = PLACES.filter((place) => given[place] !== undefined);
  if (places.length > 1) throw new Error(`give either ${places.join(" or ")}`);
  return {
    ...readPlace(given),
    hosts: listOf(given.hosts, "hosts").map(readHost),
    headers: readHeaders(given.headers),
    contentTypes: textsOf(given.contentTypes, "contentTypes", MEDIA_TYPE,
      "a content type has the form type/subtype or type/*"),
    extensions: textsOf(given.extensions, "extensions", /^\.?[^./]+$/,
      "an extension is what stands behind the last dot").map((text) => text.replace(".", "")),
    listeners: listOf(given.listener, "listener"),
    protocol: readProtocol(given.protocol),
  };
}

/** As a user may write them again; lists are copies. */
export function conditionsOf(facts: OrderedFacts): RouteConditions {
  const { place, text, flags, hosts, headers, contentTypes, extensions, listeners } = facts;
  const tests = headers.map(({ name, ...test }) => [name, valueOf(test)] as const);
  return {
    [place]: place === "regex" ? new RegExp(text, flags) : text,
    ...(hosts.length > 0 && { hosts: [...hosts] }),
    ...(headers.length > 0 && { headers: Object.fromEntries(tests) }),
    ...(contentTypes.length > 0 && { contentTypes: [...contentTypes] }),
    ...(extensions.length > 0 && { extensions: [...extensions] }),
    ...(listeners.length > 0 && { listener: [...listeners] }),
    ...(facts.protocol !== "" && { protocol: facts.protocol }),
  };
}

/** How messages, logs and metrics call the row. */
export function patternOf({ place, text, flags }: OrderedFacts): string {
  if (place === "path") return text;
  if (place === "regex") return `/${text}/${flags}`;
  return text.endsWith("/") ? `${text}*` : `${text}/*`;
}

function readPlace({ path, prefix, regex }: Given): Pick<OrderedFacts, "place" | "text" | "flags"> {
  if (regex !== undefined) {
    const { source, flags } = regexOf(regex, "regex");
    return { place: "regex", text: source, flags };
  }
  const place = path === undefined ? "prefix" : "path";
  const given = path === undefined ? prefix : path;
  const text = given === undefined ? "/" : given; // null is a mistake: it must not take every path
  if (typeof text !== "string" || !text.startsWith("/")) {
    throw new Error(`${place} must be a string that begins with a slash`);
  }
  if (place === "prefix" && text.includes("*")) {
    throw new Error("prefix has no wildcard: it takes what is below in any case");
  }
  return { place, text, flags: "" };
}

function regexOf(value: unknown, label: string): RegExp {
  let regex: RegExp;
  try {
    regex = value instanceof RegExp ? value : new RegExp(value as string);
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
  }
  if (!(value instanceof RegExp) && (typeof value !== "string" || value === "")) {
    throw new Error(`${label} must be an expression, or the source of one`);
  }
  if (regex.global || regex.sticky) {
    throw new Error(`${label} has the flag g or y: such ones remember where they were`);
  }
  return regex;
}

function readHeaders(given: unknown): HeaderTest[] {
  if (given === undefined) return [];
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Error("headers must be an object of names and what they must be");
  }
  return Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (!isToken(name)) throw new Error(`headers: "${name}" is no name of a field`);
    return headerTest(name.toLowerCase(), value);
  });
}

function headerTest(name: string, value: unknown): HeaderTest {
  if (typeof value === "string") return { name, is: "equal", text: value, flags: "" };
  if (typeof value === "boolean") {
    return { name, is: value ? "present" : "absent", text: "", flags: "" };
  }
  if (!(value instanceof RegExp)) {
    throw new Error(`headers: "${name}" must be true, false, a string or an expression`);
  }
  const { source, flags } = regexOf(value, `headers: "${name}"`);
  return { name, is: "like", text: source, flags };
}

function valueOf({ is, text, flags }: Omit<HeaderTest, "name">): boolean | string | RegExp {
  if (is === "equal") return text;
  return is === "like" ? new RegExp(text, flags) : is === "present";
}

/** As the URLs of requests have it, in which `127.1` is `127.0.0.1`. */
function readHost(text: string): string {
  const [, star = "", name = "", port = ""] = HOST.exec(text) ?? [];
  // What is below a name: an address has nothing there.
  const url = `http://${star === "" ? "" : "x."}${name}/`;
  if (name === "" || Number(port) > PORT_MAX || !URL.canParse(url)) {
    throw new Error(
      `hosts: "${text}": a host is a name, as example.com or *.example.com, or an address, as ` +
        "[::1], and may have a port",
    );
  }
  const { hostname } = new URL(url);
  const host = star === "" ? hostname : hostname.replace("x", "*");
  return port === "" ? host : `${host}:${Number(port)}`;
}

function readProtocol(given: unknown): OrderedFacts["protocol"] {
  if (given === undefined) return "";
  if (given !== "http" && given !== "https") throw new Error('protocol must be "http" or "https"');
  return given;
}

/** In lower case. */
function textsOf(given: unknown, name: string, form: RegExp, why: string): string[] {
  const texts = listOf(given, name).map((text) => text.toLowerCase());
  const wrong = texts.find((text) => !form.test(text));
  if (wrong !== undefined) throw new Error(`${name}: "${wrong}": ${why}`);
  return texts;
}

function listOf(given: unknown, name: string): string[] {
  if (given === undefined) return [];
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const isList = list.length > 0 && list.every((each) => typeof each === "string" && each !== "");
  if (!isList) throw new Error(`${name} must be a string that is not empty, or a list of some`);
  return list as string[];
}
