/**
 * The order of windows. Whatever changes on the machine from one second to the next meets two
 * windows alike only if one comes right behind the other. So a row that has a bound is measured in
 * pairs, itself and what it is held against, which begin in turn; the pairs of a round and the rows
 * that have no bound come in a new random order in each round, each several times.
 */
import { partiesOf, ratioBounds } from "../bounds.mjs";
import { shuffle } from "./statistics.mjs";

/** [{ own, ruler }] of a scenario's entries, one for each bound whose both rows are there. */
export function pairsOf(scenario, entries) {
  const entryOf = (party) => entries.find(({ row }) => (
    row.contender === party.contender && row.isBase === party.isBase
  ));
  return ratioBounds
    .filter((bound) => bound.scenario === scenario)
    .map((bound) => partiesOf(bound))
    .map(({ own, ruler }) => ({ own: entryOf(own), ruler: entryOf(ruler) }))
    .filter(({ own, ruler }) => own !== undefined && ruler !== undefined);
}

/**
 * The turns of a round from 1 on, each the entries that come one right behind the other. `count`:
 * how often each entry is measured in a round. Who is in no pair is compared by far larger
 * differences: its windows come in every other round.
 */
export function planRound(entries, pairs, count, round) {
  const paired = new Set(pairs.flatMap(({ own, ruler }) => [own, ruler]));
  const alone = paired.size === 0 || round % 2 === 1
    ? entries.filter((entry) => !paired.has(entry))
    : [];
  const turns = Array.from({ length: count }, (_, i) => [
    ...pairs.map(({ own, ruler }) => ((round + i) % 2 === 0 ? [own, ruler] : [ruler, own])),
    ...alone.map((entry) => [entry]),
  ]);
  return shuffle(turns.flat());
}
