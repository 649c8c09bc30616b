/** The options of the proxy, checked, and the target that they make with its URL. Any thread. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type AgentOptions } from "node:https";
import { isIP } from "node:net";
import { isToken } from "../shared/token.ts";
import {
  checkFlags, checkKnown, checkWhole, DELAY_MS_MAX, isFieldText, wrongOption,
} from "../shared/option-checks.ts";
import type { Target } from "./proxy-exchange.ts";

export interface ProxyOptions {
  /** Taken off the beginning of the path, which then follows the target's. */
  readonly stripPrefix?: string;
  /** The client's `Host` goes on; else it is the target's. Default false. */
  readonly preserveHost?: boolean;
  /**
   * Fields of the request that are set, or taken away with `null`. Not those that frame its body:
   * `Content-Length` and `Transfer-Encoding`.
   */
  readonly headers?: Readonly<Record<string, string | null>>;
  /**
   * Milliseconds until there is a connection, then until the target goes on taking the body, until
   * the answer's head, and between pieces of its body. What the client takes does not count.
   * From 1 to 2,147,483,647, default 30,000.
   */
  readonly timeoutMs?: number;
  /** Connections to the target, for each worker. Default 256. */
  readonly connectionsMax?: number;
  /** Of connections to `https:` targets, as node:tls has them. */
  readonly tls?: AgentOptions;
}

const NAMES: readonly (keyof ProxyOptions)[] = [
  "stripPrefix", "preserveHost", "headers", "timeoutMs", "connectionsMax", "tls",
];
const TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 256;
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/** Throws a TypeError for what is no target, and for options that are none. */
export function targetOf(given: string | URL, options: ProxyOptions): Target {
  const target = URL.canParse(String(given)) ? new URL(given) : null;
  if (target === null || !/^https?:$/.test(target.protocol)) {
    throw wrongOption(`proxy: ${String(given)} is no URL of http or https`);
  }
  checkKnown("proxy", options, NAMES);
  checkFlags("proxy", options, ["preserveHost"]);
  const { timeoutMs = TIMEOUT_MS, connectionsMax = CONNECTIONS_MAX, stripPrefix, tls } = options;
  const { preserveHost = false, headers = {} } = options;
  if (target.search !== "" || target.hash !== "" || target.username !== "") {
    throw wrongOption("proxy: the target has no query, no fragment and no user");
  }
  if (stripPrefix !== undefined && !/^\/.*[^/]$/.test(stripPrefix)) {
    throw wrongOption("proxy: stripPrefix begins with a slash and does not end with one");
  }
  checkWhole("proxy", "timeoutMs", timeoutMs, 1, DELAY_MS_MAX);
  checkWhole("proxy", "connectionsMax", connectionsMax, 1);
  if (tls !== undefined && !isObject(tls)) throw wrongOption("proxy: tls is an object");
  checkFields(headers);
  // Node.js would take the name from `Host`, which may be the client's.
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const kept = { keepAlive: true, maxSockets: connectionsMax };
  const agent = target.protocol === "https:"
    ? new HttpsAgent({ servername: isIP(host) === 0 ? host : "", ...tls, ...kept })
    : new HttpAgent(kept);
  return { url: target, fields: { preserveHost, headers }, agent, timeoutMs };
}

function checkFields(headers: unknown): void {
  if (!isObject(headers)) throw wrongOption("proxy: headers is an object");
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) throw wrongOption(`proxy: "${name}" is no name of a header field`);
    if (FRAMING.has(name.toLowerCase())) {
      throw wrongOption(`proxy: ${name} follows from the body`);
    }
    if (value === null || isFieldText(value)) continue;
    const may = "is the text of a field, or null to take it away";
    throw wrongOption(`proxy: what ${name} is set to ${may}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
