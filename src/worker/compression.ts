/**
 * Decides whether an answer is compressed, and makes the answer that is sent instead: RFC 9110 8.4
 * and 12.5.3. One for each listener that has it on. Thread: the engine's.
 */
import { createRequire } from "node:module";
import type { CompressionOptions } from "../shared/compression.ts";
import { FLAG_HEAD } from "../shared/layout.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import { withVary } from "../shared/vary.ts";
import { CONTENT_TYPES } from "./body.ts";
import { EncodedBody } from "./encoded-body.ts";
import { type Coding, codingsOf } from "./encoders.ts";
import { LightHeaders } from "./headers.ts";
import { ResponseParts } from "./response-parts.ts";
import { toParts } from "./response.ts";
import { bodyLength, declaredLength, isBodyless } from "./response-rules.ts";

/** A packet has about 1,400 bytes of payload: below, hardly anything is won. */
const THRESHOLD_BYTES = 1024;
/**
 * Up to here a body is compressed at once: gzip takes 0.1 to 0.3 ms of a batch's 1 ms for 16 KiB of
 * JSON, and a stream 0.1 ms more than that (Node.js 20, one core). The catch: at high levels of br
 * it takes longer; `brLevel` says so.
 */
const NOW_BYTES_MAX = 16_384;
/** A constant of a route is compressed once for each coding, so it may take longer. */
const CONSTANT_BYTES_MAX = 1_048_576;
/** Values of Accept-Encoding are few, but clients choose them. */
const KNOWN_MAX = 256;
/** What is text, though it may not say so. */
const COMPRESSIBLE = new RegExp(
  "^(?:text/|.*\\+(?:json|xml|text|yaml)$|font/(?:otf|ttf)$|image/(?:bmp|x-icon|x-ms-bmp)$|" +
    "application/(?:.*json|.*javascript|ecmascript|xml|xml-dtd|rtf|sql|wasm|yaml|toml|" +
    "x-www-form-urlencoded|x-sh|x-yaml|graphql|vnd\\.ms-fontobject|manifest)$)",
);
/** They say something of the bytes as they are. */
const OF_THE_BYTES = [
  "content-encoding", "content-range", "content-md5", "content-digest", "digest",
];

type Negotiator = new (request: { headers: Record<string, string> }) => {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
};
const Negotiator = createRequire(import.meta.url)("negotiator") as Negotiator;

/** What is looked at in an exchange. */
interface Asked {
  readonly flags: number;
  /** Of a constant, its Response. */
  readonly step: { readonly kind: string; readonly response?: Response };
  find(name: string): string | undefined;
}

/** Of the listener's default headers, which an answer overrides; empty if there is none. */
interface DefaultFields {
  readonly vary: string;
  readonly cacheControl: string;
}

export class Compression {
  readonly thresholdBytes: number;
  readonly #codings: readonly Coding[];
  readonly #names: readonly string[];
  readonly #types: readonly string[] | null;
  readonly #defaults: DefaultFields;
  readonly #known = new Map<string, Coding | null>();
  readonly #constants = new WeakMap<ResponseParts, Map<Coding, ResponseParts>>();

  constructor(options: CompressionOptions, defaults: DefaultFields) {
    this.#defaults = defaults;
    this.thresholdBytes = options.thresholdBytes ?? THRESHOLD_BYTES;
    this.#codings = codingsOf(options);
    this.#names = this.#codings.map(({ name }) => name);
    this.#types = options.types ?? null;
  }

  /** Whether the answer depends on what the client accepts. */
  isNegotiated(parts: ResponseParts): boolean {
    const { status, headers, body } = parts;
    if (body === null || isBodyless(status) || status === 206) return false;
    if (headers !== null && OF_THE_BYTES.some((name) => headers.has(name))) return false;
    const cache = headers?.get("cache-control") ?? this.#defaults.cacheControl;
    if (/\bno-transform\b/i.test(cache)) return false;
    const length = lengthOf(parts);
    return (length < 0 || length >= this.thresholdBytes) && this.#isCompressible(parts);
  }

