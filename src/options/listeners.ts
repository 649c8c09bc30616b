/**
 * The options of listeners: their own table of rows, the text form of a bind, and how `listeners`,
 * `host` and `port` of all layers come together. Pure; used in the primary and on the command line.
 */
import { isIPv6 } from "node:net";
import { MillraceError } from "../shared/errors.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import { flag, integer, passes, show, text, where } from "./checks.ts";
import { checkLayer, labelOf, strongest } from "./layers.ts";
import type { Layer, Rows } from "./layers.ts";
import { LISTENER_SETTING_ROWS, settingsOf } from "./listener-settings.ts";

type OwnSettings = { [name in keyof ListenerSettings]?: ListenerSettings[name] | undefined };

export interface ListenerOptions extends OwnSettings {
  id?: string | undefined;
  name?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  path?: string | undefined;
  backlog?: number | undefined;
  accessLog?: boolean | undefined;
  data?: unknown;
}

export interface ResolvedListener {
  readonly id: string;
  readonly name: string;
  /** Both set, or neither: then `path` is. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly backlog: number;
  readonly accessLog: boolean;
  readonly data: unknown;
  /** Its own limits and clocks, completed by those of the server. */
  readonly settings: ListenerSettings;
  /** What no option, flag, variable or file gave, so that the app's own values may replace it. */
  readonly defaulted: { readonly host: boolean; readonly port: boolean };
}

export const HOST_DEFAULT = "127.0.0.1";
export const PORT_DEFAULT = 3000;
/** What Node.js asks for too; the kernel lowers it to net.core.somaxconn. */
const BACKLOG_DEFAULT = 511;
/** `sun_path` of Linux has 108 bytes, of which one ends the string. */
const PATH_BYTES_MAX = 107;

interface ListenerRow {
  readonly check: ReturnType<typeof integer>;
  readonly text: string;
}

export const portCheck: ListenerRow["check"] = integer(0, 65535);
const pathCheck = where(
  (value) => typeof value === "string" && value !== "" && !value.includes("\0") &&
    Buffer.byteLength(value) <= PATH_BYTES_MAX,
  `the path of a Unix socket, of 1 to ${PATH_BYTES_MAX} bytes`,
);

type PlaceName = Exclude<keyof ListenerOptions, keyof ListenerSettings>;

/** The options that only a listener has; beside them it may set those of LISTENER_SETTING_ROWS. */
export const LISTENER_ROWS: Readonly<Record<PlaceName, ListenerRow>> = {
  id: {
    check: text,
    text: "The name that calls such as `stopListener` know it by. The first listener is " +
      "`default`, the others `listener-2` and so on, unless they say otherwise.",
  },
  name: { check: text, text: "What reports call it; the id if not given." },
  host: { check: text, text: "The address to bind, or a name that resolves to one." },
  port: { check: portCheck, text: "The port; 0 takes any free one." },
  path: { check: pathCheck, text: "The path of a Unix socket, instead of `host` and `port`." },
  backlog: {
    check: integer(1, 65535),
    text: `How many connections may wait to be accepted. Default ${BACKLOG_DEFAULT}.`,
  },
  accessLog: {
    check: flag,
    text: "Whether its requests are in the server's access log. Default true.",
  },
  data: {
    check: where(() => true, "any value that can be cloned"),
    text: "Any value that can be cloned; handlers find it as `context.listener.data`.",
  },
};

const ALL_ROWS: Rows = { ...LISTENER_ROWS, ...LISTENER_SETTING_ROWS };

/** A bind as text: `port`, `host:port`, `[v6]:port`, or the path of a Unix socket with a slash. */
export function parseBind(bind: string): { host?: string; port?: number; path?: string } {
  if (/^\d+$/.test(bind)) return { port: parsePort(bind, bind) };
  if (bind.includes("/")) return { path: bind };
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d+)$/.exec(bind);
  const host = parts?.[1] ?? parts?.[2];
  if (parts === null || host === undefined || (parts[1] !== undefined && !isIPv6(host))) {
    throw invalid(`bind must be port, host:port, [v6]:port or a path, not ${show(bind)}`);
  }
  return { host, port: parsePort(parts[3] ?? "", bind) };
}

function parsePort(digits: string, bind: string): number {
  const port = Number(digits);
  if (passes(portCheck, port)) return port;
  throw invalid(`the port of bind must be ${portCheck.says}, not ${show(bind)}`);
}

