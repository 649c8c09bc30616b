/**
 * Token buckets by key in a block of shared memory of fixed size: who takes a token asks nobody,
 * whichever worker it is. A bucket is the time at which it is full again (the generic cell rate
 * algorithm): one word, so taking is one compare-and-exchange.
 *
 * A key has one of the eight places of its set. One whose bucket is full again is as good as free,
 * so giving it away loses nothing. If none is, as in a flood of keys, the fullest bucket makes way:
 * whoever has taken most stays counted. No place is ever locked, since a thread may end anywhere.
 *
 * The catch: while a place changes hands, a token that another thread takes there at that moment is
 * counted for the new key, or not at all. Any thread: each load is the partner of the
 * compare-and-exchange of the same word in the `#claim` or `#takeAt` of the others; of the words of
 * the secret, in `secretOf`.
 */
import { createHmac, randomFillSync } from "node:crypto";

export interface BucketRules {
  /** How many tokens come in `windowMs`; at most 1000 a millisecond. */
  readonly limit: number;
  readonly windowMs: number;
  /** How many a full bucket holds. */
  readonly burst: number;
}

export interface Taken {
  readonly isAllowed: boolean;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Milliseconds until the bucket is full. */
  readonly fullMs: number;
  /** Milliseconds until as many tokens are there as were asked for; 0: they were. */
  readonly retryMs: number;
}

const WAYS = 8;
/** The words of the key under which the keys are hashed, so that no peer can choose its set. */
const SECRET_WORDS = 8;
/** A place can be lost to another thread between finding and taking it, but not for ever. */
const ATTEMPTS_MAX = 64;
const NS_PER_MS = 1e6;

export class TokenBuckets {
  readonly #tags: Int32Array;
  /** When the bucket of each place is full again, in nanoseconds of the monotonic clock. */
  readonly #fullAt: BigInt64Array;
  readonly #sets: number;
  readonly #secret: Buffer;
  readonly #tokenNs: number;
  readonly #burstNs: number;
  readonly #now: () => number;

  /** `now`: nanoseconds of a clock that never jumps and that all threads have. */
  constructor(
    memory: SharedArrayBuffer,
    { limit, windowMs, burst }: BucketRules,
    now: () => number = monotonicNs,
  ) {
    const places = placesIn(memory.byteLength);
    this.#secret = secretOf(new Int32Array(memory, 0, SECRET_WORDS));
    const tagsAt = SECRET_WORDS * Int32Array.BYTES_PER_ELEMENT;
    this.#tags = new Int32Array(memory, tagsAt, places);
    this.#fullAt = new BigInt64Array(memory, tagsAt + this.#tags.byteLength, places);
    this.#sets = places / WAYS;
    this.#tokenNs = Math.floor((windowMs * NS_PER_MS) / limit);
    this.#burstNs = this.#tokenNs * burst;
    this.#now = now;
  }

  /** `cost` is at most what a full bucket holds. */
  take(key: string, cost: number = 1): Taken {
    const digest = createHmac("sha256", this.#secret).update(key).digest();
    const first = (digest.readUInt32LE(0) % this.#sets) * WAYS;
    const tag = digest.readInt32LE(4) || 1; // 0 is nobody's
    const home = digest[8]! % WAYS;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const now = this.#now();
      const place = this.#find(first, home, tag) ?? this.#claim(first, home, tag, now);
      if (place === null) continue;
      const taken = this.#takeAt(place, tag, cost, now);
      if (taken !== null) return taken;
    }
    // As many threads would have to be faster as often: whatever this is, it is no slow visitor.
    const retryMs = this.#tokenNs / NS_PER_MS;
    return { isAllowed: false, remaining: 0, fullMs: this.#burstNs / NS_PER_MS, retryMs };
  }

  #find(first: number, home: number, tag: number): number | null {
    for (let way = 0; way < WAYS; way++) {
      const place = first + ((home + way) % WAYS);
      if (Atomics.load(this.#tags, place) === tag) return place;
    }
    return null;
  }

  /**
   * Null: another thread was faster. If it came with the same key, its place is the key's: whoever
   * takes a token tags the place first, so a time that is seen here comes with its tag.
   */
  #claim(first: number, home: number, tag: number, now: number): number | null {
    const nowNs = BigInt(Math.floor(now));
    let place = first;
    let found = -1n;
    for (let way = 0; way < WAYS; way++) {
      const each = first + ((home + way) % WAYS);
      const fullAt = Atomics.load(this.#fullAt, each);
      if (Atomics.load(this.#tags, each) === tag) return each;
      if (found >= 0n && fullAt >= found) continue;
      place = each;
      found = fullAt;
      if (fullAt <= nowNs) break; // it is full: nothing is lost
    }
    const before = Atomics.load(this.#tags, place);
    if (Atomics.compareExchange(this.#tags, place, before, tag) !== before) return null;
    // Who comes anew owes nothing. If it fails, somebody has just taken a token there.
    if (found > nowNs) Atomics.compareExchange(this.#fullAt, place, found, nowNs);
    return place;
  }

  /** Null: the place belongs to another key by now, or its bucket was changed meanwhile. */
  #takeAt(place: number, tag: number, cost: number, now: number): Taken | null {
    const before = Atomics.load(this.#fullAt, place);
    if (Atomics.load(this.#tags, place) !== tag) return null;
    const owed = Math.max(Number(before) - now, 0);
    const after = owed + this.#tokenNs * cost;
    if (after > this.#burstNs) return this.#taken(false, owed, after - this.#burstNs);
    const fullAt = BigInt(Math.floor(now + after));
    if (Atomics.compareExchange(this.#fullAt, place, before, fullAt) !== before) return null;
    return this.#taken(true, after, 0);
  }

  #taken(isAllowed: boolean, owedNs: number, retryNs: number): Taken {
    const remaining = Math.max(Math.floor((this.#burstNs - owedNs) / this.#tokenNs), 0);
    return { isAllowed, remaining, fullMs: owedNs / NS_PER_MS, retryMs: retryNs / NS_PER_MS };
  }
}

/** How long a block for at least so many keys is. */
export function bucketBytes(keys: number): number {
  const places = Math.max(Math.ceil(keys / WAYS), 1) * WAYS;
  const perPlace = Int32Array.BYTES_PER_ELEMENT + BigInt64Array.BYTES_PER_ELEMENT;
  return SECRET_WORDS * Int32Array.BYTES_PER_ELEMENT + places * perPlace;
}

function placesIn(byteLength: number): number {
  const perPlace = Int32Array.BYTES_PER_ELEMENT + BigInt64Array.BYTES_PER_ELEMENT;
  return (byteLength - SECRET_WORDS * Int32Array.BYTES_PER_ELEMENT) / perPlace;
}

/** Word for word that of the thread which was first: all of them then read the same. */
function secretOf(words: Int32Array): Buffer {
  const random = randomFillSync(new Int32Array(SECRET_WORDS));
  for (let i = 0; i < SECRET_WORDS; i++) Atomics.compareExchange(words, i, 0, random[i]! || 1);
  const secret = Buffer.alloc(words.byteLength);
  for (let i = 0; i < SECRET_WORDS; i++) secret.writeInt32LE(Atomics.load(words, i), i * 4);
  return secret;
}

function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
