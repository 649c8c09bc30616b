/**
 * What native has answered without JavaScript, taken over into the worker's table of metrics when
 * somebody asks: constants by route, and refusals by status. Thread: the engine's.
 */
import type { Handle, Native } from "../native.ts";
import { FLAG_HTTP10 } from "../shared/layout.ts";
import type { GivenConstant } from "./constant-answers.ts";
import type { Meter } from "./meter.ts";

/** `kRefusedMax` of core/engine.h: statuses from 400 on. */
const REFUSED = 200;
/** In the order that native counts. */
const FORMS: readonly (readonly [string, number])[] =
  [["GET", 0], ["GET", FLAG_HTTP10], ["HEAD", 0], ["HEAD", FLAG_HTTP10]];

export class NativeCounts {
  readonly #native: Native;
  readonly #handle: Handle;
  readonly #meter: Meter;
  #before: Float64Array = new Float64Array(0);

  constructor(native: Native, handle: Handle, meter: Meter) {
    this.#native = native;
    this.#handle = handle;
    this.#meter = meter;
  }

  /** What there is already is not counted. */
  skip(constants: readonly GivenConstant[]): void {
    this.#before = this.#read(constants);
  }

  #read(constants: readonly GivenConstant[]): Float64Array {
    const now = new Float64Array(REFUSED + constants.length * FORMS.length);
    this.#native.engineCounts(this.#handle, now);
    return now;
  }

  /** Adds what has come since the last time. */
  take(constants: readonly GivenConstant[]): void {
    const before = this.#before;
    const now = (this.#before = this.#read(constants));
    for (let at = 0; at < now.length; at++) {
      const count = now[at]! - (before[at] ?? 0);
      if (count === 0) continue;
      // Of what was refused nobody knows for certain which method it had.
      if (at < REFUSED) this.#meter.addNative("", "_OTHER", 400 + at, 0, count, 0);
      else this.#constant(constants, at - REFUSED, count);
    }
  }

  /** Native has forgotten the constants, whose counts begin anew. */
  forgetConstants(): void {
    this.#before = this.#before.slice(0, REFUSED);
  }

  #constant(constants: readonly GivenConstant[], at: number, count: number): void {
    const { route, status, bodyBytes } = constants[Math.floor(at / FORMS.length)]!;
    const [method, flags] = FORMS[at % FORMS.length]!;
    const sent = method === "HEAD" || status === 204 || status === 304 ? 0 : bodyBytes;
    this.#meter.addNative(route, method, status, flags, count, sent);
  }
}