/** The listeners that the layers, ordered from the strongest, ask for together. */
export function resolveListeners(
  layers: readonly Layer[],
  rows: Rows,
  server: ListenerSettings,
): ResolvedListener[] {
  const listed = strongest(layers, "listeners");
  const given = (listed?.values["listeners"] ?? [{}]) as readonly ListenerOptions[];
  const label = listed === undefined ? "listeners" : labelOf(listed, "listeners", rows);
  given.forEach((listener, index) => checkListener(listener, `${label}[${index}]`));
  const shorts = shortForms(layers, listed, given, rows);
  const resolved = given.map((listener, index) => {
    const settings = settingsOf(listener, server, `${label}[${index}]`);
    return complete(listener, index, shorts, settings);
  });
  checkIds(resolved);
  if (given.length > 1) checkPorts(given, label);
  return resolved;
}

/** The top-level `host` and `port`: `over` the listener's own, or only `under` it. */
interface ShortForms {
  readonly over: ListenerOptions;
  readonly under: ListenerOptions;
}

/**
 * Short forms stronger than the list replace what the one TCP listener says; weaker ones fill in.
 * With several listeners they have no meaning: from an option, flag or file that is an error, but
 * PORT and HOST may be set for some other program, so they are passed over.
 */
function shortForms(
  layers: readonly Layer[],
  listed: Layer | undefined,
  given: readonly ListenerOptions[],
  rows: Rows,
): ShortForms {
  const over: ListenerOptions = {};
  const under: ListenerOptions = {};
  const isSole = given.length === 1 && given[0]?.path === undefined;
  const listedAt = listed === undefined ? -1 : layers.indexOf(listed);
  for (const [index, layer] of layers.entries()) {
    const { host, port } = layer.values as ListenerOptions;
    if (host === undefined && port === undefined) continue;
    if (index === listedAt) {
      throw invalid(`${labelOf(layer, "listeners", rows)}: give either listeners or host and port`);
    }
    if (!isSole) {
      if (index > listedAt || layer.source === "environment") continue;
      const label = labelOf(layer, port === undefined ? "host" : "port", rows);
      throw invalid(`${label} needs listeners to be a single one with a port; it is not`);
    }
    const target = index < listedAt ? over : under;
    target.host ??= host;
    target.port ??= port;
  }
  return { over, under };
}

function complete(
  given: ListenerOptions,
  index: number,
  shorts: ShortForms,
  settings: ListenerSettings,
): ResolvedListener {
  const id = given.id ?? (index === 0 ? "default" : `listener-${index + 1}`);
  const common = {
    id,
    name: given.name ?? id,
    backlog: given.backlog ?? BACKLOG_DEFAULT,
    accessLog: given.accessLog ?? true,
    data: given.data,
    settings,
  };
  if (given.path !== undefined) {
    return { ...common, path: given.path, defaulted: { host: false, port: false } };
  }
  const host = shorts.over.host ?? given.host ?? shorts.under.host;
  const port = shorts.over.port ?? given.port ?? shorts.under.port;
  return {
    ...common,
    host: host ?? HOST_DEFAULT,
    port: port ?? PORT_DEFAULT,
    defaulted: { host: host === undefined, port: port === undefined },
  };
}

function checkListener(listener: ListenerOptions, label: string): void {
  const values = listener as Readonly<Record<string, unknown>>;
  try {
    checkLayer({ source: "option", values }, ALL_ROWS);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError(error.code, `${label}: ${error.message}`);
  }
  if (listener.path !== undefined && (listener.host ?? listener.port) !== undefined) {
    throw invalid(`${label}: give either path or host and port`);
  }
  try {
    structuredClone(listener.data);
  } catch (cause) {
    throw invalid(`${label}: data must be a value that can be cloned`, { cause });
  }
}

function checkIds(listeners: readonly ResolvedListener[]): void {
  const seen = new Set<string>();
  for (const { id } of listeners) {
    if (seen.has(id)) {
      throw new MillraceError("ERR_MILLRACE_LISTENER_DUPLICATE", `two listeners have the id ${id}`);
    }
    seen.add(id);
  }
}

function checkPorts(given: readonly ListenerOptions[], label: string): void {
  const index = given.findIndex((listener) => (listener.port ?? listener.path) === undefined);
  if (index >= 0) throw invalid(`${label}[${index}]: one of several listeners needs port or path`);
}

function invalid(message: string, options?: ErrorOptions): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message, options);
}
