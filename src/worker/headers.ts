/**
 * Headers with the whole behaviour of the standard class and little cost: a flat list in the order
 * of insertion, checked once, and the lines for the wire kept until something changes. The headers
 * of a request stay as the parser gave them until somebody does more than look one up. Any thread.
 */
import { FIELD, fieldName, fieldValue, type FieldName } from "./header-syntax.ts";
import { isInstance, needArguments, standFor, StandardHeaders, toText } from "./standard.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];
type Pair = [name: string, value: string];
type Callback = (value: string, key: string, parent: Headers) => void;

/** The encoder decides about these: they are not in the lines, and are read with `get`. */
export const FRAMING: number =
  FIELD.contentLength | FIELD.transferEncoding | FIELD.connection | FIELD.keepAlive |
  FIELD.upgrade | FIELD.trailer;

/** The serialised "name: value\r\n" lines, without those in FRAMING; to be written as latin1. */
export let headerLines: (headers: LightHeaders) => string;
/** Which of FIELD are present. */
export let headerFlags: (headers: LightHeaders) => number;
/** Headers over the flat list [name, value, name, value…] of a parsed head, which they keep. */
export let headersFromRaw: (raw: string[]) => LightHeaders;
/** Whether these are headers that began as those of a client: `fetch` adapts them. */
export let isReceived: (value: unknown) => boolean;
/** From now on every change is a TypeError. */
export let freezeHeaders: (headers: LightHeaders) => LightHeaders;
/** A copy that refuses changes if these do, as that of a Response's clone. */
export let cloneHeaders: (headers: LightHeaders) => LightHeaders;

export class LightHeaders implements Headers {
  /** Triples: name in lower case, name as first given, value. Only set-cookie occurs repeatedly. */
  #list: string[] = [];
  #flags = 0;
  #lines: string | null = null;
  #sorted: Pair[] | null = null;
  /** Not null: the list has not been made yet. Pairs: name, value. */
  #raw: string[] | null = null;
  /** They began as those of a client, or as a copy of such. */
  #received = false;
  #frozen = false;

  constructor(init?: HeadersInit) {
    if (init !== undefined) this.#fill(init);
  }

