/**
 * What a worker knows of its server's listeners, by index: they come and go while it serves. A
 * request keeps the site that it came through, so that an index that is used again never shows a
 * running handler another listener. Thread: the engine's.
 */
import type { ListenerSettings } from "../shared/listener-settings.ts";
import type { ListenerFacts } from "../shared/messages.ts";
import { type Compression, compressionOf } from "./compression.ts";
import type { Native } from "../native.ts";
import { type DebugHost, type DebugLog, debugLogOf } from "./debug-log.ts";
import { DefaultHeaders } from "./default-headers.ts";
import { type Forwarded, forwardedOf } from "./forwarded.ts";
import type { ResponseParts } from "./response-parts.ts";

/** Of one UTF-16 unit. */
const UTF8_BYTES_MAX = 3;

/** What handlers see of a listener. */
export interface ListenerView {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
}

/** One listener, as its requests see it. */
export interface ListenerSite {
  readonly view: ListenerView;
  readonly settings: ListenerSettings;
  readonly defaults: DefaultHeaders;
  readonly compression: Compression | null;
  /** Null: the log is told nothing. */
  readonly debug: DebugLog | null;
  /** What each answer passes before it is written: one of the two above, or both. */
  readonly filter: Compression | DebugLog | null;
  readonly scheme: "http:" | "https:";
  readonly isTls: boolean;
  /** The field whose value is a request's id, in lower case; empty: none is believed. */
  readonly requestIdHeader: string;
  /** Null: what proxies say of a client is not believed. */
  readonly forwarded: Forwarded | null;
}

export class ListenerSites {
  readonly #native: Native;
  readonly #host: DebugHost;
  /** The one that has the index, or had it last: what was under way may still name it. */
  readonly #sites: (ListenerSite | undefined)[] = [];
  /** Of those that there are now. */
  readonly #facts: (ListenerFacts | null)[] = [];
  /** UTF-16 units up to which no text of any listener is compressed; below 0: none is so short. */
  plainTextMax = 0;

  constructor(
    native: Native,
    host: DebugHost,
    listeners: readonly (ListenerFacts | null)[],
  ) {
    this.#native = native;
    this.#host = host;
    listeners.forEach((facts, index) => this.set(index, facts));
    this.#measure();
  }

  /** Null takes the listener away. */
  set(index: number, facts: ListenerFacts | null): void {
    while (this.#facts.length < index) this.#facts.push(null);
    this.#facts[index] = facts;
    if (facts !== null) this.#sites[index] = siteOf(this.#native, this.#host, facts);
    this.#measure();
  }

  at(index: number): ListenerSite {
    return this.#sites[index]!;
  }

  /** By index; null where there is none now. */
  get facts(): readonly (ListenerFacts | null)[] {
    return this.#facts;
  }

  /** Whether an answer is the same for every client, and has no default of any listener. */
  isUniform(parts: ResponseParts): boolean {
    const { headers } = parts;
    for (const [index, facts] of this.#facts.entries()) {
      if (facts === null) continue;
      const { compression, defaults } = this.#sites[index]!;
      if (compression?.isNegotiated(parts) === true) return false;
      if (headers !== null && defaults.isIn(headers)) return false;
    }
    return true;
  }

  #measure(): void {
    let least = Infinity;
    for (const [index, facts] of this.#facts.entries()) {
      if (facts === null) continue;
      least = Math.min(least, this.#sites[index]!.compression?.thresholdBytes ?? Infinity);
    }
    this.plainTextMax = Math.floor((least - 1) / UTF8_BYTES_MAX);
  }
}

/**
 * All requests of the worker are shown the same one, so its objects and arrays are frozen. A copy:
 * without worker threads what is given may be the object of whoever has started the server.
 */
function ownData(given: unknown): unknown {
  const data: unknown = structuredClone(given);
  const found = [data];
  for (const value of found) { // which grows meanwhile
    if (!isFreezable(value)) continue;
    Object.freeze(value);
    for (const member of Object.values(value)) found.push(member);
  }
  return data;
}

/** What is not frozen yet of what a text of JSON could hold. */
function isFreezable(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function siteOf(native: Native, host: DebugHost, facts: ListenerFacts): ListenerSite {
  const { id, name, data, isTls, settings } = facts;
  const compression = compressionOf(settings);
  const debug = debugLogOf(host, id, settings, compression);
  return {
    view: Object.freeze({ id, name, data: ownData(data) }),
    settings,
    defaults: new DefaultHeaders(settings.headers),
    compression,
    debug,
    filter: debug ?? compression,
    scheme: isTls ? "https:" : "http:",
    isTls,
    requestIdHeader: settings.requestIdHeader.toLowerCase(),
    forwarded: forwardedOf(native, settings),
  };
}
