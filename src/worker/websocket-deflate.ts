/**
 * permessage-deflate (RFC 7692): what of an offer is accepted, and how messages are compressed.
 * Each message is compressed by itself and at once, so `send` keeps its order and its result, a
 * socket holds no memory for it, and one frame serves all subscribers of a topic. What comes is
 * inflated by `ws`, beside the loop. Any thread.
 */
import { constants, deflateRawSync } from "node:zlib";
import { frameOf, type Opcode } from "./websocket-frames.ts";
import type { DeflateSettings } from "./websocket-options.ts";
import { DEFLATE, type Inflater, type InflaterOptions, wsPackage } from "./ws-package.ts";

/** One connection's. */
export interface DeflateLink {
  readonly inflater: Inflater;
  /** Null: what is sent is never compressed. */
  readonly compressor: MessageCompressor | null;
}

export interface MessageCompressor {
  readonly windowBits: number;
  readonly memLevel: number;
}

export interface Negotiated extends DeflateLink {
  /** The value of Sec-WebSocket-Extensions. */
  readonly answer: string;
}

/** zlib takes 9 where it is told 8, which a peer that keeps 256 bytes could not read. */
const WINDOW_BITS_MIN = 9;
/** How a flushed block ends; RFC 7692 7.2.1 leaves it out. */
const FLUSH_BYTES = 4;

/**
 * Of the offers of a request the first that can be accepted. Null: none. Throws a SyntaxError for a
 * field that is none.
 */
export function negotiateDeflate(
  header: string,
  settings: DeflateSettings,
  maxPayload: number,
): Negotiated | null {
  const offers = wsPackage().extension.parse(header)[DEFLATE] ?? [];
  for (const offer of offers) {
    const negotiated = accept(offer, settings, maxPayload);
    if (negotiated !== null) return negotiated;
  }
  return null;
}

function accept(
  offer: Record<string, (string | true)[]>,
  { compress, decompress }: DeflateSettings,
  maxPayload: number,
): Negotiated | null {
  const asked = Number(offer["server_max_window_bits"]?.[0] ?? 15);
  if (asked < WINDOW_BITS_MIN) return null;
  const windowBits = Math.min(asked, compress?.windowBits ?? 15);
  // The peer's window can be limited only if its offer says that it can be.
  const limitsPeer = decompress.windowBits < 15 && "client_max_window_bits" in offer;
  const options: InflaterOptions = {
    isServer: true,
    maxPayload,
    serverNoContextTakeover: true,
    clientNoContextTakeover: !decompress.hasContext,
    ...(windowBits < 15 && { serverMaxWindowBits: windowBits }),
    ...(limitsPeer && { clientMaxWindowBits: peerBits(offer, decompress.windowBits) }),
  };
  const { PerMessageDeflate, extension } = wsPackage();
  const inflater = new PerMessageDeflate(options);
  let params: Record<string, true | number>;
  try {
    params = inflater.accept([offer]);
  } catch {
    return null; // a parameter that is unknown, doubled or out of range (RFC 7692 7.1)
  }
  return {
    inflater,
    compressor: compress === null ? null : { windowBits, memLevel: compress.memLevel },
    answer: extension.format({ [DEFLATE]: params }),
  };
}

function peerBits(offer: Record<string, (string | true)[]>, most: number): number {
  const asked = Number(offer["client_max_window_bits"]?.[0]);
  return Number.isNaN(asked) || asked === 1 ? most : Math.min(asked, most);
}

/** Null: the message would not get shorter, and may be sent as it is. */
export function deflatedFrame(
  opcode: Opcode,
  payload: Uint8Array,
  { windowBits, memLevel }: MessageCompressor,
): Buffer | null {
  const finishFlush = constants.Z_SYNC_FLUSH;
  const deflated = deflateRawSync(payload, { windowBits, memLevel, finishFlush });
  const length = deflated.length - FLUSH_BYTES;
  return length < payload.length ? frameOf(opcode, deflated.subarray(0, length), true) : null;
}
