/**
 * The resources of the control socket: what can be asked and told, with the fields that each body
 * may have. All of it goes through the calls of the public server. Thread: the primary's.
 */
import { DRAIN_FIELDS, type Fields, STOP_FIELDS } from "../options/calls.ts";
import { passes, show } from "../options/checks.ts";
import { SERVER_ROWS } from "../options/server-rows.ts";
import { suggest } from "../shared/suggest.ts";
import type { Server } from "../shared/server.ts";
import type { Stats } from "../shared/stats.ts";
import type {
  ControlListener, ControlStatus, DrainStarted, UpgradeResult,
} from "../shared/control.ts";
import { packageVersion } from "../shared/version.ts";
import {
  type AnswerControl, type ControlAnswer, type ControlRequest, malformed,
} from "./control-exchange.ts";
import { tellFailure } from "./events.ts";

/** What the resources act on. */
export interface Controlled {
  readonly server: Server;
  readonly isDraining: () => boolean;
  /** Read by a reader of its own: utilisation is since the same reader's last look. */
  readonly stats: () => Stats;
  readonly upgrade: () => Promise<UpgradeResult>;
}

interface Asked {
  /** What stands in the place of `:id`. */
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
}

interface Resource {
  /** As `POST /listeners/:id/stop`. */
  readonly name: string;
  /** What the body may have; absent where the call itself checks it. */
  readonly fields?: Fields;
  /** Names of the query. */
  readonly query?: readonly string[];
  /** Of success, 200 if not given. */
  readonly status?: number;
  run(on: Controlled, asked: Asked): unknown;
}

const NOTHING: Fields = {};

export const RESOURCES: readonly Resource[] = [
  { name: "GET /status", fields: NOTHING, run: (on) => status(on) },
  { name: "GET /listeners", fields: NOTHING, run: (on) => ({ listeners: listed(on, on.stats()) }) },
  { name: "GET /stats", fields: NOTHING, run: (on) => on.stats() },
  {
    name: "POST /listeners/:id/pause",
    fields: NOTHING,
    run: async ({ server }, { id }) => {
      await server.pauseListener(id);
      return { listeners: server.listeners };
    },
  },
  {
    name: "POST /listeners/:id/start",
    fields: NOTHING,
    run: async ({ server }, { id }) => {
      await server.startListener(id);
      return { listeners: server.listeners };
    },
  },
  {
    name: "POST /listeners/:id/stop",
    fields: STOP_FIELDS,
    run: async ({ server }, { id, body }) => await server.stopListener(id, body),
  },
  {
    name: "POST /listeners/:id/remove",
    fields: STOP_FIELDS,
    run: async ({ server }, { id, body }) => await server.removeListener(id, body),
  },
  {
    // Its fields are the options of a listener, which the call checks itself.
    name: "POST /listeners",
    status: 201,
    run: async ({ server }, { body }) => await server.addListener(body),
  },
  {
    name: "GET /routes",
    fields: NOTHING,
    query: ["listener"],
    run: ({ server }, { query }) => ({ routes: server.routes(query.get("listener") ?? undefined) }),
  },
  { name: "POST /reload", fields: NOTHING, run: async ({ server }) => await server.reload() },
  {
    name: "POST /scale",
    fields: { workers: SERVER_ROWS.workers.check },
    run: async ({ server }, { body }) => {
      if (body["workers"] === undefined) throw malformed(400, "workers is missing");
      await server.scale(body["workers"] as number);
      return { workers: body["workers"] };
    },
  },
  {
    name: "POST /drain",
    fields: DRAIN_FIELDS,
    status: 202,
    run: ({ server }, { body }) => {
      // Not awaited: the control socket ends with the server, and the answer must leave before.
      const ended = body["force"] === true ? server.close(body) : server.drain(body);
      tellFailure(server.events, ended);
      return { state: "draining", pid: process.pid } satisfies DrainStarted;
    },
  },
  {
    name: "POST /reopen-logs",
    fields: NOTHING,
    run: async ({ server }) => await server.reopenLogs(),
  },
  { name: "POST /upgrade", fields: NOTHING, run: async ({ upgrade }) => await upgrade() },
];

/** Answers what is asked of `on`. */
export function controlResources(on: Controlled): AnswerControl {
  return async (request) => {
    const found = find(request);
    const { resource, id } = found;
    checkFields(request.body, resource.fields);
    checkQuery(request.query, resource.query ?? []);
    const { body, query } = request;
    const value = await resource.run(on, { id, body, query });
    return { status: resource.status ?? 200, value } satisfies ControlAnswer;
  };
}

function find({ method, segments }: ControlRequest): { resource: Resource; id: string } {
  const allowed: string[] = [];
  for (const resource of RESOURCES) {
    const [own = "", path = ""] = resource.name.split(" ");
    const pattern = path.split("/").slice(1);
    if (!matches(pattern, segments)) continue;
    if (own === method) return { resource, id: segments[pattern.indexOf(":id")] ?? "" };
    allowed.push(own);
  }
  const path = `/${segments.join("/")}`;
  if (allowed.length > 0) throw malformed(405, `${path} takes ${allowed.join(" and ")}`);
  const known = RESOURCES.map(({ name }) => name).join(", ");
  throw malformed(404, `there is no ${path}; there are ${known}`);
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length &&
    pattern.every((each, index) => each === segments[index] || isFilled(each, segments[index]));
}

function isFilled(pattern: string, segment: string | undefined): boolean {
  return pattern === ":id" && segment !== "";
}

function checkFields(body: ControlRequest["body"], fields: Fields | undefined): void {
  if (fields === undefined) return;
  for (const [name, value] of Object.entries(body)) {
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (check === undefined) {
      throw malformed(400, `unknown field ${show(name)}${suggest(name, Object.keys(fields))}`);
    }
    if (!passes(check, value)) {
      throw malformed(400, `${name} must be ${check.says}, not ${show(value)}`);
    }
  }
}

function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw malformed(400, `unknown parameter ${show(name)}`);
  }
}

function listed({ server }: Controlled, stats: Stats): ControlListener[] {
  const counted = new Map(stats.listeners.map((each) => [each.id, each]));
  return server.listeners.map((info) => ({ ...counted.get(info.id)!, ...info }));
}

function status(on: Controlled): ControlStatus {
  const stats = on.stats();
  const all = (field: "connections" | "requests"): number =>
    stats.listeners.reduce((sum, each) => sum + each[field], 0);
  return {
    pid: process.pid,
    version: packageVersion(),
    node: process.version,
    state: on.isDraining() ? "draining" : "serving",
    generation: Math.max(0, ...stats.workers.map((worker) => worker.generation)),
    uptimeMs: Math.round(process.uptime() * 1000),
    connections: all("connections"),
    requests: all("requests"),
    workers: stats.workers,
    listeners: listed(on, stats),
  };
}
