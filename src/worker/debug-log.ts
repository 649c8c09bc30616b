/**
 * Tells the log what comes and goes on a listener that has `debug`: one line for each head and one
 * for each body, with the id of the request, so that the lines of one can be found. Secrets are
 * masked, bodies cut, control characters escaped. A listener without has none of it, and nothing
 * asks whether it has: see `ListenerSite.filter` and `Hooks`. Thread: the engine's.
 */
import type { App, Endpoint, Log } from "../shared/app.ts";
import type { DebugOptions, DebugText } from "../shared/debug.ts";
import { FLAG_HEAD, FLAG_HTTP10 } from "../shared/layout.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import { CONTENT_TYPES, type ResponseBody } from "./body.ts";
import { BodyTap, TappedBody, type TappedBytes } from "./body-tap.ts";
import type { Compression } from "./compression.ts";
import { MASK, maskedBy, Masking } from "./masking.ts";
import { ReadyBody } from "./ready-body.ts";
import type { RequestBody } from "./request-body.ts";
import { ResponseParts } from "./response-parts.ts";
import { bodyLength, isBodyless } from "./response-rules.ts";
import { shownText } from "./shown-text.ts";

/** Bytes of a body that are shown. */
const BODY_BYTES = 1024;

/** What it asks of its engine. */
export interface DebugHost {
  readonly log: Log;
  requestIdOf(exchange: DebuggedExchange): string;
  connectionOf(exchange: DebuggedExchange): { readonly remote: Endpoint };
}

/** What it looks at in an exchange. */
export interface DebuggedExchange {
  readonly method: string;
  readonly flags: number;
  readonly target: { readonly path: string; readonly table: { readonly app: App } };
  readonly received: RequestBody | ReadyBody | null;
  readonly step: { readonly kind: string; readonly response?: Response };
  readonly rewrittenUrls: readonly string[];
  find(name: string): string | undefined;
  rawTarget(): string;
  receivedHeaders(): string[];
}

type Fields = [name: string, value: string][];

export class DebugLog {
  readonly #host: DebugHost;
  readonly #listener: string;
  readonly #options: DebugOptions;
  readonly #defaults: Readonly<Record<string, string>>;
  readonly #compression: Compression | null;
  readonly #masking: Masking;
  readonly #bodyBytes: number;

  constructor(
    host: DebugHost,
    listener: string,
    options: DebugOptions,
    defaults: Readonly<Record<string, string>>,
    compression: Compression | null,
  ) {
    this.#host = host;
    this.#listener = listener;
    this.#options = options;
    this.#defaults = defaults;
    this.#compression = compression;
    this.#masking = new Masking(options);
    this.#bodyBytes = options.bodyBytes ?? BODY_BYTES;
  }

  /** A request, before its handlers. */
  requested(exchange: DebuggedExchange): void {
    const { requestHead, requestBody } = this.#options;
    if (requestHead !== false) this.#requestHead(exchange);
    const { received } = exchange;
    if (requestBody === false || received === null) return;
    const tap = new BodyTap(this.#bodyBytes, (tapped) => {
      const type = exchange.find("content-type") ?? "";
      this.#body(exchange, "request", tapped, type);
    });
    if (received instanceof ReadyBody) {
      tap.piece(received.beginning(this.#bodyBytes));
      tap.end(true, received.length);
    } else {
      received.tap = tap;
    }
  }

  /** The server has answered what was no request, or none that it serves. */
  refused(status: number, reason: string, remote: Endpoint): void {
    if (this.#options.requestHead === false) return;
    this.#host.log.info({ listener: this.#listener, status, reason, remote }, "debug: refused");
  }

  /** An answer that is final, before it is written; what is to be written instead. */
  apply(given: ResponseParts, exchange: DebuggedExchange): ResponseParts {
    const parts = this.#guarded(() => this.#tapped(given, exchange)) ?? given;
    const sent = this.#compression === null ? parts : this.#compression.apply(parts, exchange);
    if (this.#options.responseHead !== false) {
      this.#guarded(() => this.#responseHead(exchange, sent));
    }
    return sent;
  }

  /** A body of the app's own, or its file, may throw when it is looked at: the answer goes on. */
  #guarded<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      this.#host.log.error({ listener: this.#listener, err: error }, "debug: failed");
      return undefined;
    }
  }

