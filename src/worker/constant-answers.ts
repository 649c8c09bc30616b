/**
 * Response constants of routes: given to native once, and bound to each target that they answer,
 * so that its next GET or HEAD does not enter JavaScript. Thread: the engine's.
 */
import type { Handle, Native } from "../native.ts";
import { FIELD } from "./header-syntax.ts";
import { FRAMING, headerFlags, headerLines } from "./headers.ts";
import { type ConstantStep, planSteps } from "./plan.ts";
import { toParts } from "./response.ts";
import { COPY_BYTES_MAX } from "./rings.ts";
import type { ResponseParts } from "./response-parts.ts";
import type { Router } from "./router.ts";
import type { Target } from "./target.ts";

/** What is asked of the engine about a constant. */
export interface ConstantsHost {
  isUniform(parts: ResponseParts): boolean;
}

/** What native answers by itself, for those who count. */
export interface GivenConstant {
  readonly route: string;
  readonly status: number;
  readonly bodyBytes: number;
}

export class Constants {
  readonly #native: Native;
  readonly #handle: Handle;
  readonly #host: ConstantsHost;
  /** By route too: the answers of each are counted. */
  readonly #indexes = new Map<string, Map<Response, number>>();
  /** By index. */
  given: GivenConstant[] = [];

  constructor(native: Native, handle: Handle, host: ConstantsHost) {
    this.#native = native;
    this.#handle = handle;
    this.#host = host;
  }

  /** Only if GET and HEAD both have this answer: native asks for no more than the target. */
  bind(router: Router, target: Target, id: number, { route, response }: ConstantStep): void {
    for (const method of ["GET", "HEAD"]) {
      const step = planSteps(router, undefined, target.path, method).steps[0]!;
      if (step.kind !== "constant" || step.response !== response) return;
    }
    // Native adds a listener's default headers whole, and does not compress.
    if (!this.#host.isUniform(toParts(response)!)) return;
    const index = this.#indexOf(route, response);
    if (index >= 0) this.#native.engineBind(this.#handle, id, target.version, index);
  }

  /** Native has forgotten them. */
  forget(): void {
    this.#indexes.clear();
    this.given = [];
  }

  /** -1: it has something that only JavaScript can say. */
  #indexOf(route: string, response: Response): number {
    const indexes = this.#indexes.get(route) ?? new Map<Response, number>();
    this.#indexes.set(route, indexes);
    const known = indexes.get(response);
    if (known !== undefined) return known;
    const index = this.#give(route, response);
    indexes.set(response, index);
    return index;
  }

  #give(route: string, response: Response): number {
    const parts = toParts(response)!;
    const { headers, status, statusText, contentType } = parts;
    const flags = headers === null ? 0 : headerFlags(headers);
    if (statusText !== "" || status === 0 || (flags & (FRAMING | FIELD.date)) !== 0) return -1;
    const lines = Buffer.from(headers === null ? "" : headerLines(headers), "latin1");
    const body = Buffer.from((parts.body ?? "") as string);
    if (body.length > COPY_BYTES_MAX) {
      // It goes out piece by piece, as its socket takes it: as text it would be encoded each time.
      parts.body = body;
      return -1;
    }
    this.given.push({ route, status, bodyBytes: body.length });
    return this.#native.engineConstant(
      this.#handle, status, Math.max(contentType, 0), lines, body,
    );
  }
}
