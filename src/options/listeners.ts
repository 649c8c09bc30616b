/**
 * The options of listeners: their own table of rows, and how `listeners`, `host` and `port` of all
 * layers come together. Pure; used in the primary and on the command line.
 */
import { MillraceError } from "../shared/errors.ts";
import type { ListenerOptions } from "../shared/app.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import {
  type Bind, type BindOptions, bindText, descriptorCheck, parseBind, portCheck,
} from "./bind.ts";
import { type AppOption, isAppOption } from "./app.ts";
import { type Check, flag, integer, text, where } from "./checks.ts";
import { checkLayer, labelOf, strongest } from "./layers.ts";
import type { Layer, Rows } from "./layers.ts";
import type { RoutesOption } from "./listener-routes.ts";
import { LISTENER_SETTING_ROWS, settingsOf } from "./listener-settings.ts";

export type { ListenerOptions };

export interface ResolvedListener {
  readonly id: string;
  readonly name: string;
  /** Both set, or neither: then one of `path`, `fd` and `systemd` is. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly fd?: number;
  readonly systemd?: string;
  readonly mode?: number;
  readonly backlog: number;
  readonly reopenMax: number;
  readonly autoStart: boolean;
  readonly comment?: string;
  readonly accessLog: boolean;
  readonly app?: AppOption;
  readonly routes?: RoutesOption;
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

/** A listening socket that breaks is opened again this many times in a row. */
const REOPEN_DEFAULT = 5;

interface ListenerRow {
  readonly check: Check;
  readonly text: string;
}

const pathCheck = where(
  (value) => typeof value === "string" && value !== "" && !value.includes("\0") &&
    Buffer.byteLength(value) <= PATH_BYTES_MAX,
  `the path of a Unix socket, of 1 to ${PATH_BYTES_MAX} bytes`,
);

const modeCheck = where(
  (value) => typeof value === "number"
    ? Number.isInteger(value) && value >= 0 && value <= 0o777
    : typeof value === "string" && /^0?[0-7]{3}$/.test(value),
  'permissions such as 0o660, or as octal text such as "0660"',
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
  path: {
    check: pathCheck,
    text: "The path of a Unix socket, instead of `host` and `port`; with `@` in front a name in " +
      "the abstract namespace of Linux.",
  },
  fd: {
    check: descriptorCheck,
    text: "A descriptor that the process was started with: a listening stream socket.",
  },
  systemd: {
    check: where((value) => typeof value === "string", "the name of a socket unit, or empty"),
    text: "The sockets of that name that systemd has passed (`LISTEN_FDS`); all if it is empty.",
  },
  bind: {
    check: text,
    text: "The place as text instead: `port`, `host:port`, `[v6]:port`, either behind " +
      "`http://`, a path, `@name`, `fd:N`, `systemd` or `systemd:name`.",
  },
  mode: {
    check: modeCheck,
    text: "The permissions of the Unix socket's file, as `0o660` or `\"0660\"`. Default: as the " +
      "process's umask has it.",
  },
  backlog: {
    check: integer(1, 65535),
    text: `How many connections may wait to be accepted. Default ${BACKLOG_DEFAULT}.`,
  },
  reopenMax: {
    check: integer(0, 1000),
    text: "How many times in a row a listening socket that has failed is opened again. Default " +
      `${REOPEN_DEFAULT}.`,
  },
  autoStart: {
    check: flag,
    text: "Whether it is bound with the server, or when it is added. Default true.",
  },
  comment: { check: text, text: "Free text, which `server.listeners` shows." },
  accessLog: {
    check: flag,
    text: "Whether its requests are in the server's access log. Default true.",
  },
  app: {
    check: where(isAppOption, "as the server's `app`"),
    text: "An app of its own, as the server's `app`: only its routes and hooks serve the " +
      "listener's requests.",
  },
  routes: {
    check: where((value) => Array.isArray(value) || (typeof value === "string" && value !== ""),
      "an array of rows, or the name of one handler"),
    text: "Routes of its own, as `setRoutes` takes them: only they serve its requests. The name " +
      "of one handler takes everything. See [routing](routing.md#routes-of-a-listener).",
  },
  data: {
    check: where(() => true, "any value that can be cloned"),
    text: "Any value that can be cloned; handlers find it as `context.listener.data`.",
  },
};

const ALL_ROWS: Rows = { ...LISTENER_ROWS, ...LISTENER_SETTING_ROWS };

/** The listeners that the layers, ordered from the strongest, ask for together. */
export function resolveListeners(
  layers: readonly Layer[],
  rows: Rows,
  server: ListenerSettings,
): ResolvedListener[] {
  const listed = strongest(layers, "listeners");
  const given = (listed?.values["listeners"] ?? [{}]) as readonly ListenerOptions[];
  const label = listed === undefined ? "listeners" : labelOf(listed, "listeners", rows);
  const placed = given.map((listener, index) => checkListener(listener, `${label}[${index}]`));
  const shorts = shortForms(layers, listed, placed, rows);
  const resolved = placed.map((listener, index) => {
    const settings = settingsOf(listener, server, `${label}[${index}]`);
    const id = listener.id ?? (index === 0 ? "default" : `listener-${index + 1}`);
    return complete(listener, id, shorts, settings);
  });
  resolved.forEach((listener, index) => checkUnique(listener, resolved.slice(0, index)));
  if (given.length > 1) checkPlaces(placed, label);
  return resolved;
}

/** One that is added to a running server; `id` is for one that does not say its own. */
export function resolveAdded(
  given: ListenerOptions,
  id: string,
  server: ListenerSettings,
): ResolvedListener {
  const label = "addListener";
  const placed = checkListener(given, label);
  if (!hasPlace(placed)) throw invalid(`${label}: a listener needs ${PLACES}`);
  checkSendable(placed.app, label);
  const settings = settingsOf(placed, server, label);
  return complete(placed, placed.id ?? id, { over: {}, under: {} }, settings);
}

/** Workers are told of it by a message, also the one on the primary's own loop. */
function checkSendable(app: AppOption | undefined, label: string): void {
  if (app === undefined || typeof app === "string" || app instanceof URL) return;
  const message = `${label}: app must be the path or URL of a module, for it is sent to workers`;
  throw new MillraceError("ERR_MILLRACE_APP_NOT_PATH", message);
}

/** Where it is to listen. */
export function bindOf(listener: ResolvedListener): Bind {
  const { host, port, path, fd, systemd, mode } = listener;
  if (path !== undefined) return { path, ...(mode !== undefined && { mode }) };
  if (fd !== undefined) return { fd };
  return systemd === undefined ? { host: host!, port: port! } : { systemd };
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
  const sole = given.length === 1 ? given[0]! : undefined;
  const isSole = sole !== undefined && (sole.path ?? sole.fd ?? sole.systemd) === undefined;
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
  id: string,
  shorts: ShortForms,
  settings: ListenerSettings,
): ResolvedListener {
  const { path, fd, systemd, mode, comment, app, routes } = given;
  const common = {
    id,
    name: given.name ?? id,
    backlog: given.backlog ?? BACKLOG_DEFAULT,
    reopenMax: given.reopenMax ?? REOPEN_DEFAULT,
    autoStart: given.autoStart ?? true,
    ...(comment !== undefined && { comment }),
    accessLog: given.accessLog ?? true,
    ...(app !== undefined && { app }),
    ...(routes !== undefined && { routes }),
    data: given.data,
    settings,
  };
  if ((path ?? fd ?? systemd) !== undefined) {
    return {
      ...common,
      ...(path !== undefined && { path }),
      ...(fd !== undefined && { fd }),
      ...(systemd !== undefined && { systemd }),
      ...(mode !== undefined && { mode: modeBits(mode) }),
      defaulted: { host: false, port: false },
    };
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

function modeBits(mode: number | string): number {
  return typeof mode === "number" ? mode : Number.parseInt(mode, 8);
}

/** The listener as it is given, `bind` replaced by what it means. */
function checkListener(listener: ListenerOptions, label: string): ListenerOptions {
  const values = listener as Readonly<Record<string, unknown>>;
  let place: BindOptions | undefined;
  try {
    checkLayer({ source: "option", values }, ALL_ROWS);
    if (listener.bind !== undefined) place = parseBind(listener.bind);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError(error.code, `${label}: ${error.message}`);
  }
  checkPlace(listener, label);
  try {
    structuredClone(listener.data);
  } catch (cause) {
    throw invalid(`${label}: data must be a value that can be cloned`, { cause });
  }
  if (place === undefined) return listener;
  const { bind: _, ...rest } = listener;
  return { ...rest, ...place };
}

const PLACES = "one of port, path, fd, systemd and bind";

function checkPlace(listener: ListenerOptions, label: string): void {
  const { host, port, path, fd, systemd, bind, mode } = listener;
  if (path !== undefined && (host ?? port) !== undefined) {
    throw invalid(`${label}: give either path or host and port`);
  }
  const given = [host ?? port, path, fd, systemd, bind].filter((each) => each !== undefined);
  if (given.length > 1) throw invalid(`${label}: give only ${PLACES}`);
  const isFile = (path ?? bind)?.includes("/") === true && !(path ?? bind)!.startsWith("@");
  if (mode !== undefined && !isFile) throw invalid(`${label}: mode needs the path of a file`);
}

/** Ids, names and places are how listeners are told apart. */
export function checkUnique(
  listener: ResolvedListener,
  others: Iterable<Pick<ResolvedListener, "id" | "name"> & { readonly bind?: string }>,
): void {
  const place = bindText(bindOf(listener));
  const isFixed = listener.port !== 0 && listener.systemd === undefined;
  for (const other of others) {
    const isTaken = (name: string): boolean => name === other.id || name === other.name;
    if (listener.id === other.id) throw duplicate(`two listeners have the id ${listener.id}`);
    if (isTaken(listener.name) || isTaken(listener.id)) {
      throw duplicate(`two listeners have the name ${listener.name}`);
    }
    const theirs = other.bind ?? bindText(bindOf(other as ResolvedListener));
    if (isFixed && place === theirs) throw duplicate(`two listeners have the bind ${place}`);
  }
}

function duplicate(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_LISTENER_DUPLICATE", message);
}

function hasPlace({ port, path, fd, systemd }: ListenerOptions): boolean {
  return (port ?? path ?? fd ?? systemd) !== undefined;
}

function checkPlaces(given: readonly ListenerOptions[], label: string): void {
  const index = given.findIndex((listener) => !hasPlace(listener));
  if (index >= 0) throw invalid(`${label}[${index}]: one of several listeners needs port or path`);
}

function invalid(message: string, options?: ErrorOptions): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message, options);
}
