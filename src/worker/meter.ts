/**
 * Counts the requests of one worker into its table of shared memory (shared/series.ts). Without
 * an object per request: it begins with a look at the clock per batch and ends with one per answer.
 * Made only when metrics are on. Thread: the engine's.
 */
import { FLAG_HTTP10 } from "../shared/layout.ts";
import { RequestBody } from "./request-body.ts";
import {
  DURATION_BOUNDS,
  KNOWN_METHODS,
  methodIndex,
  OVERFLOW_KEY,
  packKey,
  ROW_DURATION,
  ROW_KEY,
  ROW_REQUEST_SIZE,
  ROW_RESPONSE_SIZE,
  rowAt,
  SERIES_MAX,
  SIZE_BOUNDS,
} from "../shared/series.ts";

/** What is counted of an exchange. */
export interface MeteredExchange {
  readonly method: string;
  readonly listener: number;
  readonly flags: number;
  readonly step: { readonly route: string };
  /** Its body, as it came. */
  readonly received: { readonly length: number } | null;
  startedAt: number;
}

/** Beyond it requests are counted without their route: tables may change for ever. */
const PATTERNS_MAX = 10_000;

/** The listeners, by index. */
export interface MeteredSites {
  at(listener: number): { readonly isTls: boolean };
}

export class Meter {
  readonly #table: Float64Array;
  readonly #routes = new Map<string, number>();
  readonly #sites: MeteredSites;
  readonly #rows = new Map<number, number>();
  readonly #methods = new Map<string, number>();
  #rowsUsed = 1;
  #lastKey = 0;
  #lastRow = 0;

  /** `routes`: all patterns that may be asked for, in the order that the primary knows. */
  constructor(table: SharedArrayBuffer, routes: readonly string[], sites: MeteredSites) {
    this.#table = new Float64Array(table);
    this.#sites = sites;
    this.know(routes);
    for (const name of KNOWN_METHODS) this.#methods.set(name, methodIndex(name));
    this.#table[rowAt(0) + ROW_KEY] = OVERFLOW_KEY;
  }

  /**
   * Patterns that have come. All that may be counted, in the order that rows mean them by; null:
   * there is none that is new.
   */
  know(routes: readonly string[]): string[] | null {
    const known = this.#routes.size;
    for (const route of routes) {
      if (this.#routes.has(route) || this.#routes.size >= PATTERNS_MAX) continue;
      this.#routes.set(route, this.#routes.size);
    }
    return this.#routes.size === known ? null : [...this.#routes.keys()];
  }

  /** A request is in work from here on. */
  begin(method: string, listener: number): void {
    this.#table[this.#activeAt(method, listener)]!++;
  }

  /** Once per exchange, whatever ends it. */
  endExchange(exchange: MeteredExchange, status: number, sent: number): void {
    const { method, listener, flags, startedAt, received } = exchange;
    if (startedAt === 0) return;
    exchange.startedAt = 0;
    const { route } = exchange.step;
    const bytes = received instanceof RequestBody ? received.bytesReceived : received?.length ?? 0;
    this.end(method, listener, flags, startedAt, route, status, bytes, sent);
  }

  /** Its answer is complete; `status` 0: there is none. Sizes in bytes, 0: no body. */
  end(
    method: string,
    listener: number,
    flags: number,
    startedAt: number,
    route: string,
    status: number,
    received: number,
    sent: number,
  ): void {
    this.#table[this.#activeAt(method, listener)]!--;
    const seconds = (performance.now() - startedAt) / 1000;
    const row = this.#row(this.#key(route, method, status, flags, listener));
    this.#observe(row + ROW_DURATION, DURATION_BOUNDS, seconds, 1);
    if (received > 0) this.#observe(row + ROW_REQUEST_SIZE, SIZE_BOUNDS, received, 1);
    if (sent > 0 && method !== "HEAD") {
      this.#observe(row + ROW_RESPONSE_SIZE, SIZE_BOUNDS, sent, 1);
    }
  }

  /** `count` answers that native made by itself, in no time that could be measured. */
  addNative(
    route: string,
    method: string,
    status: number,
    flags: number,
    count: number,
    sent: number,
  ): void {
    const row = this.#row(this.#key(route, method, status, flags, -1));
    this.#observe(row + ROW_DURATION, DURATION_BOUNDS, 0, count);
    if (sent > 0) this.#observe(row + ROW_RESPONSE_SIZE, SIZE_BOUNDS, sent, count);
  }

  #activeAt(method: string, listener: number): number {
    const tls = this.#sites.at(listener).isTls ? KNOWN_METHODS.length : 0;
    return tls + (this.#methods.get(method) ?? 0);
  }

  #key(route: string, method: string, status: number, flags: number, listener: number): number {
    return packKey(
      route === "" ? -1 : this.#routes.get(route) ?? -1,
      this.#methods.get(method) ?? 0,
      status,
      (flags & FLAG_HTTP10) !== 0,
      listener >= 0 && this.#sites.at(listener).isTls,
    );
  }

  #row(key: number): number {
    if (key === this.#lastKey) return this.#lastRow;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rowsUsed === SERIES_MAX) return rowAt(0);
      row = rowAt(this.#rowsUsed++);
      this.#rows.set(key, row);
      this.#table[row + ROW_KEY] = key;
    }
    this.#lastKey = key;
    this.#lastRow = row;
    return row;
  }

  #observe(at: number, bounds: readonly number[], value: number, count: number): void {
    const table = this.#table;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    table[at]! += value * count;
    table[at + 1 + bucket]! += count;
  }
}
