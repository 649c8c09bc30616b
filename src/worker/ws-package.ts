/**
 * The parts of the package `ws` that WebSockets are made of, and the only place that loads it: when
 * an app has WebSockets. Its receiver reads frames, its extension inflates. Any thread.
 */
import { createRequire } from "node:module";
import type { Writable } from "node:stream";

/** The offers of an extension: of each its parameters, and of each of these its values. */
export type ExtensionOffers = Record<string, Record<string, (string | true)[]>[]>;

/** What a receiver has been told to take. */
export interface ReceiverOptions {
  readonly isServer: true;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly extensions: Record<string, Inflater>;
}

/**
 * Takes bytes and emits `message` (bytes, whether they are binary), `ping`, `pong`, `conclude`
 * (code, reason) for a Close frame, and `error`, whose `code` begins with `WS_ERR_` or is zlib's.
 */
export type Receiver = Writable;

/** The negotiated extension of one connection. */
export interface Inflater {
  readonly params: Record<string, true | number>;
  /** Throws if the offer cannot be accepted. */
  accept(offers: Record<string, (string | true)[]>[]): Record<string, true | number>;
  /** Frees what it has allocated. */
  cleanup(): void;
}

export interface InflaterOptions {
  readonly isServer: true;
  readonly maxPayload: number;
  readonly serverNoContextTakeover: true;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

interface WsPackage {
  readonly Receiver: new (options: ReceiverOptions) => Receiver;
  readonly PerMessageDeflate: new (options: InflaterOptions) => Inflater;
  readonly extension: {
    /** Throws a SyntaxError. */
    parse(header: string): ExtensionOffers;
    format(extensions: Record<string, Record<string, true | number>>): string;
  };
  readonly subprotocol: {
    /** Throws a SyntaxError. */
    parse(header: string): Set<string>;
  };
}

export const DEFLATE = "permessage-deflate";

let loaded: WsPackage | null = null;

export function wsPackage(): WsPackage {
  return (loaded ??= createRequire(import.meta.url)("ws") as WsPackage);
}
