/** Tests of which windows the benchmark keeps when the machine is not its own. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Quiet {
  stolenMs(): number;
  quietest<T>(
    measure: () => Promise<T | null>,
    windowMs: number,
    stolen?: () => number,
    rest?: (ms: number) => Promise<void>,
  ): Promise<T | null>;
}

const { quietest, stolenMs } = await import(
  pathToFileURL(repositoryFile("bench/lib/quiet.mjs")).href
) as Quiet;

/**
 * Measures 1, 2, 3… while as many milliseconds are stolen each time; null: it fails. Which one is
 * kept, how many there were, and how long it rested between them.
 */
async function kept(lost: readonly (number | null)[], windowMs = 1000): Promise<unknown> {
  let stolen = 0;
  let count = 0;
  let rested = 0;
  const measure = async (): Promise<{ count: number } | null> => {
    const each = lost[count++]!;
    stolen += each ?? 0;
    return each === null ? null : { count };
  };
  const rest = async (ms: number): Promise<void> => void (rested += ms);
  const result = await quietest(measure, windowMs, () => stolen, rest);
  return [result?.count ?? null, count, rested];
}

t.test("the first quiet window counts, else the quietest of four", async (t) => {
  t.strictSame(await kept([0]), [1, 1, 0]);
  t.strictSame(await kept([50, 20, 10]), [3, 3, 1500]);
  t.strictSame(await kept([50, 20, 30, 40, 0]), [2, 4, 3500]);
  t.strictSame(await kept([60, 20], 2000), [2, 2, 500], "of two windows twice as much");
});

t.test("what fails is not tried again", async (t) => {
  t.strictSame(await kept([null]), [null, 1, 0]);
  t.strictSame(await kept([50, null]), [1, 2, 500]);
});

t.test("the kernel's count only grows", async (t) => {
  const before = stolenMs();
  t.ok(Number.isFinite(before) && before >= 0 && stolenMs() >= before);
});
