/**
 * The targets of an engine's requests by native's numbers, and the steps that answer each: made
 * when it comes for the first time, so that a repeated path costs neither a string nor a match.
 * Thread: the engine's.
 */
import {
  EVENT_LISTENER,
  EVENT_METHOD,
  EVENT_TARGET_ID,
  EVENT_TARGET_LENGTHS,
  EVENT_TARGET_OFFSET,
  EVENT_TARGET_VERSION,
  TARGET_MAX,
} from "../shared/layout.ts";
import { METHODS } from "../shared/methods.ts";
import type { Constants } from "./constant-answers.ts";
import type { EngineHost } from "./engine-host.ts";
import { hasHooks } from "./hooks.ts";
import {
  type OwnRoute, type Plan, planServer, planSteps, planTunnel, withRequest,
} from "./plan.ts";
import type { RouteTable } from "./route-table.ts";
import type { RouteTables } from "./route-tables.ts";
import { pathOfUrl, Target } from "./target.ts";

export interface TargetsHost {
  readonly events: Int32Array;
  readonly tables: RouteTables;
  readonly host: Pick<EngineHost, "entered" | "siteOf">;
  readonly constants: Pick<Constants, "bind">;
  /** Those that the server has for itself now, by path. */
  ownRoutes(): ReadonlyMap<string, OwnRoute>;
}

export class Targets {
  readonly #host: TargetsHost;
  readonly #events: Int32Array;
  /** Full length from the start: ids come in no order, and V8 would make a sparse one a table. */
  readonly #known: (Target | undefined)[] = Array.from({ length: TARGET_MAX }, () => undefined);

  constructor(host: TargetsHost) {
    this.#host = host;
    this.#events = host.events;
  }

  /** That of the request event at `base`, whose bytes lie in the slab. */
  at(base: number, slab: Buffer): Target {
    const events = this.#events;
    const id = events[base + EVENT_TARGET_ID]!;
    const version = events[base + EVENT_TARGET_VERSION]!;
    if (id < 0) return new Target(0, this.#rawPath(base, slab), this.#tableAt(base));
    const known = this.#known[id];
    if (known !== undefined && known.version === version) return known;
    const target = new Target(version, this.#rawPath(base, slab), this.#tableAt(base));
    this.#known[id] = target;
    return target;
  }

  /** Has the target show the steps of the request's method, planned when it comes first. */
  choose(target: Target, base: number): void {
    const method = this.#events[base + EVENT_METHOD]!;
    const plan = target.plans[method] ?? this.#plan(target, base);
    target.method = method;
    target.plan = plan;
    target.first = plan.steps[0]!;
    target.value = plan.values[0]![0] ?? "";
  }

  #plan(target: Target, base: number): Plan {
    const events = this.#events;
    const { constants, host } = this.#host;
    const method = events[base + EVENT_METHOD]!;
    const name = METHODS[method]!;
    const { router, table: { fetch } } = target;
    if (name === "CONNECT") return this.#marked(planTunnel(fetch));
    if (target.path === "*") {
      const { methods } = host.siteOf(events[base + EVENT_LISTENER]!).settings;
      return planServer(router, fetch, methods);
    }
    const own = this.#host.ownRoutes().get(target.path);
    const planned = this.#marked(planSteps(router, fetch, target.path, name, own));
    // Who wants to know of each request gets it, so nothing goes the short ways.
    const isHooked = hasHooks(target.table.app) ||
      host.siteOf(events[base + EVENT_LISTENER]!).debug !== null;
    const plan = isHooked ? planned.map(withRequest) : planned;
    target.plans[method] = plan;
    if (isHooked) return plan;
    const first = plan.steps[0]!;
    const id = events[base + EVENT_TARGET_ID]!;
    if (first.kind === "constant" && id >= 0) constants.bind(router, target, id, first);
    return plan;
  }

  /** Every path is looked up anew; what is kept of requests in hand keeps its steps. */
  forget(): void {
    this.#known.fill(undefined);
  }

  #tableAt(base: number): RouteTable {
    return this.#host.tables.ofListener(this.#events[base + EVENT_LISTENER]!);
  }

  /** The path of the target; of one in absolute-form, that of its URL; CONNECT's has none. */
  #rawPath(base: number, slab: Buffer): string {
    const events = this.#events;
    const start = events[base + EVENT_TARGET_OFFSET]!;
    const lengths = events[base + EVENT_TARGET_LENGTHS]!;
    if (slab[start] === 0x2f) return slab.toString("latin1", start, start + (lengths >>> 16));
    const text = slab.toString("latin1", start, start + (lengths & 0xffff));
    if (METHODS[events[base + EVENT_METHOD]!] === "CONNECT") return "";
    return text === "*" ? text : pathOfUrl(text);
  }

  #marked(plan: Plan): Plan {
    this.#host.host.entered.mark(plan.steps);
    return plan;
  }
}
