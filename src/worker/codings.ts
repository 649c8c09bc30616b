/**
 * Content codings of request bodies (RFC 9110 8.4): which ones there are, and the transforms of
 * node:zlib that remove them, on libuv's threads. Any thread.
 */
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

/** Bytes that a transform gives at once: what it has made waits in memory until it is read. */
const OPTIONS = { chunkSize: 65_536 };

/** More in a row is no body that anybody sends: each costs a window of its own. */
const CODINGS_MAX = 4;

type Decoder = () => Transform;

const DECODERS: ReadonlyMap<string, Decoder> = makeDecoders();

function makeDecoders(): Map<string, Decoder> {
  const gunzip: Decoder = () => zlib.createGunzip(OPTIONS);
  const decoders = new Map<string, Decoder>([
    ["gzip", gunzip],
    ["x-gzip", gunzip],
    ["deflate", () => zlib.createInflate(OPTIONS)],
    ["br", () => zlib.createBrotliDecompress(OPTIONS)],
  ]);
  // From Node.js 22.15 on.
  type Zlib = { createZstdDecompress?: (options: object) => Transform };
  const { createZstdDecompress } = zlib as Zlib;
  if (createZstdDecompress !== undefined) {
    decoders.set("zstd", () => createZstdDecompress(OPTIONS));
  }
  return decoders;
}

/** The value of `Accept-Encoding` that says what is decoded here. */
export const ACCEPTED: string = [...DECODERS.keys()].filter((name) => name !== "x-gzip").join(", ");

/** The codings in the order in which they were applied; null: one of them is unknown here. */
export function codingsOf(field: string): string[] | null {
  const names = field.split(",").map((name) => name.trim().toLowerCase());
  const codings = names.filter((name) => name !== "" && name !== "identity");
  const isKnown = codings.length <= CODINGS_MAX && codings.every((name) => DECODERS.has(name));
  return isKnown ? codings : null;
}

/** Transforms for these, the one that was applied last first. */
export function decodersOf(codings: readonly string[]): Transform[] {
  return codings.map((name) => DECODERS.get(name)!()).toReversed();
}
