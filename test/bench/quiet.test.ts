/** Tests of which windows the benchmark keeps when the machine is not its own. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Quiet {
  stolenMs(): number;
  quietest<T>(
    measure: () => Promise<T | null>, windowMs: number, stolen?: () => number,
  ): Promise<T | null>;
}

const { quietest, stolenMs } = await import(
  pathToFileURL(repositoryFile("bench/lib/quiet.mjs")).href
) as Quiet;

/** Measures 1, 2, 3… while as many milliseconds are stolen each time; null: it fails. */
async function kept(lost: readonly (number | null)[], windowMs = 1000): Promise<unknown> {
  let stolen = 0;
  let count = 0;
  const measure = async (): Promise<{ count: number } | null> => {
    const each = lost[count++]!;
    stolen += each ?? 0;
    return each === null ? null : { count };
  };
  const result = await quietest(measure, windowMs, () => stolen);
  return [result?.count ?? null, count];
}

t.test("the first quiet window counts, else the quietest of four", async (t) => {
  t.strictSame(await kept([0]), [1, 1]);
  t.strictSame(await kept([50, 20, 10]), [3, 3]);
  t.strictSame(await kept([50, 20, 30, 40, 0]), [2, 4]);
  t.strictSame(await kept([60, 20], 2000), [2, 2], "of two windows twice as much");
});

t.test("what fails is not tried again", async (t) => {
  t.strictSame(await kept([null]), [null, 1]);
  t.strictSame(await kept([50, null]), [1, 2]);
});

t.test("the kernel's count only grows", async (t) => {
  const before = stolenMs();
  t.ok(Number.isFinite(before) && before >= 0 && stolenMs() >= before);
});
