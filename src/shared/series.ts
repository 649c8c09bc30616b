/**
 * The table of one worker's HTTP metrics: shared memory that the worker adds to and the primary
 * reads whenever it wants to, also while the worker is stuck and after it has died. A row is a set
 * of attribute values with its histograms; names and bounds are those of OpenTelemetry.
 *
 * One writer, the worker's thread; the words are aligned doubles, which this platform stores
 * whole. A reader may see a request in one word and not yet in another; the next look has both.
 * Pure, both threads.
 */

/** Upper bounds in seconds of `http.server.request.duration`, from the semantic conventions. */
export const DURATION_BOUNDS: readonly number[] =
  [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Upper bounds in bytes of body sizes; the conventions name none. 1 KiB to 256 MiB. */
export const SIZE_BOUNDS: readonly number[] = Array.from({ length: 7 }, (_, i) => 1024 * 8 ** i);

/** The methods that an attribute names; any other is `_OTHER`, so that clients cannot add more. */
export const KNOWN_METHODS: readonly string[] = [
  "_OTHER", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];
const METHODS = KNOWN_METHODS.length;

/** Rows of a table. The first one takes what comes when all others are in use. */
export const SERIES_MAX = 4096;

// A row: its key, then three histograms, each with its sum before the counts of its buckets.
export const ROW_KEY = 0;
export const ROW_DURATION = 1;
export const ROW_REQUEST_SIZE: number = ROW_DURATION + 2 + DURATION_BOUNDS.length;
export const ROW_RESPONSE_SIZE: number = ROW_REQUEST_SIZE + 2 + SIZE_BOUNDS.length;
export const ROW_WORDS: number = ROW_RESPONSE_SIZE + 2 + SIZE_BOUNDS.length;

/** Before the rows: requests in work by method, without TLS and with it. */
export const ACTIVE_WORDS: number = 2 * METHODS;
const TABLE_BYTES = 8 * (ACTIVE_WORDS + SERIES_MAX * ROW_WORDS);

/** The key of the first row. */
export const OVERFLOW_KEY = -1;

export interface SeriesKey {
  /** Its place in the worker's list of routes; -1: none. */
  readonly route: number;
  /** Its place in KNOWN_METHODS. */
  readonly method: number;
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly isHttp10: boolean;
  readonly isTls: boolean;
}

/** One number for all attributes; never 0, which is an unused row. */
export function packKey(
  route: number,
  method: number,
  status: number,
  isHttp10: boolean,
  isTls: boolean,
): number {
  const rest = ((method * 2 + (isHttp10 ? 1 : 0)) * 2 + (isTls ? 1 : 0)) * 1024 + status + 1;
  return (route + 1) * (METHODS * 4096) + rest;
}

export function unpackKey(key: number): SeriesKey {
  const route = Math.floor((key - 1) / (METHODS * 4096)) - 1;
  const rest = (key - 1) % (METHODS * 4096);
  const bits = Math.floor(rest / 1024);
  return {
    route,
    method: bits >> 2,
    status: rest % 1024,
    isHttp10: (bits & 2) !== 0,
    isTls: (bits & 1) !== 0,
  };
}

export function methodIndex(method: string): number {
  return Math.max(KNOWN_METHODS.indexOf(method), 0);
}

export function rowAt(index: number): number {
  return ACTIVE_WORDS + index * ROW_WORDS;
}

export function makeTable(): SharedArrayBuffer {
  return new SharedArrayBuffer(TABLE_BYTES);
}