  /** The parts to send instead, or the same. */
  apply(parts: ResponseParts, asked: Asked): ResponseParts {
    if (!this.isNegotiated(parts)) return parts;
    const coding = this.#choose(asked.find("accept-encoding") ?? "");
    if (coding === null) return this.#variant(parts, null);
    // After `next()` the handler may have answered something else.
    const { response } = asked.step;
    const isConstant = response !== undefined && toParts(response) === parts;
    const known = isConstant ? this.#constants.get(parts)?.get(coding) : undefined;
    return known ?? this.#encode(parts, coding, isConstant, (asked.flags & FLAG_HEAD) !== 0);
  }

  /** To HEAD says what GET would: what is compressed at once must be, to know whether it pays. */
  #encode(
    parts: ResponseParts,
    coding: Coding,
    isConstant: boolean,
    isHead: boolean,
  ): ResponseParts {
    const { body } = parts;
    const bytes = typeof body === "string" ? Buffer.from(body) : body!;
    const nowMax = isConstant ? CONSTANT_BYTES_MAX : NOW_BYTES_MAX;
    if (!(bytes instanceof Uint8Array) || bytes.length > nowMax) {
      if (isHead) return this.#headOf(parts, coding);
      const made = this.#variant(parts, coding);
      made.body = new EncodedBody(bytes, coding, lengthOf(parts));
      return made;
    }
    const encoded = coding.encodeNow(bytes);
    // What does not get shorter stays as it is.
    const made = this.#variant(parts, encoded.length < bytes.length ? coding : null);
    if (encoded.length < bytes.length) made.body = encoded;
    if (isConstant) this.#keep(parts, coding, made);
    return made;
  }

  #keep(parts: ResponseParts, coding: Coding, made: ResponseParts): void {
    const kept = this.#constants.get(parts) ?? new Map<Coding, ResponseParts>();
    kept.set(coding, made);
    this.#constants.set(parts, kept);
  }

  /** The fields of GET, which is compressed while it is sent: nobody knows its length. */
  #headOf(parts: ResponseParts, coding: Coding): ResponseParts {
    const made = this.#variant(parts, coding);
    if (bodyLength(made.body) >= 0) made.body = null;
    return made;
  }

  /** A copy with the fields of the coding; without one, it says only that there might be one. */
  #variant(parts: ResponseParts, coding: Coding | null): ResponseParts {
    const made = new ResponseParts(parts.body, parts.contentType);
    made.status = parts.status;
    made.statusText = parts.statusText;
    const headers = (made.headers = new LightHeaders(parts.headers ?? undefined));
    const vary = headers.get("vary") ?? this.#defaults.vary;
    const varied = withVary(vary, "Accept-Encoding");
    if (varied !== vary) headers.set("vary", varied);
    if (coding === null) return made;
    headers.set("content-encoding", coding.name);
    headers.delete("content-length");
    headers.delete("accept-ranges"); // ranges of it are not those of the body as it is
    const etag = headers.get("etag");
    if (etag?.startsWith('"') === true) headers.set("etag", `W/${etag}`);
    return made;
  }

  #isCompressible({ contentType, headers }: ResponseParts): boolean {
    const full = contentType > 0 ? CONTENT_TYPES[contentType]! : headers?.get("content-type");
    const type = (full ?? "").split(";", 1)[0]!.trim().toLowerCase();
    if (this.#types === null) return COMPRESSIBLE.test(type);
    return this.#types.includes(type) || this.#types.includes(`${type.split("/", 1)[0]}/*`);
  }

  #choose(accepted: string): Coding | null {
    if (accepted === "") return null;
    const known = this.#known.get(accepted);
    if (known !== undefined) return known;
    const negotiator = new Negotiator({ headers: { "accept-encoding": accepted } });
    const preferred = this.#names;
    const [best] = negotiator.encodings([...preferred, "identity"], { preferred });
    const coding = this.#codings.find(({ name }) => name === best) ?? null;
    if (this.#known.size < KNOWN_MAX) this.#known.set(accepted, coding);
    return coding;
  }
}

/** The compression of a listener; null: it has none. */
export function compressionOf(settings: ListenerSettings): Compression | null {
  const { compression, headers } = settings;
  if (compression === false) return null;
  const valueOf = (wanted: string): string =>
    Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
  return new Compression(compression === true ? {} : compression, {
    vary: valueOf("vary"),
    cacheControl: valueOf("cache-control"),
  });
}

function lengthOf({ body, headers }: ResponseParts): number {
  const length = bodyLength(body);
  return length < 0 ? declaredLength(headers) : length;
}
