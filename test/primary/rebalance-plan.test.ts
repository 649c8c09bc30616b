/** Tests of who gives connections to whom, look by look. */
import t from "tap";
import {
  planMoves, REST_LOOKS, REST_LOOKS_MAX, RebalancePlan,
} from "../../src/primary/rebalance-plan.ts";
import type { Move, WorkerLoad } from "../../src/primary/rebalance-plan.ts";

function plan(...loads: [share: number, connections: number][]): [number, number, number][] {
  const moves = planMoves(loads.map(([share, connections], worker) => (
    { worker, share, connections }
  )));
  return moves.map(({ from, to, count }) => [from, to, count]);
}

t.test("the difference is shared out", (t) => {
  t.strictSame(plan([1, 64], [0, 0]), [[0, 1, 32]]);
  t.strictSame(plan([0.2, 7], [0.8, 40]), [[1, 0, 15]]);
  t.strictSame(plan([1, 10], [0.9, 10], [0.1, 10], [0, 10]), [[0, 3, 5], [1, 2, 4]]);
  t.strictSame(plan([1, 10], [0.7, 99], [0.6, 10]), [[0, 2, 2]], "the one between is left alone");
  t.end();
});

t.test("nothing moves without a clear reason", (t) => {
  for (const loads of [
    [], [[1, 64]], [[1, 64], [0.8, 0]], [[0.49, 64], [0, 0]], [[1, 1], [0, 0]], [[1, 0], [0, 0]],
    [[0.75, 30], [0.51, 1]],
  ] as [number, number][][]) t.strictSame(plan(...loads), [], JSON.stringify(loads));
  t.end();
});

t.test("what a plan comes to leaves no reason for another", (t) => {
  const wrong: number[][] = [];
  for (let share = 50; share <= 100; share++) {
    for (let other = 0; other < share; other++) {
      for (const connections of [2, 3, 10, 64, 1000]) {
        const [move] = plan([share / 100, connections], [other / 100, 20]);
        if (move === undefined) continue;
        const cost = share / 100 / connections;
        const left = share / 100 - move[2] * cost;
        const got = other / 100 + move[2] * cost;
        if (move[2] >= connections || got - left > cost + 1e-9) wrong.push([share, other]);
      }
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

interface Worker {
  readonly name: string;
}

const A: Worker = { name: "a" };
const B: Worker = { name: "b" };

function loads(shareOfA: number, shareOfB: number): WorkerLoad<Worker>[] {
  return [
    { worker: A, connections: 10, share: shareOfA },
    { worker: B, connections: 10, share: shareOfB },
  ];
}

/** Looks with the same loads until there is a move; returns how many that took. */
function looksUntilMove(
  plan: RebalancePlan<Worker>,
  seen: readonly WorkerLoad<Worker>[],
): [number, Move<Worker>] {
  for (let looks = 1; looks < 1000; looks++) {
    const [move] = plan.look(seen);
    if (move !== undefined) return [looks, move];
  }
  throw new Error("no move in 1000 looks");
}

t.test("it takes two busy looks in a row", (t) => {
  const plan = new RebalancePlan<Worker>();
  for (let i = 0; i < 10; i++) t.strictSame(plan.look(loads(i % 2, 0)), [], "every other one");
  plan.look(loads(0, 0));
  t.strictSame(plan.look(loads(1, 0)), []);
  t.strictSame(plan.look(loads(1, 0)), [{ from: A, to: B, count: 5 }]);
  t.end();
});

t.test("both rest after a move, and nothing happens until it is reported", (t) => {
  const plan = new RebalancePlan<Worker>();
  const [, move] = looksUntilMove(plan, loads(1, 0));
  for (let i = 0; i < 100; i++) t.strictSame(plan.look(loads(1, 0)), []);
  plan.moved(move, 5);
  const [looks] = looksUntilMove(plan, loads(1, 0));
  t.equal(looks, REST_LOOKS);
  t.end();
});

for (const [what, given] of [["takes back the one before", 5], ["finds nothing", 0]] as const) {
  t.test(`a move that ${what} makes the next ones rarer, up to a bound`, (t) => {
    const plan = new RebalancePlan<Worker>();
    const pauses: number[] = [];
    for (let i = 0; i < 10; i++) {
      const isBack = given > 0 && i % 2 === 1;
      const [looks, move] = looksUntilMove(plan, isBack ? loads(0, 1) : loads(1, 0));
      pauses.push(looks);
      plan.moved(move, given);
    }
    const [, first, ...rest] = pauses;
    t.equal(first, given > 0 ? REST_LOOKS : REST_LOOKS * 2);
    let last = first!;
    for (const pause of rest) {
      t.equal(pause, Math.min(last * 2, REST_LOOKS_MAX));
      last = pause;
    }
    t.end();
  });
}

t.test("after a quiet time a move is as quick as the first", (t) => {
  const plan = new RebalancePlan<Worker>();
  for (let i = 0; i < 6; i++) {
    const [, move] = looksUntilMove(plan, loads(1, 0));
    plan.moved(move, 0);
  }
  for (let i = 0; i < REST_LOOKS_MAX + 1; i++) plan.look(loads(0.3, 0.3));
  t.equal(looksUntilMove(plan, loads(1, 0))[0], 2);
  t.end();
});
