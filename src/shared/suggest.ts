/** The hint in a refusal of an unknown name: the known name the user may have meant. Pure. */

/** How far a name is from its own beginning: farther than one slip of the hand. */
const BEGINNING = 1.5;

/** `, did you mean X?`, or nothing if no known name is near. */
export function suggest(unknown: string, known: readonly string[]): string {
  const wanted = unknown.toLowerCase();
  let best = "";
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const related = candidate.startsWith(wanted) || wanted.startsWith(candidate);
    const distance = Math.min(related ? BEGINNING : Infinity, editDistance(wanted, candidate));
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best === "" ? "" : `, did you mean ${best}?`;
}

/**
 * Levenshtein distance with neighbours that changed places as one change, a row at a time. Names
 * are short, so its square cost does not matter.
 */
function editDistance(from: string, to: string): number {
  let beforeThat: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = from[row - 1] === to[column - 1] ? 0 : 1;
      const isSwap =
        row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + change,
        isSwap ? (beforeThat[column - 2] ?? 0) + 1 : Infinity,
      ));
    }
    beforeThat = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}
