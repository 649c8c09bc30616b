/**
 * Tables of short-lived records that the workers share, such as sessions: each call is one step
 * here, so that no two workers see one half done. Bounded whatever is written: a flood of records
 * without an owner puts out only its own kind. Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";
import type {
  ReadRecord, RecordAnswer, RecordCall, RecordTable, RecordWrite, RecordWritten,
} from "../shared/records.ts";

export const TABLES_MAX = 256;
/** What a record takes beside its texts, roughly. */
const RECORD_BYTES = 256;
/** Expired ones that a call removes: more than it can add, so that they run out. */
const SWEEP_MAX = 4;

interface KeptRecord {
  readonly key: string;
  readonly owner: string;
  readonly endsAt: number;
  value: string;
  version: number;
  expiresAt: number;
  bytes: number;
}

export class Records {
  readonly #tables = new Map<string, Table>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that never jumps. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Throws ERR_MILLRACE_RECORDS. */
  call<Call extends RecordCall>(call: Call): RecordAnswer<Call> {
    return this.#call(call) as RecordAnswer<Call>;
  }

  #call(call: RecordCall): RecordAnswer {
    const now = this.#now();
    if (call.kind === "write") return this.#tableOf(call.table).write(call, now);
    const table = this.#tables.get(call.table);
    switch (call.kind) {
      case "read":
        return table?.read(call.key, call.idleMs, now) ?? null;
      case "delete":
        return table?.delete(call.key, now) ?? 0;
      case "deleteOwned":
        return table?.deleteOwned(call.owner, call.exceptKey, now) ?? 0;
    }
  }

  #tableOf(given: RecordTable): Table {
    const { name, recordsMax, bytesMax, perOwnerMax } = given;
    let table = this.#tables.get(name);
    if (table === undefined) {
      if (this.#tables.size >= TABLES_MAX) {
        throw new MillraceError("ERR_MILLRACE_RECORDS", `There are ${TABLES_MAX} tables already`);
      }
      this.#tables.set(name, (table = new Table()));
    }
    table.limits = { recordsMax, bytesMax, perOwnerMax };
    return table;
  }
}

/** In the order of their last use, the latest last. */
interface Kind {
  readonly records: Map<string, KeptRecord>;
  bytes: number;
}

class Table {
  limits = { recordsMax: 0, bytesMax: 0, perOwnerMax: 0 };
  readonly #visitors: Kind = { records: new Map(), bytes: 0 };
  readonly #owned: Kind = { records: new Map(), bytes: 0 };
  /** Keys by owner, in the order of their last use. */
  readonly #byOwner = new Map<string, Set<string>>();

  read(key: string, idleMs: number, now: number): ReadRecord | null {
    this.#sweep(now);
    const record = this.#find(key, now);
    if (record === undefined) return null;
    this.#touch(record, idleMs, now);
    const { value, owner, version } = record;
    return { value, owner, version };
  }

