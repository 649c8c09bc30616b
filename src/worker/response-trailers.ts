/**
 * The trailer fields of an answer: collected while its body is made, announced by `Trailer`, sent
 * behind its last chunk (RFC 9110 6.5, RFC 9112 7.1.2). Thread: the engine's.
 */
import { MillraceError } from "../shared/errors.ts";
import { headerLines, LightHeaders } from "./headers.ts";

/** Bytes of all trailers of an answer. Clients have limits too: Node.js takes 16 KiB. */
const LINES_MAX = 16_384;

/**
 * What a recipient must know before the body, or that would change how the message is framed,
 * routed, authenticated or kept: RFC 9110 6.5.1.
 */
const REFUSED = new Set([
  "accept-ranges", "age", "allow", "authorization", "cache-control", "connection",
  "content-disposition", "content-encoding", "content-length", "content-location", "content-range",
  "content-type", "cookie", "date", "expect", "expires", "host", "keep-alive", "location",
  "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "proxy-connection",
  "range", "retry-after", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "vary",
  "www-authenticate",
]);

/** To those of an answer. Throws ERR_MILLRACE_RESPONSE_SENT behind its end, and what `add` does. */
export function addTrailers(
  exchange: { readonly isComplete: boolean; trailers: ResponseTrailers | null },
  init: ConstructorParameters<typeof Headers>[0],
): void {
  if (exchange.isComplete) throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
  (exchange.trailers ??= new ResponseTrailers()).add(init);
}

export class ResponseTrailers {
  readonly #fields = new LightHeaders();
  /** The names that the head has announced; null: the head has not gone. */
  #announced: Set<string> | null = null;

  /** Throws for a name or value that is not valid, or that may not or no longer be a trailer. */
  add(init: ConstructorParameters<typeof Headers>[0]): void {
    const added = [...new LightHeaders(init)];
    for (const [name] of added) {
      if (REFUSED.has(name) || name.startsWith("if-")) {
        throw invalid(`${name} may not be a trailer (RFC 9110 6.5.1)`);
      }
      if (this.#announced?.has(name) === false) {
        throw invalid(`${name} was not announced: name it in the Trailer header of the Response`);
      }
    }
    const bytes = added.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    if (headerLines(this.#fields).length + bytes > LINES_MAX) {
      throw invalid(`the trailers of an answer have more than ${LINES_MAX} bytes`);
    }
    for (const [name, value] of added) this.#fields.append(name, value);
  }

  /** The head is being written: the names it announces, those of the app's `Trailer` first. */
  announce(own: string | null): string {
    const names = (own ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
    this.#announced = new Set(names.map((name) => name.toLowerCase()));
    for (const name of this.#fields.keys()) {
      if (this.#announced.has(name)) continue;
      this.#announced.add(name);
      names.push(name);
    }
    return names.join(", ");
  }

  /** The lines behind the last chunk. */
  get lines(): string {
    return headerLines(this.#fields);
  }
}

/** Those of a chunked answer whose head has announced none: nothing can be added to them. */
export const NO_TRAILERS: ResponseTrailers = new ResponseTrailers();
NO_TRAILERS.announce(null);

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_TRAILER_INVALID", message);
}
