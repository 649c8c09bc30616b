/**
 * Response constants of routes: given to native once, and bound to each target that they answer,
 * so that its next GET or HEAD does not enter JavaScript. Thread: the engine's.
 */
import type { Handle, Native } from "../native.ts";
import { FIELD } from "./header-syntax.ts";
import { FRAMING, headerFlags, headerLines } from "./headers.ts";
import { planSteps } from "./plan.ts";
import { toParts } from "./response.ts";
import { COPY_BYTES_MAX } from "./rings.ts";
import type { ResponseParts } from "./response-parts.ts";
import type { Router } from "./router.ts";
import type { Target } from "./target.ts";

/** What is asked of the engine about a constant. */
export interface ConstantsHost {
  isUniform(parts: ResponseParts): boolean;
}

export class Constants {
  readonly #native: Native;
  readonly #handle: Handle;
  readonly #host: ConstantsHost;
  readonly #indexes = new Map<Response, number>();

  constructor(native: Native, handle: Handle, host: ConstantsHost) {
    this.#native = native;
    this.#handle = handle;
    this.#host = host;
  }

  /** Only if GET and HEAD both have this answer: native asks for no more than the target. */
  bind(router: Router, target: Target, id: number, response: Response): void {
    for (const method of ["GET", "HEAD"]) {
      const step = planSteps(router, undefined, target.path, method)[0]!;
      if (step.kind !== "constant" || step.response !== response) return;
    }
    const index = this.#indexOf(response);
    if (index >= 0) this.#native.engineBind(this.#handle, id, target.version, index);
  }

  /** -1: it has something that only JavaScript can say. */
  #indexOf(response: Response): number {
    const known = this.#indexes.get(response);
    if (known !== undefined) return known;
    const index = this.#give(response);
    this.#indexes.set(response, index);
    return index;
  }

  #give(response: Response): number {
    const parts = toParts(response)!;
    const { headers, status, statusText, contentType } = parts;
    const flags = headers === null ? 0 : headerFlags(headers);
    if (statusText !== "" || status === 0 || (flags & (FRAMING | FIELD.date)) !== 0) return -1;
    const lines = Buffer.from(headers === null ? "" : headerLines(headers), "latin1");
    // Native adds a listener's default headers whole, and does not compress.
    if (!this.#host.isUniform(parts)) return -1;
    const body = Buffer.from((parts.body ?? "") as string);
    if (body.length > COPY_BYTES_MAX) {
      // It goes out piece by piece, as its socket takes it: as text it would be encoded each time.
      parts.body = body;
      return -1;
    }
    return this.#native.engineConstant(
      this.#handle, status, Math.max(contentType, 0), lines, body,
    );
  }
}
