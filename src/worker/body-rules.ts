/**
 * What a handler is given of a body: how long it may be, whether it is decoded, and whether it is
 * here before the handler runs; and how long each may take. A server's options say so for all its
 * routes, a handler object for itself. Also the errors that come of it. Any thread.
 */
import type { HandlerObject } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";

/** Bytes that nobody else can see: an app may transfer or keep them. */
export type Chunk = Uint8Array<ArrayBuffer>;

/** `bodyStreamBytesMax` 0: no limit. */
export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodyStreamBytesMax: number;
}

/** A body that is being collected may be this long whatever else the worker holds. */
export const FREE_BYTES = 65_536;

export interface BodyRules extends BodyLimits {
  /** Content codings are removed before the handler sees the body. */
  readonly decodeBodies: boolean;
  /** The handler runs when all of the body has come. */
  readonly buffered: boolean;
}

/** Milliseconds, as the options of the same names. */
export interface HandlerTimes {
  /** 0: no limit. */
  readonly handlerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly writeTimeoutMs: number;
}

export type HandlerRules = BodyRules & HandlerTimes;

/** Whose rules a body obeys. They change when a handler declines: those of the next one count. */
export interface BodyOwner {
  readonly bodyLimits: BodyLimits;
  /**
   * Counts bytes that wait here for their reader, or, below 0, that wait no more; at the end of the
   * request all are counted off. False: the worker's budget is used up.
   */
  hold(bytes: number): boolean;
}

const LIMITS = ["bodyBytesMax", "bodyStreamBytesMax"] as const;
const FLAGS = ["decodeBodies", "buffered"] as const;
const TIMES = ["handlerTimeoutMs", "bodyTimeoutMs", "writeTimeoutMs"] as const;
const MEMBERS = [...LIMITS, ...FLAGS, ...TIMES];

/** What timers take. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** A handler object, or what makes some. */
type RuleSource = Omit<HandlerObject, "handle"> & { readonly handle?: unknown };

/** What the handler object says of itself; null: nothing. */
export function ownRules(handler: RuleSource): Partial<HandlerRules> | null {
  const own: Record<string, unknown> = {};
  for (const name of MEMBERS) if (handler[name] !== undefined) own[name] = handler[name];
  return Object.keys(own).length === 0 ? null : own;
}

/** Those of them that are times; null: there is none. */
export function ownTimes(rules: Partial<HandlerRules> | null): Partial<HandlerTimes> | null {
  const own = TIMES.filter((name) => rules?.[name] !== undefined);
  return own.length === 0 ? null : Object.fromEntries(own.map((name) => [name, rules![name]]));
}

/** Why these rules cannot be; null: they can. */
export function wrongRule(handler: HandlerObject): string | null {
  for (const name of LIMITS) {
    if (isWrong(handler[name], 0, Number.MAX_SAFE_INTEGER)) {
      return `${name} must be an integer from 0 on`;
    }
  }
  for (const name of FLAGS) {
    const value: unknown = handler[name];
    if (value !== undefined && typeof value !== "boolean") return `${name} must be true or false`;
  }
  for (const name of TIMES) {
    const min = name === "handlerTimeoutMs" ? 0 : 1;
    if (isWrong(handler[name], min, DELAY_MS_MAX)) {
      return `${name} must be an integer from ${min} to ${DELAY_MS_MAX}`;
    }
  }
  return null;
}

function isWrong(value: unknown, min: number, max: number): boolean {
  if (value === undefined) return false;
  return !Number.isInteger(value) || (value as number) < min || (value as number) > max;
}

/** The declared length from which on neither way of reading is allowed; 0: there is none. */
export function declaredMax({ bodyBytesMax, bodyStreamBytesMax }: BodyLimits): number {
  return bodyStreamBytesMax === 0 ? 0 : Math.max(bodyBytesMax, bodyStreamBytesMax);
}

/** The same for native, which knows no routes: no handler allows more. 0: one has no limit. */
export function declaredMaxOf(own: BodyLimits, rules: readonly Partial<BodyRules>[]): number {
  const limits = [own, ...rules.map((each) => ({ ...own, ...each }))].map(declaredMax);
  return limits.includes(0) ? 0 : Math.max(...limits);
}

/**
 * The worker's budget is used up: the client is told to come again, in the words of the core's own
 * 503, whose texts end with their line.
 */
export function overloaded(): HttpError {
  return new HttpError(503, "overloaded\n", {
    close: true,
    code: "ERR_MILLRACE_OVERLOADED",
    headers: { "retry-after": "1" },
  });
}

export function tooLarge(limit: number): HttpError {
  return new HttpError(413, `the body is longer than ${limit} bytes`, {
    close: true,
    code: "ERR_MILLRACE_BODY_TOO_LARGE",
  });
}

/** `context.next()` makes a second Request of the same body: it cannot be read twice either. */
export function unusable(): TypeError {
  return new TypeError("Body is unusable: it has already been read");
}

export function unusableStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(unusable()) });
}
