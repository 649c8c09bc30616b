/**
 * W3C Trace Context: reads `traceparent` and `tracestate` of a request (Level 1, with the random
 * flag of Level 2), and begins a trace where a request brings none. Millrace records no spans, so
 * what came is passed on as it came: a span of the next service hangs on that of the caller.
 * Pure; runs on the engine's thread, when somebody asks.
 */
import type { TraceContext } from "../shared/app.ts";

const SAMPLED = 1;
const RANDOM = 2;
/** The flags that the newest version we know defines. */
const KNOWN_FLAGS = SAMPLED | RANDOM;
/** What a request that begins a trace is told apart by. */
export interface TraceSeed {
  /** 64 random bits in hexadecimal, of its engine. */
  readonly engine: string;
  readonly slot: number;
  readonly generation: number;
  readonly sequence: number;
}

/** Members of a `tracestate`; a longer one is not passed on (3.3.1.1). */
const MEMBERS_MAX = 32;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Instead of two values: no traceparent. */
const TWO = "two";
const ZEROS = /^0+$/;
const MEMBER = /^([a-z0-9][a-z0-9_\-*/@]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** What a `traceparent` says, null if it is not valid: the trace begins anew then. */
export function parseTraceparent(value: string): Omit<TraceContext, "state" | "isNew"> | null {
  const parts = TRACEPARENT.exec(value);
  if (parts === null) return null;
  const [, version, traceId, parentId, hex, rest] = parts as unknown as string[];
  if (version === "ff" || ZEROS.test(traceId!) || ZEROS.test(parentId!)) return null;
  if (version === "00" && rest !== undefined) return null;
  const all = Number.parseInt(hex!, 16);
  // A later version is passed on as the version that we know, with the flags that we know.
  const flags = version === "00" ? all : all & KNOWN_FLAGS;
  const traceparent = version === "00" ? value : format(traceId!, parentId!, flags);
  return {
    traceparent,
    traceId: traceId!,
    parentId: parentId!,
    flags,
    isSampled: (flags & SAMPLED) !== 0,
  };
}

/** The members in one line; empty if one of them is malformed, doubled, or one too many. */
export function parseTracestate(value: string): string {
  const members = value.split(",").map((member) => member.trim()).filter((text) => text !== "");
  if (members.length > MEMBERS_MAX) return "";
  const keys = new Set<string>();
  for (const member of members) {
    const key = MEMBER.exec(member)?.[1];
    if (key === undefined || keys.has(key)) return "";
    keys.add(key);
  }
  return members.join(",");
}

/** The trace that a request belongs to, from its fields as they came: name, value, name, value. */
export function traceOf(rawHeaders: readonly string[], seed: TraceSeed): TraceContext {
  let parent = "";
  let state = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length < 10 || name.length > 11) continue;
    const lower = name.toLowerCase();
    const value = rawHeaders[i + 1]!;
    if (lower === "traceparent") parent = parent === "" || value === "" ? parent + value : TWO;
    else if (lower === "tracestate") state += `,${value}`;
  }
  const known = parent === "" ? null : parseTraceparent(parent);
  if (known === null) return newTrace(seed);
  return { ...known, state: parseTracestate(state), isNew: false };
}

/**
 * Not sampled: nobody has recorded what began it. The ids are made of the engine's random number
 * and the place of the request, so that the access log, which is formatted natively, has the same
 * without asking: as `make_traceparent` of core/trace-context.cc.
 */
function newTrace({ engine, slot, generation, sequence }: TraceSeed): TraceContext {
  const random = BigInt(`0x${engine}`);
  const connection = BigInt(generation >>> 0) << 32n | BigInt(slot);
  const request = BigInt(sequence >>> 0);
  const high = mix(mix(random ^ connection) ^ request);
  const low = mix(mix(mix(random) ^ connection) ^ request);
  const traceId = hex64(high) + hex64(low);
  const parentId = hex64(mix(BigInt.asUintN(64, high + low)) || 1n);
  const traceparent = format(traceId, parentId, RANDOM);
  return {
    traceparent, traceId, parentId, flags: RANDOM, isSampled: false, state: "", isNew: true,
  };
}

/** The finalizer of splitmix64: a bijection whose results look random. */
function mix(value: bigint): bigint {
  const first = BigInt.asUintN(64, (value ^ value >> 30n) * 0xbf58476d1ce4e5b9n);
  const second = BigInt.asUintN(64, (first ^ first >> 27n) * 0x94d049bb133111ebn);
  return second ^ second >> 31n;
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}

function format(traceId: string, parentId: string, flags: number): string {
  return `00-${traceId}-${parentId}-${flags.toString(16).padStart(2, "0")}`;
}
