/**
 * The content codings of `node:zlib`: which there are in this runtime, at once for short bodies and
 * as streams, which compress in libuv's pool, for the rest. Any thread.
 */
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { type CompressionOptions, type Encoding, ENCODINGS } from "../shared/compression.ts";

/** A stream of zlib: `flush` makes all that was written readable. */
export interface Encoder extends Transform {
  flush(callback?: () => void): void;
  flush(kind: number, callback?: () => void): void;
}

export interface Coding {
  readonly name: Encoding;
  encodeNow(bytes: Uint8Array): Uint8Array;
  /** `length` -1: not known. */
  open(length: number): Encoder;
  flush(encoder: Encoder): void;
}

/** What zlib has of zstd from Node.js 22.15 on. */
interface Zstd {
  zstdCompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  createZstdCompress?: (options: object) => Encoder;
}

const { zstdCompressSync, createZstdCompress } = zlib as unknown as Zstd;
const constants = zlib.constants as unknown as Readonly<Record<string, number>>;

/** gzip's own default; br 4 and zstd 3 take about as long and give less bytes. */
const GZIP_LEVEL = 6;
const BR_LEVEL = 4;
const ZSTD_LEVEL = 3;

export function hasCoding(name: Encoding): boolean {
  return name !== "zstd" || (zstdCompressSync !== undefined && createZstdCompress !== undefined);
}

/** In the order of preference; those that this runtime lacks are left out. */
export function codingsOf(options: CompressionOptions): Coding[] {
  return (options.encodings ?? ENCODINGS).filter(hasCoding).map((name) => {
    if (name === "gzip") return gzip(options.gzipLevel ?? GZIP_LEVEL);
    return name === "br" ? br(options.brLevel ?? BR_LEVEL) : zstd(options.zstdLevel ?? ZSTD_LEVEL);
  });
}

function gzip(level: number): Coding {
  return {
    name: "gzip",
    encodeNow: (bytes) => zlib.gzipSync(bytes, { level }),
    open: () => zlib.createGzip({ level }),
    flush: (encoder) => encoder.flush(constants["Z_SYNC_FLUSH"]!),
  };
}

function br(level: number): Coding {
  const options = (length: number): zlib.BrotliOptions => ({
    params: {
      [constants["BROTLI_PARAM_QUALITY"]!]: level,
      ...(length >= 0 && { [constants["BROTLI_PARAM_SIZE_HINT"]!]: length }),
    },
  });
  return {
    name: "br",
    encodeNow: (bytes) => zlib.brotliCompressSync(bytes, options(bytes.length)),
    open: (length) => zlib.createBrotliCompress(options(length)),
    flush: (encoder) => encoder.flush(),
  };
}

function zstd(level: number): Coding {
  const options = { params: { [constants["ZSTD_c_compressionLevel"]!]: level } };
  return {
    name: "zstd",
    encodeNow: (bytes) => zstdCompressSync!(bytes, options),
    open: () => createZstdCompress!(options),
    flush: (encoder) => encoder.flush(),
  };
}
