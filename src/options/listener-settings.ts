/**
 * The rows of the options that each listener can set for itself: limits and clocks. To add one, add
 * its row here and its type to ListenerSettings; flags, variables, checks, `--listener`, docs and
 * the way to the worker follow. Pure.
 */
import type { ListenerSetting, ListenerSettings } from "../shared/listener-settings.ts";
import { MillraceError } from "../shared/errors.ts";
import { addressesOf, addressList, proxyTrust } from "./address-list.ts";
import { fieldName, flag, integer, milliseconds, oneOf, urlPath, where } from "./checks.ts";
import { compression } from "./compression.ts";
import { DEFAULT_METHODS, KNOWN_METHODS } from "../shared/methods.ts";
import { debug, stopClocks } from "./debug.ts";
import { defaultHeaders } from "./default-headers.ts";
import type { OptionRow } from "./row.ts";

/** An arena and a burst: less could be reached by answers that do wait. */
const OUTPUT_HARD_LEAST = 2_097_152;
/** Bursts that a pump writes before it waits, and as much again for what it cannot foresee. */
const OUTPUT_BURSTS = 8;

/** One object, so that a listener without headers of its own has the very ones of the server. */
const NO_HEADERS: ListenerSettings["headers"] = {};

/** In the order of the help and of the documentation. */
export const LISTENER_SETTING_ROWS: Readonly<Record<ListenerSetting, OptionRow>> = {
  methods: {
    group: "Requests",
    check: where(isMethodList, "an array of methods that Node.js knows"),
    fallback: DEFAULT_METHODS,
    fallbackText: "all that Node.js knows but TRACE and CONNECT",
    text: "The methods that are served; any other is 501.",
  },
  headTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 10_000,
    text: "From the first byte of a request to the end of its head; then 408.",
  },
  bodyTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a request's body may make no progress while the server reads it; then 408.",
  },
  idleTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 75_000,
    text: "How long a connection may be idle between requests. Keep it above your proxy's.",
  },
  announceKeepAlive: {
    group: "Time",
    check: flag,
    fallback: true,
    text: "Answers that keep the connection say `Keep-Alive: timeout=`, one second less than " +
      "`idleTimeoutMs`.",
  },
  handlerTimeoutMs: {
    group: "Time",
    check: milliseconds(0),
    fallback: 0,
    text: "How long a handler may take to return its answer; then 503. 0 sets no limit.",
  },
  writeTimeoutMs: {
    group: "Time",
    check: milliseconds(1),
    fallback: 30_000,
    text: "How long a peer may take nothing of what waits to be written to it.",
  },
  headBytesMax: {
    group: "Size",
    check: integer(256, 65_535),
    fallback: 16_384,
    text: "Bytes of a request's head, its request line included; beyond it 431.",
  },
  headersMax: {
    group: "Size",
    check: integer(1, 4096),
    fallback: 100,
    text: "Header fields of a request; beyond it 431.",
  },
  targetBytesMax: {
    group: "Size",
    check: integer(1, 65_535),
    fallback: 8192,
    fallbackText: "8192, or `headBytesMax` if that is less",
    text: "Bytes of a request's target; beyond it 414.",
  },
  bodyBytesMax: {
    group: "Size",
    check: integer(0, 2 ** 31 - 1),
    fallback: 1_048_576,
    text: "Bytes of a body that is read as a whole, as by `json()`; beyond it 413.",
  },
  bodyStreamBytesMax: {
    group: "Size",
    check: integer(0, Number.MAX_SAFE_INTEGER),
    fallback: 0,
    text: "Bytes of a body that is read as a stream; beyond it 413. 0 sets no limit.",
  },
  decodeBodies: {
    group: "Size",
    check: flag,
    fallback: false,
    text: "Decode bodies of requests by their `Content-Encoding`; the limits count what comes out.",
  },
  pipelineMax: {
    group: "Size",
    // Half of a batch: a read may add this many requests and must find room in the event ring.
    check: integer(1, 1024),
    fallback: 64,
    text: "Unanswered requests of one connection; beyond it the connection is not read on.",
  },
  outputBytesMax: {
    group: "Size",
    check: integer(1024, 2 ** 30),
    fallback: 65_536,
    text: "Bytes that wait to be sent to one connection before its producer has to wait.",
  },
  outputHardBytesMax: {
    group: "Size",
    check: integer(OUTPUT_HARD_LEAST, 2 ** 32 - 1),
    fallback: 16_777_216,
    fallbackText: "16777216, or 8 times `outputBytesMax` if that is more",
    text: "Bytes that wait to be sent to one connection at which it is closed.",
  },
  proxyProtocol: {
    group: "Proxies",
    check: oneOf(["off", "required"]),
    fallback: "off",
    text: "Whether each connection begins with a header of the PROXY protocol, version 1 or 2, " +
      "whose addresses are then those of the connection. One without it, or of a peer that is " +
      "not in `trustedProxies`, is closed without an answer.",
  },
  trustedProxies: {
    group: "Proxies",
    check: addressList,
    fallback: "",
    fallbackText: "none",
    text: "Peers that may announce other addresses than their own: addresses, networks such as " +
      "`10.0.0.0/8`, and `unix` for the peers of a Unix socket.",
  },
  trustProxy: {
    group: "Proxies",
    check: proxyTrust,
    fallback: "",
    fallbackText: "nobody",
    text: "Whose word is taken for the client of a request, `context.client`: the addresses of " +
      "proxies, or how many of them each request has come through.",
  },
  forwardedFields: {
    group: "Proxies",
    check: oneOf(["x-forwarded", "forwarded"]),
    fallback: "x-forwarded",
    text: "Where the proxies of `trustProxy` say it: in `X-Forwarded-For`, `-Proto` and `-Host`, " +
      "or in `Forwarded`. The others are never believed: a proxy passes on what it does not set.",
  },
  forwardedUrl: {
    group: "Proxies",
    check: oneOf(["off", "scheme", "origin"]),
    fallback: "off",
    text: "What `request.url` has from the proxies of `trustProxy`: nothing, its scheme, or its " +
      "scheme and host.",
  },
  requestIdHeader: {
    group: "Observability",
    check: fieldName,
    fallback: "",
    fallbackText: "none, ids are made up",
    text: "The field of a request whose value is its id, as a trusted proxy sets `X-Request-Id`.",
  },
  headers: {
    group: "Answers",
    check: defaultHeaders,
    fallback: NO_HEADERS,
    fallbackText: "none",
    text: "Fields of every answer that does not have them itself, such as `Server`.",
  },
  compression: {
    group: "Answers",
    check: compression,
    fallback: false,
    text: "Compress answers whose client takes it; docs/compression.md says which and how.",
  },
  debug: {
    group: "Observability",
    check: debug,
    fallback: false,
    text: "Write what comes and goes to the log, heads and bodies, secrets masked; " +
      "docs/logging.md says what. Slower; where it is off it costs nothing.",
  },
  metricsPath: {
    group: "Observability",
    check: urlPath,
    fallback: "",
    fallbackText: "none",
    text: "Where GET is answered with the metrics of the server, such as `/metrics`; implies " +
      "`metrics`. Give it to a listener that only monitoring reaches.",
  },
  livenessPath: {
    group: "Observability",
    check: urlPath,
    fallback: "",
    fallbackText: "none",
    text: "Where GET is answered with 200 while the worker's loop turns, such as `/livez`; no " +
      "handler is asked.",
  },
  readinessPath: {
    group: "Observability",
    check: urlPath,
    fallback: "",
    fallbackText: "none",
    text: "Where GET is answered with 200 while new requests are welcome, such as `/readyz`, and " +
      "with 503 while the server starts, drains or stops; no handler is asked.",
  },
};

