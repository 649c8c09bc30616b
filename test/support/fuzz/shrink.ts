/** The smallest part of an input that still shows a finding, within a number of tries. */
const TRIES_MAX = 300;

export async function shrink(
  input: string,
  shows: (input: string) => Promise<boolean>,
): Promise<string> {
  let small = input;
  let tries = 0;
  for (let piece = Math.ceil(small.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < small.length && tries < TRIES_MAX;) {
      const less = small.slice(0, at) + small.slice(at + piece);
      tries++;
      if (less !== "" && await shows(less)) small = less;
      else at += piece;
    }
  }
  return small;
}
