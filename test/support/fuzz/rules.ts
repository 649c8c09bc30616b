/**
 * Where Millrace and node:http are known to judge differently, and why. Whatever no rule explains
 * is a finding. A rule says which status of ours it explains, and what the input must have for it.
 */
import { type Seen, SERVER_OPTIONS } from "./verdict.ts";

interface Rule {
  readonly why: string;
  /** The status with which we refuse what node:http takes. */
  readonly status: string;
  readonly holds: (input: string) => boolean;
}

const HEAD = /^[^\r\n]*(?:\r\n(?!\r\n)[^\r\n]*)*/gm;
const HOST_LINE = /\r\nHost:[ \t]*([^\r\n]*?)[ \t]*(?=\r|$)/gi;
const GOOD_HOST = /^(?:\[[\d:a-f.]+\]|[\w.~!$&'()*+;=%-]+)(?::\d{0,5})?$/i;
const REQUEST_LINE = /([A-Z-]+) (\S*) HTTP\/(\d\.\d)/g;
const CONNECTION = /\r\n(?:Proxy-)?Connection:[ \t]*([^\r\n]*)/gi;
const CODING = /\r\nTransfer-Encoding:[ \t]*([^\r\n]*?)[ \t]*(?=\r|$)/gi;

/** A message's head of HTTP/1.1, if one begins here, has not exactly one good Host. */
function hasBadHost(input: string): boolean {
  for (const [head] of input.matchAll(HEAD)) {
    const hosts = [...`\r\n${head}`.matchAll(HOST_LINE)].map(([, value]) => value!);
    if (hosts.length > 1 || hosts.some((value) => !GOOD_HOST.test(value))) return true;
    if (hosts.length === 0 && /HTTP\/1\.1\r\n/.test(`${head}\r\n`)) return true;
  }
  return false;
}

function hasBadTarget(input: string): boolean {
  for (const [, method, target] of input.matchAll(REQUEST_LINE)) {
    const isGood = /^\/[\x21\x22\x24-\x7e]*$/.test(target!) ||
      /^https?:\/\/[\w.-]+(?::\d*)?(?:[/?][\x21\x22\x24-\x7e]*)?$/i.test(target!) ||
      (method === "OPTIONS" && target === "*");
    if (!isGood) return true;
  }
  return false;
}

const hasCoding = (input: string, holds: (value: string) => boolean): boolean =>
  [...input.matchAll(CODING)].some(([, value]) => holds(value!));

const RULES: readonly Rule[] = [
  {
    why: "one valid Host; node:http only asks that there is one, answers 400 and goes on",
    status: "400",
    holds: hasBadHost,
  },
  {
    why: "the form of the target fits the method: node:http leaves it to the handler",
    status: "400",
    holds: hasBadTarget,
  },
  {
    why: "one space between the parts of the request line (RFC 9112 3)",
    status: "400",
    holds: (input) => /(?:^|\n)[A-Z-]+(?: {2,}\S* +| +\S* {2,})HTTP\//.test(input),
  },
  {
    why: "a transfer coding with HTTP/1.0 is faulty framing (RFC 9112 6.1)",
    status: "400",
    holds: (input) => hasCoding(input, () => true) && /HTTP\/1\.0/.test(input),
  },
  {
    why: "an empty Transfer-Encoding says nothing about where the body ends",
    status: "400",
    holds: (input) => hasCoding(input, (value) => value.replace(/[, \t]/g, "") === ""),
  },
  {
    why: "chunked behind an empty element of its list: servers differ on it",
    status: "400",
    holds: (input) => hasCoding(input, (value) => value.startsWith(",")),
  },
  {
    why: "codings beside a last chunked that nobody decodes (RFC 9112 6.1)",
    status: "501",
    holds: (input) => hasCoding(input, (value) => value.toLowerCase() !== "chunked"),
  },
  {
    why: "only a single chunked",
    status: "400",
    holds: (input) => hasCoding(input, (value) => /chunked.*chunked/i.test(value)),
  },
  {
    why: "methods beyond the allowed ones",
    status: "501",
    holds: (input) => /(?:TRACE|CONNECT|QUERY) /.test(input),
  },
  {
    why: "versions other than HTTP/1.0 and 1.1",
    status: "505",
    holds: (input) => [...input.matchAll(REQUEST_LINE)].some(([, , , v]) => !/^1\.[01]$/.test(v!)),
  },
  {
    why: "a request line without a version is of HTTP/0.9",
    status: "505",
    holds: (input) => /[A-Z-]+ [^ \r\n]*\r?\n/.test(input),
  },
  {
    why: "an unknown expectation ends the connection; node:http answers 417 and goes on",
    status: "417",
    holds: (input) => /\r\nExpect:(?![ \t]*100-continue[ \t]*\r)/i.test(input),
  },
];

/** Bytes behind the last answer, and messages cut short by FIN: nobody waits for an answer. */
const SILENT = new Set(["HPE_CLOSED_CONNECTION", "HPE_INVALID_EOF_STATE"]);

/** A word cut short by FIN: we judge a method when all of it has come, node:http each byte. */
function endsInWord(input: string): boolean {
  return /[\w!#$%&'*+.^`|~-]$/.test(input);
}

/** What follows a request for an upgrade that nobody takes is lost by node:http. */
function isDeclinedUpgrade(input: string): boolean {
  return /\r\nUpgrade:/i.test(input) && /\r\nConnection:[^\r]*upgrade/i.test(input);
}

/**
 * With HTTP/1.0 close wins over keep-alive, and only Connection keeps (RFC 9112 9.3): node:http has
 * it the other way round, and goes on with what we do not read.
 */
function isClosedBefore(input: string): boolean {
  for (const [head] of input.matchAll(HEAD)) {
    if (!/HTTP\/1\.0/.test(head)) continue;
    const options = [...`\r\n${head}`.matchAll(CONNECTION)].map(([field]) => field);
    const keeps = options.filter((field) => /[:,\s]keep-alive\s*(?:,|$)/i.test(field));
    const closes = options.some((field) => /[:,\s]close\s*(?:,|$)/i.test(field));
    if (keeps.length > 0 && (closes || keeps.every((field) => /Proxy-/i.test(field)))) return true;
  }
  return false;
}

/** Null: they agree, or a rule explains it. Else what is wrong. */
export function disagreement(input: string, ours: Seen, node: Seen): string | null {
  const shared = Math.min(ours.requests.length, node.requests.length);
  for (let index = 0; index < shared; index++) {
    if (ours.requests[index] !== node.requests[index]) return `request ${index} differs`;
  }
  const extra = ours.requests.length - node.requests.length;
  if (isDeclinedUpgrade(input) && node.refused === null && extra >= 0) return null;
  // `OPTIONS *` is answered by its head alone.
  if (extra === 1 && ours.requests.at(-1) === SERVER_OPTIONS) return null;
  if (extra > 0) return `${extra} requests more than node:http`;
  if (ours.refused === null) {
    if (isClosedBefore(input)) return null;
    if (extra < 0) return `${-extra} requests fewer than node:http, and no refusal`;
    if (node.refused === null || SILENT.has(node.refused)) return null;
    if (extra === 0 && node.refused === "HPE_INVALID_METHOD" && endsInWord(input)) return null;
    return `no refusal where node:http has ${node.refused}`;
  }
  if (extra === 0 && node.refused !== null) return null;
  const explained = RULES.some(({ status, holds }) => status === ours.refused && holds(input));
  return explained ? null : `refused with ${ours.refused} where node:http goes on`;
}
