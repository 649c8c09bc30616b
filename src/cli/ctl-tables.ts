/** What `millrace ctl` prints of the answers of a server: tables for people. Pure. */
import type { ListenerInfo, StopResult } from "../shared/app.ts";
import type { ControlListener, ControlStatus } from "../shared/control.ts";
import type { RouteInfo } from "../shared/routes.ts";
import { tableText } from "./table.ts";

/** Marks a text for the terminal; without a terminal it returns the text as it is. */
export type Paint = (style: "bold" | "green" | "yellow" | "red" | "dim", text: string) => string;

/** Without colours. */
export const plain: Paint = (_, text) => text;

/** `earlier` is what the same server said before: then the rates since are shown too. */
export function statusText(status: ControlStatus, paint: Paint, earlier?: ControlStatus): string {
  const { pid, version, node, state, generation, uptimeMs } = status;
  const head = [
    paint("bold", `Millrace ${version}`) + `, process ${pid}, Node.js ${node.slice(1)}`,
    `${paintState(paint, state)} for ${spanText(Math.floor(uptimeMs / 1000))}, ` +
      `generation ${generation}, ${status.connections} connections, ${status.requests} requests`,
  ];
  return [
    `${head.join("\n")}\n`,
    listenersTable(status.listeners, paint, rates(status, earlier, "listeners")),
    workersTable(status, paint, rates(status, earlier, "workers")),
  ].join("\n");
}

export function listenersText(listeners: readonly ControlListener[], paint: Paint): string {
  return listenersTable(listeners, paint, new Map());
}

/** The states alone, after a call that has changed one. */
export function statesText(listeners: readonly ListenerInfo[], paint: Paint): string {
  const lines = listeners.map(({ id, state, bind }) => [id, state, bind]);
  return painted(paint, tableText([["LISTENER", "STATE", "BIND"], ...lines]));
}

export function stopText(id: string, { graceful, destroyed }: StopResult): string {
  if (graceful) return `${id} has stopped\n`;
  return `${id} has stopped; connections that were cut: ${destroyed}\n`;
}

export function routesText(routes: readonly RouteInfo[]): string {
  const lines = routes.map(({ pattern, methods, handler, kind, disabled, id }) => [
    pattern, methods.join(" ") || "all", handler, kind, disabled ? "disabled" : "on", id,
  ]);
  return tableText([["PATTERN", "METHODS", "HANDLER", "KIND", "STATE", "ID"], ...lines]);
}

type Rates = ReadonlyMap<string | number, number>;

/** Requests per second since the earlier status, by id. Empty without one of the same process. */
function rates(
  status: ControlStatus,
  earlier: ControlStatus | undefined,
  of: "listeners" | "workers",
): Rates {
  const found = new Map<string | number, number>();
  if (earlier === undefined || earlier.pid !== status.pid) return found;
  const seconds = (status.uptimeMs - earlier.uptimeMs) / 1000;
  if (seconds <= 0) return found;
  const before = new Map<string | number, number>();
  for (const { id, requests } of earlier[of]) before.set(id, requests);
  for (const { id, requests } of status[of]) {
    found.set(id, Math.max(0, requests - (before.get(id) ?? 0)) / seconds);
  }
  return found;
}

function listenersTable(
  listeners: readonly ControlListener[],
  paint: Paint,
  perSecond: Rates,
): string {
  const lines = listeners.map((each) => [
    each.id, each.state, each.bind, String(each.connections), String(each.requests),
    rateText(perSecond, each.id), bytesText(each.bytesIn), bytesText(each.bytesOut),
    String(each.refused + each.rejected),
  ]);
  const head = [
    "LISTENER", "STATE", "BIND", "CONNECTIONS", "REQUESTS", "PER S", "IN", "OUT", "TURNED AWAY",
  ];
  return painted(paint, tableText([head, ...lines], new Set([3, 4, 5, 6, 7, 8])));
}

function workersTable({ workers }: ControlStatus, paint: Paint, perSecond: Rates): string {
  const lines = workers.map((each) => [
    String(each.id), each.state, String(each.generation), String(each.connections),
    String(each.inFlight), String(each.requests), rateText(perSecond, each.id),
    `${Math.round(each.utilisation * 100)} %`, bytesText(each.heldBytes),
  ]);
  const head = [
    "WORKER", "STATE", "GENERATION", "CONNECTIONS", "IN FLIGHT", "REQUESTS", "PER S", "BUSY",
    "HELD",
  ];
  return painted(paint, tableText([head, ...lines], new Set([2, 3, 4, 5, 6, 7, 8])));
}

const COLOURS: Readonly<Record<string, "green" | "yellow" | "red">> = {
  serving: "green", listening: "green", starting: "yellow", draining: "yellow", paused: "yellow",
  stopping: "yellow", created: "yellow", stopped: "yellow", stuck: "red", dead: "red",
  failed: "red",
};

/** The head of a table, and its states. Colours come last: they would count in the widths. */
function painted(paint: Paint, table: string): string {
  const [head = "", ...lines] = table.split("\n");
  const states = new RegExp(`(?<=^\\S+ +)(?:${Object.keys(COLOURS).join("|")})\\b`);
  const body = lines.map((line) => line.replace(states, (state) => paintState(paint, state)));
  return [paint("dim", head), ...body].join("\n");
}

function paintState(paint: Paint, state: string): string {
  const colour = COLOURS[state];
  return colour === undefined ? state : paint(colour, state);
}

function rateText(perSecond: Rates, id: string | number): string {
  const rate = perSecond.get(id);
  return rate === undefined ? "-" : rate.toFixed(rate < 10 && rate > 0 ? 1 : 0);
}

/** As `3 d 4 h`: the two largest units. */
function spanText(seconds: number): string {
  const units: [string, number][] = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = seconds;
  const parts = units.map(([name, length]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return [count, name] as const;
  });
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`).join(" ");
}

function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]!}`;
}
