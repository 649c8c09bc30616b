/**
 * Where sessions are kept, so that all workers know them and each can end them: by default in the
 * server's primary, which outlives workers and reloads. Any thread.
 */
import type { ReadRecord, RecordWrite, RecordWritten, ServerControl } from "../shared/app.ts";
import { checkKnown, checkWhole, wrongOption } from "../shared/option-checks.ts";

/** As `RecordWrite`, of a table that the store knows. */
export type SessionWrite = Omit<RecordWrite, "kind" | "table">;

/** The sessions of a store; each call is one step, whatever other workers do meanwhile. */
export interface SessionTable {
  /** Puts its expiry off to `idleMs` from now, unless its lifetime ends before. */
  read(key: string, idleMs: number): Promise<ReadRecord | null>;
  write(write: SessionWrite): Promise<RecordWritten>;
  delete(key: string): Promise<unknown>;
  /** All of an owner, but that one. Resolves to how many there were. */
  deleteOwned(owner: string, exceptKey?: string): Promise<number>;
}

export interface SessionStore {
  /** Called once for each server. */
  open(server: ServerControl): SessionTable;
}

export interface MemorySessionsOptions {
  /** Stores of one name are one. Default "sessions". */
  readonly name?: string;
  /** Default 10,000. Beyond it those of nobody go first. */
  readonly sessionsMax?: number;
  /** Of all sessions, roughly. Default 16 MiB. */
  readonly bytesMax?: number;
  /** Beyond it a user's session that was not used for longest ends. Default 10. */
  readonly perUserMax?: number;
}

/** Throws a TypeError for options that are none. */
export function memorySessions(options: MemorySessionsOptions = {}): SessionStore {
  checkKnown("memorySessions", options, ["name", "sessionsMax", "bytesMax", "perUserMax"]);
  const { name = "sessions", sessionsMax = 10_000, perUserMax = 10 } = options;
  const { bytesMax = 16 * 1024 * 1024 } = options;
  for (const [member, value] of Object.entries({ sessionsMax, perUserMax, bytesMax })) {
    checkWhole("memorySessions", member, value, 1);
  }
  if (typeof name !== "string" || name === "") {
    throw wrongOption("memorySessions: name is a string that is not empty");
  }
  const table = { name, recordsMax: sessionsMax, perOwnerMax: perUserMax, bytesMax };
  return {
    open: (server) => ({
      read: (key, idleMs) => server.records({ kind: "read", table: name, key, idleMs }),
      write: (write) => server.records({ kind: "write", table, ...write }),
      delete: (key) => server.records({ kind: "delete", table: name, key }),
      deleteOwned: (owner, exceptKey) => server.records({
        kind: "deleteOwned", table: name, owner, ...(exceptKey !== undefined && { exceptKey }),
      }),
    }),
  };
}
