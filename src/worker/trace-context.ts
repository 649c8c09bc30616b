/**
 * W3C Trace Context: reads `traceparent` and `tracestate` of a request (Level 1, with the random
 * flag of Level 2), and begins a trace where a request brings none. Millrace records no spans, so
 * what came is passed on as it came: a span of the next service hangs on that of the caller.
 * Pure; runs on the engine's thread, when somebody asks.
 */
import { randomUUID } from "node:crypto";
import type { TraceContext } from "../shared/app.ts";

const SAMPLED = 1;
const RANDOM = 2;
/** The flags that the newest version we know defines. */
const KNOWN_FLAGS = SAMPLED | RANDOM;
/** Members of a `tracestate`; a longer one is not passed on (3.3.1.1). */
const MEMBERS_MAX = 32;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
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
export function traceOf(rawHeaders: readonly string[]): TraceContext {
  let parent = "";
  let state = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length < 10 || name.length > 11) continue;
    const lower = name.toLowerCase();
    // Two of them are joined to something that is not valid, as they are together.
    if (lower === "traceparent") parent += rawHeaders[i + 1]!;
    else if (lower === "tracestate") state += `,${rawHeaders[i + 1]!}`;
  }
  const known = parent === "" ? null : parseTraceparent(parent);
  if (known === null) return newTrace();
  return { ...known, state: parseTracestate(state), isNew: false };
}

/** Not sampled: nobody has recorded what began it. Both ids are of a cryptographic source. */
function newTrace(): TraceContext {
  // The last seven bytes of a random UUID, which Level 2 wants random, have no fixed bits.
  const traceId = randomUUID().replaceAll("-", "");
  const parentId = randomUUID().replaceAll("-", "").slice(16);
  const traceparent = format(traceId, parentId, RANDOM);
  return {
    traceparent, traceId, parentId, flags: RANDOM, isSampled: false, state: "", isNew: true,
  };
}

function format(traceId: string, parentId: string, flags: number): string {
  return `00-${traceId}-${parentId}-${flags.toString(16).padStart(2, "0")}`;
}
