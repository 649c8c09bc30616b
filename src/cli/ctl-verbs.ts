/** What `millrace ctl` can do: each verb with its request, its flags and what is printed. Pure. */
import type { ControlListener, ControlStatus } from "../shared/control.ts";
import { fromText } from "../options/checks.ts";
import { SERVER_ROWS } from "../options/server-rows.ts";
import type { ListenerInfo, ReloadResult, StopResult } from "../shared/app.ts";
import type { RouteInfo } from "../shared/routes.ts";
import { parseListener } from "./arguments.ts";
import {
  listenersText, type Paint, routesText, statesText, statusText, stopText,
} from "./ctl-tables.ts";

/** The flags that some verbs take beside --control and --json. */
export type VerbFlag = "force" | "deadline-ms" | "wait" | "watch" | "interval-ms";

export interface Asked {
  /** What stands behind the verb; empty where it takes nothing. */
  readonly argument: string;
  readonly force: boolean;
  readonly deadlineMs: number | undefined;
}

export interface Verb {
  /** What stands behind it in the help, as `<listener>`; optional in brackets; absent: nothing. */
  readonly argument?: string;
  readonly flags: readonly VerbFlag[];
  readonly text: string;
  /** Whether it only asks, and so is answered at once by a server that is well. */
  readonly isQuick: boolean;
  name(asked: Asked): string;
  body?(asked: Asked): object;
  show(value: unknown, asked: Asked, paint: Paint): string;
}

const STOP: readonly VerbFlag[] = ["force", "deadline-ms"];

function listener(verb: "pause" | "start", text: string): Verb {
  return {
    argument: "<listener>",
    flags: [],
    text,
    isQuick: false,
    name: ({ argument }) => `POST /listeners/${encodeURIComponent(argument)}/${verb}`,
    show: (value, _, paint) => statesText(listenersOf(value), paint),
  };
}

export const VERBS: Readonly<Record<string, Verb>> = {
  status: {
    flags: ["watch", "interval-ms"],
    text: "The server, its listeners and its workers; with --watch again and again.",
    isQuick: true,
    name: () => "GET /status",
    show: (value, _, paint) => statusText(value as ControlStatus, paint),
  },
  listeners: {
    flags: [],
    text: "The listeners.",
    isQuick: true,
    name: () => "GET /listeners",
    show: (value, _, paint) => listenersText(listenersOf(value), paint),
  },
  pause: listener("pause", "Close its listening socket; connections go on."),
  start: listener("start", "Listen again after a pause or a stop."),
  stop: {
    argument: "<listener>",
    flags: STOP,
    text: "Drain its connections, or with --force cut them; waits for the end.",
    isQuick: false,
    name: ({ argument }) => `POST /listeners/${encodeURIComponent(argument)}/stop`,
    body: stopBody,
    show: (value, { argument }) => stopText(argument, value as StopResult),
  },
  add: {
    argument: "<key=value,...>",
    flags: [],
    text: "Add a listener, described as for --listener.",
    isQuick: false,
    name: () => "POST /listeners",
    body: ({ argument }) => parseListener(argument),
    show: (value, _, paint) => statesText([value as ListenerInfo], paint),
  },
  remove: {
    argument: "<listener>",
    flags: STOP,
    text: "Stop it, and forget it.",
    isQuick: false,
    name: ({ argument }) => `POST /listeners/${encodeURIComponent(argument)}/remove`,
    body: stopBody,
    show: (value, { argument }) => stopText(argument, value as StopResult),
  },
  routes: {
    argument: "[listener]",
    flags: [],
    text: "The routes of the app, or those that a listener has for itself.",
    isQuick: true,
    name: ({ argument }) =>
      (argument === "" ? "GET /routes" : `GET /routes?listener=${encodeURIComponent(argument)}`),
    show: (value) => routesText((value as { routes: RouteInfo[] }).routes),
  },
  reload: {
    flags: [],
    text: "Start the workers anew, with the app as it is now; waits until they serve.",
    isQuick: false,
    name: () => "POST /reload",
    show: (value) => `generation ${(value as ReloadResult).generation} serves\n`,
  },
  scale: {
    argument: "<workers>",
    flags: [],
    text: "Go on with so many workers.",
    isQuick: false,
    name: () => "POST /scale",
    body: ({ argument }) => ({ workers: fromText(SERVER_ROWS.workers.check, argument) }),
    show: (_, { argument }) => `workers: ${argument}\n`,
  },
  drain: {
    flags: [...STOP, "wait"],
    text: "Stop all listeners and end the server; with --wait only return when it has ended.",
    isQuick: false,
    name: () => "POST /drain",
    body: stopBody,
    show: () => "the server drains\n",
  },
  "reopen-logs": {
    flags: [],
    text: "Go on with the log files that the paths name now.",
    isQuick: false,
    name: () => "POST /reopen-logs",
    show: () => "the logs have been opened again\n",
  },
};

function stopBody({ force, deadlineMs }: Asked): object {
  return { ...(force && { force }), ...(deadlineMs !== undefined && { deadlineMs }) };
}

function listenersOf(value: unknown): readonly ControlListener[] {
  return (value as { listeners: ControlListener[] }).listeners;
}
