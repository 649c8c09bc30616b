/** Tests of records that workers share: steps, expiry, limits under a flood. */
import t from "tap";
import { Records, TABLES_MAX } from "../../src/primary/records.ts";
import type { RecordTable, RecordWrite } from "../../src/shared/records.ts";

const TABLE: RecordTable = { name: "t", recordsMax: 4, bytesMax: 100_000, perOwnerMax: 2 };

interface Kept {
  now: number;
  readonly records: Records;
  write(key: string, parts?: Partial<RecordWrite>): string;
  read(key: string): string | null;
}

function make(): Kept {
  const kept: Kept = {
    now: 1000,
    records: new Records(() => kept.now),
    write: (key, parts = {}) => kept.records.call({
      kind: "write", table: TABLE, key, value: `of ${key}`, owner: "", idleMs: 100,
      lifetimeMs: 1000, version: 0, ...parts,
    }),
    read: (key) => kept.records.call({ kind: "read", table: "t", key, idleMs: 100 })?.value ?? null,
  };
  return kept;
}

t.test("a record is written once for each version", (t) => {
  const { write, read, records } = make();
  t.equal(read("a"), null);
  t.equal(write("a", { owner: "o" }), "written");
  t.equal(write("a"), "conflict", "there is one already");
  t.strictSame(records.call({ kind: "read", table: "t", key: "a", idleMs: 100 }), {
    value: "of a", owner: "o", version: 1,
  });
  t.equal(write("a", { version: 1, value: "second", owner: "o" }), "written");
  t.equal(write("a", { version: 1, value: "late", owner: "o" }), "conflict");
  t.equal(read("a"), "second");
  t.equal(records.call({ kind: "delete", table: "t", key: "a" }), 1);
  t.equal(records.call({ kind: "delete", table: "t", key: "a" }), 0);
  t.equal(write("a", { version: 2, owner: "o" }), "gone", "no write brings it back");
  t.equal(read("a"), null);
  t.equal(records.call({ kind: "delete", table: "none", key: "a" }), 0);
  t.end();
});

t.test("use puts the expiry off, but not beyond the lifetime", (t) => {
  const kept = make();
  kept.write("a", { lifetimeMs: 250 });
  for (const [now, value] of [[1099, "of a"], [1198, "of a"], [1249, "of a"], [1250, null]]) {
    kept.now = now as number;
    t.equal(kept.read("a"), value, String(now));
  }
  kept.write("b");
  kept.now += 100;
  t.equal(kept.read("b"), null, "unused for too long");
  kept.write("c");
  kept.now += 100;
  t.equal(kept.write("c", { version: 1 }), "gone");
  t.equal(kept.write("c"), "written");
  t.end();
});

t.test("a new record takes the place of another in one step", (t) => {
  const { write, read } = make();
  write("visitor");
  t.equal(write("known", { owner: "o", replacesKey: "visitor" }), "written");
  t.strictSame([read("visitor"), read("known")], [null, "of known"]);
  t.end();
});

t.test("of one owner", (t) => {
  const { write, read, records } = make();
  for (const key of ["a", "b"]) write(key, { owner: "o" });
  read("a");
  write("c", { owner: "o" });
  t.strictSame([read("a"), read("b"), read("c")], ["of a", null, "of c"], "the one unused longest");
  write("other", { owner: "p" });
  const call = { kind: "deleteOwned", table: "t", owner: "o" } as const;
  t.equal(records.call({ ...call, exceptKey: "c" }), 1);
  t.strictSame([read("a"), read("c")], [null, "of c"]);
  t.equal(records.call(call), 1);
  t.equal(records.call(call), 0);
  t.equal(read("other"), "of other");
  t.end();
});

t.test("a flood of records without owners puts out only its own kind", (t) => {
  const { write, read } = make();
  for (const owner of ["o", "p", "q"]) write(owner, { owner });
  for (let i = 0; i < 10_000; i++) write(`v${i}`);
  t.strictSame(["o", "p", "q", "v9998", "v9999"].map((key) => read(key)),
    ["of o", "of p", "of q", null, "of v9999"]);
  t.equal(write("r", { owner: "r" }), "written");
  t.equal(read("v9999"), null, "and makes room for who has an owner");
  t.equal(write("v"), "full");
  t.equal(write("s", { owner: "s" }), "written", "of many owners the one unused longest goes");
  t.equal(read("o"), null);
  t.end();
});

t.test("bytes have an end, too", (t) => {
  const { write, read } = make();
  const big = "x".repeat(24_000);
  t.equal(write("a", { owner: "o", value: big }), "written");
  t.equal(write("b", { value: big }), "written");
  t.equal(write("c", { value: big }), "written");
  t.strictSame([read("a")?.length, read("b"), read("c")?.length], [24_000, null, 24_000]);
  t.equal(write("d", { value: "x".repeat(50_000) }), "full");
  t.equal(read("c")?.length, 24_000, "what is refused puts nothing out");
  t.equal(write("a", { owner: "o", version: 1, value: "x".repeat(49_000) }), "written");
  t.equal(read("c"), null);
  t.equal(write("a", { owner: "o", version: 2, value: "x".repeat(50_000) }), "full");
  t.equal(read("a")?.length, 49_000);
  t.end();
});

t.test("tables have an end", (t) => {
  const { write, records } = make();
  for (let i = 0; i < TABLES_MAX; i++) write("a", { table: { ...TABLE, name: `table ${i}` } });
  t.throws(() => write("a"), { code: "ERR_MILLRACE_RECORDS" });
  t.equal(records.call({ kind: "read", table: "table 0", key: "a", idleMs: 1 })?.version, 1);
  t.end();
});
