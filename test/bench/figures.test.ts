/** Tests of what the benchmark makes of its samples: ratios, and what became of the bounds. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Row {
  readonly contender: string;
  readonly isBase: boolean;
  readonly title: string;
  readonly failure: string | null;
  readonly samples: readonly object[];
}

interface Verdict {
  readonly title: string;
  readonly measured: string | null;
  readonly isReached: boolean | null;
}

interface Figures {
  ratio(row: Row, other: Row): { value: number; low: number; high: number } | null;
  verdicts(scenarios: readonly object[]): Verdict[];
}

const { ratio, verdicts } = await import(
  pathToFileURL(repositoryFile("bench/lib/figures.mjs")).href
) as Figures;

function row(contender: string, cpu: readonly number[], more: Partial<Row> = {}): Row {
  const samples = cpu.map((cpuUs, at) => ({ round: 1 + (at >> 1), cpuUs }));
  return { contender, isBase: false, title: contender, failure: null, samples, ...more };
}

t.test("of the windows of a round the least counts, of the rounds the median", async (t) => {
  // A neighbour took part in most windows of one of them.
  const ruler = row("epoll", [4, 4, 8, 5, 4, 9]);
  const own = row("millrace", [4.4, 8.8, 12, 6, 12, 5.6]);
  const { value, low, high } = ratio(own, ruler)!;
  t.ok(Math.abs(value - 1.2) < 1e-9, `${value}`);
  t.ok(Math.abs(low - 1.1) < 1e-9 && Math.abs(high - 1.4) < 1e-9, `${low} to ${high}`);
});

t.test("only rounds with both count", async (t) => {
  const own = row("millrace", [6, 6, 9, 9]);
  t.same(ratio(own, row("epoll", [6, 6])), { value: 1, low: 1, high: 1 });
  t.equal(ratio(row("millrace", []), row("epoll", [1])), null);
  t.equal(ratio(row("millrace", [1], { failure: "no" }), row("epoll", [1])), null);
});

t.test("a bound is held against what its row is measured with", async (t) => {
  const scenario = (cpu: readonly number[]): object => {
    const rows = [row("epoll", [4, 4, 4, 4]), row("bun", [9, 9, 9, 9]), row("millrace", cpu)];
    return { name: "hello", title: "hello", tools: { wrk: rows } };
  };
  const [reached] = verdicts([scenario([4.4, 9, 9, 4.4])]);
  t.match(reached, { title: "hello", measured: "1.10", isReached: true });
  const [passed] = verdicts([scenario([5, 5, 5, 5])]);
  t.match(passed, { measured: "1.25", isReached: false });
});

t.test("the memory of long bodies is bounded by the window that took the most", async (t) => {
  const verdict = (...growth: readonly number[]): Verdict | undefined => {
    const samples = growth.map((mib) => ({ round: 1, cpuUs: 1, growthBytes: mib * 2 ** 20 }));
    const rows = [row("millrace", [], { samples }), row("node-http", [1])];
    return verdicts([{ name: "upload", title: "in", tools: { bulk: rows } }])
      .find(({ title }) => title === "in: growth of the process");
  };
  t.match(verdict(40, 96, 8), { measured: "96 MiB", isReached: true });
  t.match(verdict(40, 97, 8), { measured: "97 MiB", isReached: false });
  t.match(verdict(), { measured: null, isReached: null });
});