  write(call: RecordWrite, now: number): RecordWritten {
    this.#sweep(now);
    const record = this.#find(call.key, now);
    if (call.version === 0) return record === undefined ? this.#add(call, now) : "conflict";
    if (record === undefined) return "gone";
    if (record.version !== call.version) return "conflict";
    const more = bytesOf(call) - record.bytes;
    if (!this.#hasRoom(record, more, 0)) return "full";
    record.value = call.value;
    record.version++;
    this.#touch(record, call.idleMs, now); // so that it is the last one to go
    this.#makeRoom(record, more, 0);
    record.bytes += more;
    this.#kindOf(record).bytes += more;
    return "written";
  }

  delete(key: string, now: number): number {
    const record = this.#find(key, now);
    if (record === undefined) return 0;
    this.#remove(record);
    return 1;
  }

  deleteOwned(owner: string, exceptKey: string | undefined, now: number): number {
    let count = 0;
    for (const key of this.#byOwner.get(owner) ?? []) {
      if (key !== exceptKey) count += this.delete(key, now);
    }
    return count;
  }

  #add(call: RecordWrite, now: number): RecordWritten {
    const { key, owner, value, idleMs, lifetimeMs, replacesKey } = call;
    const bytes = bytesOf(call);
    const record: KeptRecord = {
      key, owner, value, bytes, version: 1, endsAt: now + lifetimeMs, expiresAt: 0,
    };
    if (!this.#hasRoom(record, bytes, 1)) return "full";
    if (replacesKey !== undefined) this.delete(replacesKey, now);
    if (owner !== "") this.#makeRoomOf(owner);
    this.#makeRoom(record, bytes, 1);
    this.#kindOf(record).bytes += bytes;
    if (owner !== "" && !this.#byOwner.has(owner)) this.#byOwner.set(owner, new Set());
    this.#touch(record, idleMs, now);
    return "written";
  }

  #makeRoomOf(owner: string): void {
    const keys = this.#byOwner.get(owner);
    if (keys === undefined || keys.size < this.limits.perOwnerMax) return;
    const [oldest] = keys;
    this.#remove(this.#owned.records.get(oldest!)!);
  }

  #kindOf({ owner }: { readonly owner: string }): Kind {
    return owner === "" ? this.#visitors : this.#owned;
  }

  /** Whether there can be room beside those that it may not put out. */
  #hasRoom(record: KeptRecord, more: number, count: number): boolean {
    const { recordsMax, bytesMax } = this.limits;
    const own = count === 0 ? record.bytes : 0;
    if (record.owner !== "") return own + more <= bytesMax && recordsMax > 0;
    const kept = this.#owned;
    return kept.bytes + own + more <= bytesMax && kept.records.size + 1 <= recordsMax;
  }

  #makeRoom(record: KeptRecord, more: number, count: number): void {
    const kinds = record.owner === "" ? [this.#visitors] : [this.#visitors, this.#owned];
    for (const { records } of kinds) {
      for (const each of records.values()) {
        if (!this.#isFull(more, count)) return;
        if (each !== record) this.#remove(each);
      }
    }
  }

  #isFull(more: number, count: number): boolean {
    const { recordsMax, bytesMax } = this.limits;
    const bytes = this.#visitors.bytes + this.#owned.bytes;
    const size = this.#visitors.records.size + this.#owned.records.size;
    return bytes + more > bytesMax || size + count > recordsMax;
  }

  #find(key: string, now: number): KeptRecord | undefined {
    const record = this.#owned.records.get(key) ?? this.#visitors.records.get(key);
    if (record === undefined || record.expiresAt > now) return record;
    this.#remove(record);
    return undefined;
  }

  #touch(record: KeptRecord, idleMs: number, now: number): void {
    const { key, owner, endsAt } = record;
    record.expiresAt = Math.min(now + idleMs, endsAt);
    const { records } = this.#kindOf(record);
    records.delete(key);
    records.set(key, record);
    const keys = this.#byOwner.get(owner);
    keys?.delete(key);
    keys?.add(key);
  }

  #remove(record: KeptRecord): void {
    const { key, owner, bytes } = record;
    const kind = this.#kindOf(record);
    kind.records.delete(key);
    kind.bytes -= bytes;
    const keys = this.#byOwner.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#byOwner.delete(owner);
  }

  /** The least recently used expire first, but for those whose lifetime ends before. */
  #sweep(now: number): void {
    for (const { records } of [this.#visitors, this.#owned]) {
      let left = SWEEP_MAX;
      for (const record of records.values()) {
        if (left-- === 0 || record.expiresAt > now) break;
        this.#remove(record);
      }
    }
  }
}

/** Of strings of one byte a character, as base64url and most JSON are. */
function bytesOf({ key, owner, value }: Pick<RecordWrite, "key" | "owner" | "value">): number {
  return RECORD_BYTES + key.length + owner.length + value.length * 2;
}
