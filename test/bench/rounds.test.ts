/** Tests of the order in which the benchmark measures: who stands beside whom, and how often. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Entry {
  readonly row: { readonly contender: string; readonly isBase: boolean };
}

interface Pair {
  readonly own: Entry;
  readonly ruler: Entry;
}

type Turn = readonly Entry[];

interface Rounds {
  pairsOf(scenario: string, entries: readonly Entry[]): Pair[];
  planRound(
    entries: readonly Entry[], pairs: readonly Pair[], count: number, round: number,
  ): Turn[];
}

const { pairsOf, planRound } = await import(
  pathToFileURL(repositoryFile("bench/lib/rounds.mjs")).href
) as Rounds;

const entry = (contender: string, isBase = false): Entry => ({ row: { contender, isBase } });
const nameOf = ({ row }: Entry): string => row.contender + (row.isBase ? " sync" : "");
const ENTRIES = [entry("epoll"), entry("millrace"), entry("millrace", true), entry("bun")];

function names(scenario: string, entries: readonly Entry[]): string[][] {
  return pairsOf(scenario, entries).map(({ own, ruler }) => [nameOf(own), nameOf(ruler)]);
}

t.test("each bound has its pair, if both rows are there", async (t) => {
  t.same(names("hello", ENTRIES), [["millrace", "epoll"]]);
  t.same(names("async", ENTRIES), [["millrace", "millrace sync"]]);
  t.same(names("hello", ENTRIES.slice(1)), []);
  t.same(names("compressed", ENTRIES), [], "it has no bound");
});

t.test("in every round the pairs, begun in turn; the others in every other one", async (t) => {
  const pairs = pairsOf("hello", ENTRIES);
  const begins = { epoll: 0, millrace: 0 };
  for (let round = 1; round <= 4; round++) {
    const turns = planRound(ENTRIES, pairs, 3, round);
    const paired = turns.filter(({ length }) => length === 2);
    t.equal(paired.length, 3);
    for (const entries of paired) {
      t.same(entries.map(nameOf).toSorted(), ["epoll", "millrace"], "side by side");
      begins[nameOf(entries[0]!) as "epoll" | "millrace"]++;
    }
    const alone = turns.filter(({ length }) => length === 1);
    const each = round % 2 === 1 ? ["bun", "millrace sync"] : [];
    const wanted = each.flatMap((name) => [name, name, name]);
    t.same(alone.map(([entry]) => nameOf(entry!)).toSorted(), wanted, "as often");
  }
  t.same(begins, { epoll: 6, millrace: 6 });
});

t.test("without a bound each is measured alone in every round", async (t) => {
  for (const round of [1, 2]) {
    const turns = planRound(ENTRIES, [], 2, round);
    t.same(turns.map(({ length }) => length), Array(8).fill(1));
  }
});