  static {
    headerLines = (headers) => (headers.#lines ??= headers.#serialise());
    headerFlags = (headers) => {
      if (headers.#raw !== null) headers.#parse();
      return headers.#flags;
    };
    headersFromRaw = (raw) => {
      const headers = new LightHeaders();
      headers.#raw = raw;
      headers.#received = true;
      return headers;
    };
    isReceived = (value) =>
      typeof value === "object" && value !== null && #received in value && value.#received;
    freezeHeaders = (headers) => {
      headers.#frozen = true;
      return headers;
    };
    cloneHeaders = (headers) => {
      const clone = new LightHeaders();
      clone.#copy(headers);
      clone.#frozen = headers.#frozen;
      return clone;
    };
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(LightHeaders, StandardHeaders, this, value);
  }

  append(name: string, value: string): void {
    needArguments(arguments.length, 2, "Headers.append");
    const field = fieldName(name);
    const checked = fieldValue(value);
    this.#change();
    this.#append(field, toText(name), checked);
  }

  delete(name: string): void {
    needArguments(arguments.length, 1, "Headers.delete");
    const { lower, flag } = fieldName(name);
    this.#change();
    for (let at = this.#find(lower); at >= 0; at = this.#find(lower)) this.#list.splice(at, 3);
    this.#flags &= ~flag;
  }

  get(name: string): string | null {
    needArguments(arguments.length, 1, "Headers.get");
    const field = fieldName(name);
    if (this.#raw !== null) return getRaw(this.#raw, field);
    const { lower, flag } = field;
    if (flag === FIELD.setCookie) return this.#cookies()?.join(", ") ?? null;
    const at = this.#find(lower);
    return at < 0 ? null : this.#list[at + 2]!;
  }

  has(name: string): boolean {
    needArguments(arguments.length, 1, "Headers.has");
    const field = fieldName(name);
    return this.#raw === null ? this.#find(field.lower) >= 0 : getRaw(this.#raw, field) !== null;
  }

  set(name: string, value: string): void {
    needArguments(arguments.length, 2, "Headers.set");
    const { lower, flag } = fieldName(name);
    const checked = fieldValue(value);
    this.#change();
    const at = this.#find(lower);
    if (at < 0) {
      this.#list.push(lower, toText(name), checked);
      this.#flags |= flag;
      return;
    }
    this.#list[at + 2] = checked;
    if (flag !== FIELD.setCookie) return;
    for (let next = this.#find(lower, at + 3); next >= 0; next = this.#find(lower, at + 3)) {
      this.#list.splice(next, 3);
    }
  }

  getSetCookie(): string[] {
    if (this.#raw !== null) this.#parse();
    return this.#cookies() ?? [];
  }

  forEach(callback: Callback, thisArg?: unknown): void {
    needArguments(arguments.length, 1, "Headers.forEach");
    if (typeof callback !== "function") {
      throw new TypeError("Headers.forEach: the callback is not a function");
    }
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  keys(): HeadersIterator<string> {
    return this.#iterate(([name]) => name);
  }

  values(): HeadersIterator<string> {
    return this.#iterate(([, value]) => value);
  }

  entries(): HeadersIterator<Pair> {
    return this.#iterate(([name, value]) => [name, value]);
  }

  declare [Symbol.iterator]: () => HeadersIterator<Pair>;

  #iterate<T>(pick: (pair: Pair) => T): HeadersIterator<T> {
    // Asked at once, so that another receiver is refused now and not by the first step.
    void this.#list;
    return new HeadersIterator(() => this.#pairs(), pick);
  }

  #fill(init: unknown): void {
    if ((typeof init !== "object" && typeof init !== "function") || init === null) {
      throw new TypeError("Headers: neither a sequence of pairs nor a record of names and values");
    }
    const isPlain = (init as Iterable<unknown>)[Symbol.iterator] === iterateHeaders;
    if (isPlain && #list in init) this.#copy(init);
    else if ((init as Iterable<unknown>)[Symbol.iterator] !== undefined) this.#fillPairs(init);
    else this.#fillRecord(init as Record<string, unknown>);
  }

  #copy(from: LightHeaders): void {
    if (from.#raw !== null) from.#parse();
    this.#list = from.#list.slice();
    this.#flags = from.#flags;
    this.#lines = from.#lines;
    this.#received = from.#received;
  }

  #fillRecord(record: Record<string, unknown>): void {
    // for-in is the fastest way through a literal; what its prototype has is left out.
    for (const name in record) {
      if (Object.hasOwn(record, name)) {
        this.#append(fieldName(name), name, fieldValue(record[name]));
      }
    }
  }

  #fillPairs(pairs: object): void {
    for (const pair of pairs as Iterable<unknown>) {
      if (typeof pair !== "object" || pair === null) {
        throw new TypeError("Headers: an item of the sequence is not a pair");
      }
      const members = [...(pair as Iterable<unknown>)];
      if (members.length !== 2) {
        throw new TypeError("Headers: an item of the sequence has not two members");
      }
      this.#append(fieldName(members[0]), toText(members[0]), fieldValue(members[1]));
    }
  }

  #append({ lower, flag }: FieldName, name: string, value: string): void {
    const at = flag === FIELD.setCookie ? -1 : this.#find(lower);
    if (at < 0) {
      this.#list.push(lower, name, value);
      this.#flags |= flag;
    } else {
      this.#list[at + 2] += (flag === FIELD.cookie ? "; " : ", ") + value;
    }
  }

  #find(lower: string, from = 0): number {
    if (this.#raw !== null) this.#parse();
    const list = this.#list;
    for (let at = from; at < list.length; at += 3) if (list[at] === lower) return at;
    return -1;
  }

  #cookies(): string[] | null {
    if ((this.#flags & FIELD.setCookie) === 0) return null;
    return this.#list.filter((_, at, list) => at % 3 === 2 && list[at - 2] === "set-cookie");
  }

  /** The values of a parsed head are not checked again: the parser has. */
  #parse(): void {
    const raw = this.#raw!;
    this.#raw = null;
    for (let at = 0; at < raw.length; at += 2) {
      const field = fieldName(raw[at]);
      // Of a field with one value the first one counts: see SINGLE_FIELDS.
      if (field.isSingle && this.#find(field.lower) >= 0) continue;
      this.#append(field, raw[at]!, raw[at + 1]!);
    }
  }

  #change(): void {
    if (this.#frozen) throw new TypeError("Headers: immutable");
    if (this.#raw !== null) this.#parse();
    this.#lines = null;
    this.#sorted = null;
  }

  #serialise(): string {
    if (this.#raw !== null) this.#parse();
    const list = this.#list;
    const leaveOut = (this.#flags & FRAMING) !== 0;
    let lines = "";
    for (let at = 0; at < list.length; at += 3) {
      const name = list[at + 1]!;
      if (leaveOut && (fieldName(name).flag & FRAMING) !== 0) continue;
      lines += `${name}: ${list[at + 2]}\r\n`;
    }
    return lines;
  }

  /** "Sort and combine" of the standard, kept until something changes. */
  #pairs(): Pair[] {
    if (this.#raw !== null) this.#parse();
    if (this.#sorted !== null) return this.#sorted;
    const list = this.#list;
    const pairs: Pair[] = [];
    for (let at = 0; at < list.length; at += 3) pairs.push([list[at]!, list[at + 2]!]);
    pairs.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
    return (this.#sorted = pairs);
  }
}

/** Headers that iterate in another way, as a subclass may, are read through that. */
// oxlint-disable-next-line typescript/unbound-method -- only compared
const iterateHeaders: unknown = LightHeaders.prototype.entries;

/** The value of a field in a parsed head, without a list being made for it. */
function getRaw(raw: string[], { lower, flag, isSingle }: FieldName): string | null {
  let found: string | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    if (name.length !== lower.length || name.toLowerCase() !== lower) continue;
    const value = raw[at + 1]!;
    if (isSingle) return value;
    found = found === null ? value : found + (flag === FIELD.cookie ? "; " : ", ") + value;
  }
  return found;
}

const iteratorPrototype: object = Object.getPrototypeOf(
  Object.getPrototypeOf([][Symbol.iterator]()),
);

/** As the standard says, an iterator sees the changes made while it runs. */
class HeadersIterator<T> {
  readonly #pairs: () => Pair[];
  readonly #pick: (pair: Pair) => T;
  #at = 0;

  constructor(pairs: () => Pair[], pick: (pair: Pair) => T) {
    this.#pairs = pairs;
    this.#pick = pick;
  }

  next(): IteratorResult<T, undefined> {
    const pair = this.#pairs()[this.#at];
    if (pair === undefined) return { value: undefined, done: true };
    this.#at++;
    return { value: this.#pick(pair), done: false };
  }

  declare [Symbol.iterator]: () => HeadersIterator<T>;
}

Object.setPrototypeOf(HeadersIterator.prototype, iteratorPrototype);
Object.defineProperty(HeadersIterator.prototype, "next", { enumerable: true });
Reflect.deleteProperty(HeadersIterator.prototype, "constructor");
Object.defineProperty(HeadersIterator.prototype, Symbol.toStringTag, {
  value: "Headers Iterator",
  configurable: true,
});
Object.defineProperty(LightHeaders.prototype, Symbol.iterator, {
  // oxlint-disable-next-line typescript/unbound-method -- it becomes a method again
  value: LightHeaders.prototype.entries,
  writable: true,
  configurable: true,
});
standFor(LightHeaders, StandardHeaders, (headers) => {
  const shown: Record<string, string> = {};
  for (const name of new Set(headers.keys())) shown[name] = headers.get(name)!;
  return shown;
});
