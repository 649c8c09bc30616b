/** The little arithmetic of the benchmark: medians, spreads, and the order of a round. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A copy in random order (Fisher-Yates). */
export function shuffle(values) {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

/** The median of one field over samples, with its lowest and highest value. */
export function spread(samples, field) {
  const values = samples.map((sample) => sample[field]);
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}
