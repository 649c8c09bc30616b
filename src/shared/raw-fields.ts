/** Raw lists of fields, name and value in turn as parsers give them. Pure. */

export type RawField = [name: string, value: string];

/** As pairs, in their order and spelling. */
export function pairsOf(raw: readonly string[]): RawField[] {
  const pairs: RawField[] = [];
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
  return pairs;
}