function isMethodList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => KNOWN_METHODS.includes(each));
}

export const LISTENER_SETTINGS: readonly ListenerSetting[] =
  Object.keys(LISTENER_SETTING_ROWS) as ListenerSetting[];

/** What a listener uses: its own values, and those of the server where it has none. */
export function settingsOf(
  own: Partial<Record<ListenerSetting, unknown>>,
  server: ListenerSettings,
  label: string,
): ListenerSettings {
  const values: Record<string, unknown> = {};
  for (const name of LISTENER_SETTINGS) values[name] = own[name] ?? server[name];
  // The rows have checked each member.
  const settings = values as unknown as ListenerSettings;
  checkPaths(settings, `${label}: `);
  checkProxies(settings, `${label}: `);
  fitTarget(settings, own.targetBytesMax !== undefined, `${label}: `);
  fitOutput(settings, own.outputHardBytesMax !== undefined, `${label}: `);
  stopClocks(settings);
  return settings;
}

/** What the server itself answers there: of two at one path, one could never be reached. */
function checkPaths(settings: ListenerSettings, label: string): void {
  const names = ["metricsPath", "livenessPath", "readinessPath"] as const;
  for (const [index, name] of names.entries()) {
    const other = names.slice(0, index).find((each) => settings[each] === settings[name]);
    if (other === undefined || settings[name] === "") continue;
    const message = `${label}${name} and ${other} must differ`;
    throw new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
  }
}

/** Nobody is trusted by default: such a listener would close every connection. */
function checkProxies({ proxyProtocol, trustedProxies }: ListenerSettings, label: string): void {
  if (proxyProtocol === "off" || addressesOf(trustedProxies).length > 0) return;
  const message = `${label}proxyProtocol: required needs trustedProxies`;
  throw new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}

/** What a listener has otherwise than the server. */
export function ownSettings(
  listener: ListenerSettings,
  server: ListenerSettings,
): Partial<ListenerSettings> {
  const names = LISTENER_SETTINGS.filter((name) => listener[name] !== server[name]);
  return Object.fromEntries(names.map((name) => [name, listener[name]]));
}

/** A target is part of a head, so a limit above the head's could never take effect. */
export function fitTarget(settings: ListenerSettings, isGiven: boolean, label: string): void {
  const { headBytesMax } = settings;
  if (settings.targetBytesMax <= headBytesMax) return;
  if (isGiven) {
    throw new MillraceError(
      "ERR_MILLRACE_OPTION_INVALID",
      `${label}targetBytesMax must be at most headBytesMax, which is ${headBytesMax}`,
    );
  }
  settings.targetBytesMax = headBytesMax;
}

/** The hard limit is for what does not wait: a writer that waits must never reach it. */
export function fitOutput(settings: ListenerSettings, isGiven: boolean, label: string): void {
  const least = OUTPUT_BURSTS * settings.outputBytesMax;
  if (settings.outputHardBytesMax >= least) return;
  if (isGiven) {
    throw new MillraceError(
      "ERR_MILLRACE_OPTION_INVALID",
      `${label}outputHardBytesMax must be at least 8 times outputBytesMax, ${least}`,
    );
  }
  settings.outputHardBytesMax = Math.min(least, 2 ** 32 - 1);
}
