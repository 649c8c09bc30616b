/**
 * Which workers should give connections to which, from how busy they were between two looks. Pure:
 * it knows workers as keys, and time as looks.
 *
 * So that connections do not go to and fro: a worker must be too busy in two looks in a row, both
 * sides rest after a move, so that the next look sees what it came to, and rest twice as long if
 * the move took back an earlier one or found nothing to give.
 */

/** A worker below this share has time enough, whatever the others have. */
const BUSY_SHARE = 0.5;
/** Shares must lie this far apart: less is noise, or not worth a move. */
const CLEAR_DIFFERENCE = 0.25;
/** Looks in a row in which a worker was too busy. */
const STREAK = 2;
/** Looks after a move in which its workers are left alone. */
export const REST_LOOKS = 3;
export const REST_LOOKS_MAX = 64;

export interface WorkerLoad<Worker> {
  readonly worker: Worker;
  readonly connections: number;
  /** Of the time since the look before, 0 to 1. */
  readonly share: number;
}

export interface Move<Worker> {
  readonly from: Worker;
  readonly to: Worker;
  readonly count: number;
}

/**
 * Who should give how many, as if each connection of a worker cost the same: the busiest to the
 * least busy, the next to the next, as long as the difference is clear.
 */
export function planMoves<Worker>(loads: readonly WorkerLoad<Worker>[]): Move<Worker>[] {
  const sorted = loads.toSorted((a, b) => b.share - a.share);
  const moves: Move<Worker>[] = [];
  for (let i = 0; i < Math.floor(sorted.length / 2); i++) {
    const from = sorted[i]!;
    const to = sorted[sorted.length - 1 - i]!;
    const difference = from.share - to.share;
    if (from.share < BUSY_SHARE || difference < CLEAR_DIFFERENCE) break;
    const half = Math.round(from.connections * difference / from.share / 2);
    const count = Math.min(half, from.connections - 1);
    if (count > 0) moves.push({ from: from.worker, to: to.worker, count });
  }
  return moves;
}

/** What is kept of a worker from one look to the next. */
interface Watched {
  streak: number;
  /** Looks that it is left alone for. */
  rest: number;
  restLength: number;
  lastRole: "from" | "to" | null;
}

export class RebalancePlan<Worker extends object> {
  readonly #watched = new WeakMap<Worker, Watched>();

  /** One look: the moves to carry out now. Each is to be reported to `moved`. */
  look(loads: readonly WorkerLoad<Worker>[]): Move<Worker>[] {
    const moves = planMoves(loads);
    const isFrom = new Set(moves.map(({ from }) => from));
    for (const { worker } of loads) {
      const watched = this.#of(worker);
      watched.streak = isFrom.has(worker) ? watched.streak + 1 : 0;
      if (watched.rest > 0) watched.rest--;
      else if (!isFrom.has(worker)) watched.restLength = REST_LOOKS;
    }
    const due = moves.filter(({ from, to }) =>
      this.#of(from).streak >= STREAK && this.#of(from).rest === 0 && this.#of(to).rest === 0);
    // Until it is reported: a worker that is busy may take its time.
    for (const { from, to } of due) this.#of(from).rest = this.#of(to).rest = Infinity;
    return due;
  }

  /** A move came to this many connections. */
  moved({ from, to }: Move<Worker>, given: number): void {
    const [giver, taker] = [this.#of(from), this.#of(to)];
    const isInVain = given === 0 || giver.lastRole === "to" || taker.lastRole === "from";
    for (const each of [giver, taker]) {
      each.restLength = isInVain ? Math.min(each.restLength * 2, REST_LOOKS_MAX) : REST_LOOKS;
      each.rest = each.restLength;
      each.streak = 0;
    }
    if (given === 0) return;
    giver.lastRole = "from";
    taker.lastRole = "to";
  }

  #of(worker: Worker): Watched {
    let watched = this.#watched.get(worker);
    if (watched === undefined) {
      watched = { streak: 0, rest: 0, restLength: REST_LOOKS, lastRole: null };
      this.#watched.set(worker, watched);
    }
    return watched;
  }
}