  /** One before the final one, or one that ends HTTP on the connection. `lines` end in CRLF. */
  interim(exchange: DebuggedExchange, status: number, lines: string): void {
    if (this.#options.responseHead === false) return;
    const fields: Fields = [];
    for (const line of lines.split("\r\n")) {
      const colon = line.indexOf(":"); // a reason phrase of the app's own has none
      if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
    const headers = this.#fields(exchange, "response", fields);
    this.#line(exchange, { status, headers }, "debug: response head");
  }

  #requestHead(exchange: DebuggedExchange): void {
    const raw = exchange.receivedHeaders();
    const fields: Fields = [];
    for (let i = 0; i < raw.length; i += 2) fields.push([raw[i]!, raw[i + 1]!]);
    const target = this.#masking.target(exchange.rawTarget(), exchange.target.path);
    this.#line(exchange, {
      method: exchange.method,
      target: this.#shown(exchange, target, "target", "request", ""),
      version: (exchange.flags & FLAG_HTTP10) === 0 ? "1.1" : "1.0",
      remote: this.#host.connectionOf(exchange).remote,
      headers: this.#fields(exchange, "request", fields),
    }, "debug: request head");
  }

  #responseHead(exchange: DebuggedExchange, parts: ResponseParts): void {
    const { status, headers, body, contentType } = parts;
    const fields: Fields = [...(headers ?? [])];
    if (contentType > 0) fields.unshift(["content-type", CONTENT_TYPES[contentType]!]);
    const length = isBodyless(status) ? -1 : bodyLength(body);
    if (length >= 0 && headers?.has("content-length") !== true) {
      fields.push(["content-length", String(length)]);
    }
    for (const [name, value] of Object.entries(this.#defaults)) {
      if (headers?.has(name) !== true) fields.push([name, value]);
    }
    const shown = this.#fields(exchange, "response", fields);
    this.#line(exchange, { status, headers: shown }, "debug: response head");
  }

  /** The same answer, whose body is looked at now, or when it goes by. */
  #tapped(parts: ResponseParts, exchange: DebuggedExchange): ResponseParts {
    const { body, status } = parts;
    const isShown = this.#options.responseBody !== false && body !== null &&
      !isBodyless(status) && (exchange.flags & FLAG_HEAD) === 0;
    if (!isShown) return parts;
    const tap = new BodyTap(this.#bodyBytes, (tapped) => {
      const { contentType, headers } = parts;
      const type = contentType > 0 ? CONTENT_TYPES[contentType]! : headers?.get("content-type");
      this.#body(exchange, "response", tapped, type ?? "");
    });
    if (this.#lookNow(body, tap)) return parts;
    const made = new ResponseParts(new TappedBody(body as AsyncIterable<unknown>, tap), 0);
    Object.assign(made, { status, statusText: parts.statusText, headers: parts.headers });
    made.contentType = parts.contentType;
    return made;
  }

  /** Of a known length is what lies in memory, or in a file, which has a way of its own. */
  #lookNow(body: Exclude<ResponseBody, null>, tap: BodyTap): boolean {
    const length = bodyLength(body);
    if (length < 0) return false;
    if (typeof body === "string") tap.piece(Buffer.from(body.slice(0, this.#bodyBytes)));
    else if (body instanceof Uint8Array) tap.piece(body.subarray(0, this.#bodyBytes));
    else if (body instanceof Blob) {
      void lookInto(body, tap, this.#bodyBytes);
      return true;
    }
    tap.end(true, length);
    return true;
  }

  #body(exchange: DebuggedExchange, of: DebugText["of"], tapped: TappedBytes, type: string): void {
    const { bytes, isComplete } = tapped;
    const text = this.#isHidden(exchange)
      ? MASK
      : this.#shown(exchange, this.#masking.body(tapped.text, type), "body", of, "");
    this.#line(exchange, { bytes, isComplete, body: text }, `debug: ${of} body`);
  }

  /** By the path that it came with, or by one that handlers have rewritten it to. */
  #isHidden({ target, rewrittenUrls }: DebuggedExchange): boolean {
    const paths = [target.path, ...rewrittenUrls.map((url) => new URL(url).pathname)];
    return paths.some((path) => this.#masking.hidesPath(path));
  }

  #fields(exchange: DebuggedExchange, of: DebugText["of"], fields: Fields): Fields {
    return fields.map(([name, value]) => {
      const masked = this.#masking.field(name, value);
      return [
        shownText(name),
        masked === MASK ? masked : this.#shown(exchange, masked, "field", of, name),
      ];
    });
  }

  #shown(
    exchange: DebuggedExchange,
    text: string,
    part: DebugText["part"],
    of: DebugText["of"],
    name: string,
  ): string {
    const { app } = exchange.target.table;
    const what: DebugText = { part, of, name, path: exchange.target.path };
    if (app.debugMask === undefined) return shownText(text);
    return shownText(maskedBy((given, about) => app.debugMask!(given, about), text, what));
  }

  #line(exchange: DebuggedExchange, facts: Record<string, unknown>, message: string): void {
    const requestId = this.#host.requestIdOf(exchange);
    this.#host.log.info({ listener: this.#listener, requestId, ...facts }, message);
  }
}

async function lookInto(body: Blob, tap: BodyTap, bytesMax: number): Promise<void> {
  try {
    tap.piece(new Uint8Array(await body.slice(0, bytesMax).arrayBuffer()));
    tap.end(true, body.size);
  } catch {
    tap.end(false, body.size); // a file that has gone
  }
}

/** Null: the listener tells its log nothing. */
export function debugLogOf(
  host: DebugHost,
  listener: string,
  { debug, headers }: Pick<ListenerSettings, "debug" | "headers">,
  compression: Compression | null,
): DebugLog | null {
  if (debug === false) return null;
  return new DebugLog(host, listener, debug === true ? {} : debug, headers, compression);
}
