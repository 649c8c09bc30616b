/**
 * Short-lived records that all workers of a server share, kept in the primary: what a call of
 * `context.server.records` may be, and what it resolves to. Types only.
 */

/** A table and its limits; those of the latest write count. */
export interface RecordTable {
  readonly name: string;
  /** Beyond it the least recently used go: at first expired ones, then those without an owner. */
  readonly recordsMax: number;
  /** The same, of the bytes that all of them take, roughly. */
  readonly bytesMax: number;
  /** Beyond it the owner's least recently used goes. */
  readonly perOwnerMax: number;
}

export type RecordCall =
  /** Its expiry is `idleMs` from now, unless it ends before. */
  | {
      readonly kind: "read";
      readonly table: string;
      readonly key: string;
      readonly idleMs: number;
    }
  | RecordWrite
  | { readonly kind: "delete"; readonly table: string; readonly key: string }
  | {
      readonly kind: "deleteOwned";
      readonly table: string;
      readonly owner: string;
      /** This one stays. */
      readonly exceptKey?: string;
    };

export interface RecordWrite {
  readonly kind: "write";
  readonly table: RecordTable;
  readonly key: string;
  readonly value: string;
  /** Empty: nobody. Only a new record takes it. */
  readonly owner: string;
  readonly idleMs: number;
  /** From the first write on, however often it is used. */
  readonly lifetimeMs: number;
  /** As it was read; 0: it is to be a new one. */
  readonly version: number;
  /** With a new one: the record that ends in the same step. */
  readonly replacesKey?: string;
}

export interface ReadRecord {
  readonly value: string;
  readonly owner: string;
  readonly version: number;
}

/**
 * `gone`: there is no such record any more. `conflict`: somebody else has written it meanwhile.
 * `full`: there is no place but by putting out owned ones, for which one without an owner is not
 * enough. Only `written` has changed anything.
 */
export type RecordWritten = "conflict" | "full" | "gone" | "written";

/** `read`: the record or null. `write`: what came of it. `delete…`: how many went. */
export type RecordAnswer<Call extends RecordCall = RecordCall> =
  Call extends { kind: "read" } ? ReadRecord | null
  : Call extends { kind: "write" } ? RecordWritten
  : number;
