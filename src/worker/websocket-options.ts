/**
 * The `websocket` member of an app, read once when the app is loaded: its handlers as methods of
 * the object that they belong to, its options with their defaults. Thread: the worker's.
 */
import { MillraceError } from "../shared/errors.ts";
import type {
  ServerWebSocket, WebSocketCompressor, WebSocketDeflate, WebSocketHandler,
} from "../shared/websockets.ts";
import type { LinkSettings } from "./websocket-link.ts";

type Result = void | Promise<void>;
type Socket = ServerWebSocket<unknown>;

export interface WebSocketHandlers {
  readonly open?: (socket: Socket) => Result;
  readonly message?: (socket: Socket, message: string | Buffer) => Result;
  readonly drain?: (socket: Socket) => Result;
  readonly close?: (socket: Socket, code: number, reason: string) => Result;
  readonly ping?: (socket: Socket, data: Buffer) => Result;
  readonly pong?: (socket: Socket, data: Buffer) => Result;
  readonly error?: (socket: Socket, error: unknown) => Result;
}

/** How one direction is compressed. */
export interface Compressor {
  /** 9 to 15: the size of its window as a power of two. */
  readonly windowBits: number;
  readonly memLevel: number;
  /** A window is kept from message to message. */
  readonly hasContext: boolean;
}

export interface DeflateSettings {
  /** Null: what is sent is never compressed. */
  readonly compress: Compressor | null;
  readonly decompress: Compressor;
}

export interface WebSocketOptions extends LinkSettings {
  readonly publishToSelf: boolean;
  readonly closeSpreadMs: number;
  /** Null: the extension is not negotiated. */
  readonly deflate: DeflateSettings | null;
}

export interface WebSocketMember {
  readonly handlers: WebSocketHandlers;
  readonly options: WebSocketOptions;
}

const HANDLERS = ["open", "message", "drain", "close", "ping", "pong", "error"] as const;
const FLAGS = { closeOnBackpressureLimit: false, sendPings: true, publishToSelf: false };
/** What the receiver's arithmetic of 32 bits holds. */
const INTEGER_MAX = 2 ** 31 - 1;
const INTEGERS = {
  maxPayloadLength: { min: 1, max: INTEGER_MAX, preset: 16 * 1024 * 1024 },
  backpressureLimit: { min: 0, max: INTEGER_MAX, preset: 1024 * 1024 },
  idleTimeout: { min: 0, max: 86_400, preset: 120 },
  closeSpreadMs: { min: 0, max: INTEGER_MAX, preset: 1000 },
};
/** `data` is for the compiler alone. */
const NAMES: readonly string[] = [
  "data", "perMessageDeflate", ...HANDLERS, ...Object.keys(FLAGS), ...Object.keys(INTEGERS),
];

const SHARED: Compressor = { windowBits: 15, memLevel: 8, hasContext: false };
/** As uWebSockets has them, whose names these are. */
const SIZES: Readonly<Record<Exclude<WebSocketCompressor, "disable" | "shared">, Compressor>> = {
  dedicated: { windowBits: 15, memLevel: 8, hasContext: true },
  "3KB": { windowBits: 9, memLevel: 1, hasContext: true },
  "4KB": { windowBits: 9, memLevel: 2, hasContext: true },
  "8KB": { windowBits: 10, memLevel: 3, hasContext: true },
  "16KB": { windowBits: 11, memLevel: 4, hasContext: true },
  "32KB": { windowBits: 12, memLevel: 5, hasContext: true },
  "64KB": { windowBits: 13, memLevel: 6, hasContext: true },
  "128KB": { windowBits: 14, memLevel: 7, hasContext: true },
  "256KB": { windowBits: 15, memLevel: 8, hasContext: true },
};

/** Throws ERR_MILLRACE_WEBSOCKET_INVALID, naming what is wrong. Undefined: the app has none. */
export function readWebSocketMember(member: unknown): WebSocketMember | undefined {
  if (member === undefined) return undefined;
  if (typeof member !== "object" || member === null) {
    throw invalid("`websocket`", "an object", member);
  }
  refuseUnknown(member);
  const given = member as WebSocketHandler<unknown>;
  return { handlers: readHandlers(given), options: readOptions(given) };
}

/** An object of a class may have members of its own. */
function refuseUnknown(member: object): void {
  if (Object.getPrototypeOf(member) !== Object.prototype) return;
  const unknown = Object.keys(member).find((name) => !NAMES.includes(name));
  if (unknown === undefined) return;
  const text = `The app's \`websocket.${unknown}\` is unknown. There are: ${NAMES.join(", ")}`;
  throw new MillraceError("ERR_MILLRACE_WEBSOCKET_INVALID", text);
}

function readHandlers(given: WebSocketHandler<unknown>): WebSocketHandlers {
  const handlers: Record<string, unknown> = {};
  for (const name of HANDLERS) {
    const handler: unknown = given[name];
    if (handler === undefined) continue;
    if (typeof handler !== "function") {
      throw invalid(`\`websocket.${name}\``, "a function", handler);
    }
    handlers[name] = handler.bind(given);
  }
  return handlers;
}

function readOptions(given: WebSocketHandler<unknown>): WebSocketOptions {
  const options: Record<string, unknown> = { deflate: readDeflate(given.perMessageDeflate) };
  const values = given as Record<string, unknown>;
  for (const [name, { min, max, preset }] of Object.entries(INTEGERS)) {
    const value = values[name] ?? preset;
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw invalid(`\`websocket.${name}\``, `an integer from ${min} to ${max}`, value);
    }
    options[name] = value;
  }
  for (const [name, preset] of Object.entries(FLAGS)) {
    const value = values[name] ?? preset;
    if (typeof value !== "boolean") throw invalid(`\`websocket.${name}\``, "true or false", value);
    options[name] = value;
  }
  return options as unknown as WebSocketOptions;
}

function readDeflate(value: unknown): DeflateSettings | null {
  if (value === undefined || value === false) return null;
  if (value === true) return { compress: SHARED, decompress: SHARED };
  const place = "`websocket.perMessageDeflate`";
  if (typeof value !== "object" || value === null) {
    throw invalid(place, "true, false or an object", value);
  }
  for (const name of Object.keys(value)) {
    if (name === "compress" || name === "decompress") continue;
    throw invalid(place, "an object of `compress` and `decompress`", name);
  }
  const compress = compressorOf("compress", (value as WebSocketDeflate).compress);
  const decompress = compressorOf("decompress", (value as WebSocketDeflate).decompress);
  if (compress === null && decompress === null) return null;
  // A peer that has negotiated the extension may compress, whatever we send.
  return { compress, decompress: decompress ?? SHARED };
}

function compressorOf(name: string, value: unknown): Compressor | null {
  if (value === undefined || value === true || value === "shared") return SHARED;
  if (value === false || value === "disable") return null;
  if (typeof value === "string" && Object.hasOwn(SIZES, value)) {
    return SIZES[value as keyof typeof SIZES];
  }
  const names = `true, false, "disable", "shared", "${Object.keys(SIZES).join('", "')}"`;
  throw invalid(`\`websocket.perMessageDeflate.${name}\``, `one of ${names}`, value);
}

function invalid(place: string, needed: string, value: unknown): MillraceError {
  const shown = typeof value === "string" ? JSON.stringify(value) : describe(value);
  const text = `The app's ${place} must be ${needed}, not ${shown}`;
  return new MillraceError("ERR_MILLRACE_WEBSOCKET_INVALID", text);
}

function describe(value: unknown): string {
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
