/**
 * The `onRequest` and `onResponse` of apps, and the `debug` of listeners. An engine whose apps have
 * neither has no Hooks, unless a listener has that: native makes no events for them. Where there is
 * none of them, handlers without parameters and constants keep their short ways.
 * What a hook throws is logged and changes nothing. Thread: the engine's.
 */
import type {
  App, Context, Endpoint, Log, MillraceRequest, RequestInfo, ResponseInfo,
} from "../shared/app.ts";
import {
  DONE_ABORTED,
  DONE_REFUSED,
  EVENT_BYTES_F64,
  EVENT_DURATION_F64,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_LISTENER,
  EVENT_SEQUENCE,
  EVENT_SLOT,
  EVENT_STATUS,
  SLOT_MAX,
} from "../shared/layout.ts";
import type { Handle, Native } from "../native.ts";
import { type ContextHost, HandlerContext } from "./context.ts";
import type { AppsByListener } from "./client-errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenerSite, ListenerView } from "./listener-sites.ts";
import { peerAddress } from "./peer-address.ts";
import type { Rings } from "./rings.ts";

/** What hooks ask of their engine. */
export interface HooksHost extends ContextHost {
  readonly log: Log;
  siteOf(listener: number): ListenerSite;
}

/** The event of which one is told. */
type HookEvents = Pick<Rings, "events" | "eventNumbers">;

export function hasHooks(app: App): boolean {
  return app.onRequest !== undefined || app.onResponse !== undefined;
}

/** What is told of a request that handlers get. Made when it is asked for, but for what may go. */
class RequestFacts implements RequestInfo {
  readonly #host: HooksHost;
  readonly #exchange: Exchange;

  constructor(host: HooksHost, exchange: Exchange) {
    this.#host = host;
    this.#exchange = exchange;
  }

  get request(): MillraceRequest {
    return this.#exchange.open();
  }

  get method(): string {
    return this.#exchange.method;
  }

  get listener(): ListenerView {
    return this.#exchange.site.view;
  }

  get remote(): Endpoint {
    return this.#host.connectionOf(this.#exchange).remote;
  }
}

class ResponseFacts implements ResponseInfo {
  readonly listener: ListenerView;
  readonly remote: Endpoint;
  readonly status: number | null;
  readonly bytesSent: number;
  readonly durationMs: number;
  readonly isComplete: boolean;
  readonly context: Context | null;
  readonly #exchange: Exchange | null;

  constructor(host: HooksHost, rings: HookEvents, base: number, exchange: Exchange | null) {
    const { events, eventNumbers } = rings;
    const status = events[base + EVENT_STATUS]! & 0xffff;
    this.listener = (exchange?.site ?? host.siteOf(events[base + EVENT_LISTENER]!)).view;
    this.remote = peerAddress(events, base);
    this.status = status === 0 ? null : status;
    this.bytesSent = eventNumbers[(base + EVENT_BYTES_F64) >> 1]!;
    this.durationMs = eventNumbers[(base + EVENT_DURATION_F64) >> 1]!;
    this.isComplete = (events[base + EVENT_FLAGS]! & DONE_ABORTED) === 0;
    this.context = exchange === null ? null : contextOf(host, exchange);
    this.#exchange = exchange;
  }

  get request(): MillraceRequest | null {
    return this.#exchange?.open() ?? null;
  }

  get method(): string {
    return this.#exchange?.method ?? "";
  }

  get route(): string {
    return this.#exchange === null ? "" : this.#exchange.step.route;
  }

  get requestId(): string | null {
    return this.context?.requestId ?? null;
  }
}

export class Hooks {
  readonly #apps: AppsByListener;
  readonly #native: Pick<Native, "engineReason">;
  readonly #handle: Handle;
  readonly #rings: HookEvents;
  readonly #host: HooksHost;
  /** Requests whose answers have not left, in their order, by connection. */
  readonly #open = new Map<number, Exchange[]>();
  #young: readonly Exchange[] = [];

  constructor(
    apps: AppsByListener,
    native: Pick<Native, "engineReason">,
    handle: Handle,
    rings: HookEvents,
    host: HooksHost,
  ) {
    this.#apps = apps;
    this.#native = native;
    this.#handle = handle;
    this.#rings = rings;
    this.#host = host;
  }

  /** A request, before its handlers. */
  requested(exchange: Exchange): void {
    exchange.site.debug?.requested(exchange);
    const { app } = exchange.target.table;
    if (!hasHooks(app)) return;
    const key = keyOf(exchange.slot, exchange.generation);
    const open = this.#open.get(key);
    if (open === undefined) this.#open.set(key, [exchange]);
    else open.push(exchange);
    if (app.onRequest === undefined) return;
    const info = new RequestFacts(this.#host, exchange);
    this.#guard("onRequest", () => (
      app.onRequest!(info, contextOf(this.#host, exchange))
    ));
  }

  /** KIND_REFUSED: input that is no request, or one that native answers itself. */
  refused(base: number): void {
    const { events } = this.#rings;
    const { app } = this.#apps.ofListener(events[base + EVENT_LISTENER]!);
    if (app.onRequest === undefined) return;
    const told = events[base + EVENT_STATUS]!;
    const info: RequestInfo = {
      request: null,
      method: "",
      listener: this.#host.siteOf(events[base + EVENT_LISTENER]!).view,
      remote: peerAddress(events, base),
      refusal: {
        status: told & 0xffff,
        reason: this.#native.engineReason(this.#handle, told >>> 16),
      },
    };
    this.#guard("onRequest", () => app.onRequest!(info));
  }

  /** KIND_DONE: the last byte of an answer is with the kernel, or its connection has gone. */
  done(base: number): void {
    const exchange = this.#take(base);
    const listener = this.#rings.events[base + EVENT_LISTENER]!;
    // The index of a listener that was cut may be another's when the last of it is told.
    const { app } = exchange?.target.table ?? this.#apps.ofListener(listener);
    if (app.onResponse === undefined) return;
    const info = new ResponseFacts(this.#host, this.#rings, base, exchange);
    this.#guard("onResponse", () => app.onResponse!(info));
  }

  /** An answer that is still leaving a batch later lets go of the slab. */
  keep(recent: readonly Exchange[]): void {
    for (const exchange of this.#young) {
      const open = this.#open.get(keyOf(exchange.slot, exchange.generation));
      if (exchange.isAnswered && open?.includes(exchange) === true) exchange.keepOwn();
    }
    this.#young = recent;
  }

  #take(base: number): Exchange | null {
    const { events } = this.#rings;
    if ((events[base + EVENT_FLAGS]! & DONE_REFUSED) !== 0) return null;
    const key = keyOf(events[base + EVENT_SLOT]!, events[base + EVENT_GENERATION]!);
    const open = this.#open.get(key);
    if (open?.[0]?.sequence !== events[base + EVENT_SEQUENCE]!) return null;
    if (open.length === 1) this.#open.delete(key);
    return open.shift()!;
  }

  /** A hook may be an async function, whatever its type says. */
  #guard(name: string, run: () => unknown): void {
    const report = (error: unknown): void => {
      this.#host.log.error({ err: error }, `the app's ${name} failed`);
    };
    try {
      const result = run();
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  }
}

function contextOf(host: HooksHost, exchange: Exchange): Context {
  const ofHandler = exchange.reply?.context?.deref();
  return ofHandler ?? (exchange.context ??= new HandlerContext(host, exchange));
}

function keyOf(slot: number, generation: number): number {
  return (generation >>> 0) * SLOT_MAX + slot;
}
